// SPDX-License-Identifier: Apache-2.0
#include "data/base/stop.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <ctime>

namespace hepar {

namespace {

// A signal handler can reach nothing but a namespace-scope flag.
volatile std::sig_atomic_t stop_flag = 0;

void request_stop(int) { stop_flag = 1; }

std::atomic<double> longest_stop{0};

double number_from(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? 0 : std::strtod(text, nullptr);
}

// Twice what it took, and what a loaded file system and a launcher that ends may add.
double lead() {
  constexpr double kMargin = 30;
  return longest_stop > 0 ? 2 * longest_stop + kMargin : number_from("HEPAR_STOP_LEAD");
}

}  // namespace

void install_stop_signals() {
  struct sigaction action {};
  action.sa_handler = &request_stop;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR1, &action, nullptr);
  ::sigaction(SIGUSR2, &action, nullptr);
}

bool stop_signalled() { return stop_flag != 0; }

bool stop_requested() {
  if (stop_signalled()) return true;
  const double end = number_from("HEPAR_DEADLINE");
  return end > 0 && static_cast<double>(std::time(nullptr)) >= end - lead();
}

void stop_takes(double seconds) {
  double before = longest_stop;
  while (seconds > before && !longest_stop.compare_exchange_weak(before, seconds)) {
  }
}

}  // namespace hepar
