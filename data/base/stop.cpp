// SPDX-License-Identifier: Apache-2.0
#include "data/base/stop.hpp"

#include <csignal>
#include <cstdlib>
#include <ctime>

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

bool stop_requested() {
  if (stop_flag != 0) return true;
  const char* deadline = std::getenv("HEPAR_DEADLINE");
  const long long at = deadline == nullptr ? 0 : std::strtoll(deadline, nullptr, 10);
  return at > 0 && std::time(nullptr) >= at;
}

}  // namespace hepar
