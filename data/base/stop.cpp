// SPDX-License-Identifier: Apache-2.0
#include "data/base/stop.hpp"

#include <csignal>

namespace hepar {

namespace {

// A signal handler can reach nothing but a namespace-scope flag.
volatile std::sig_atomic_t stop_flag = 0;

void request_stop(int) { stop_flag = 1; }

}  // namespace

void install_stop_signals() {
  struct sigaction action {};
  action.sa_handler = &request_stop;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR1, &action, nullptr);
  ::sigaction(SIGUSR2, &action, nullptr);
}

bool stop_requested() { return stop_flag != 0; }

}  // namespace hepar
