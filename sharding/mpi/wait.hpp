// SPDX-License-Identifier: Apache-2.0
// Waiting with a deadline; for the sources of this room alone (it shows mpi.h).
#pragma once

#include <mpi.h>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace hepar::mpi {

struct Patience {
  double seconds = 300;
  int rank = 0, size = 1;
  const char* operation = "";
  const std::atomic<bool>* abandoned = nullptr;  // set: the wait throws soon
};

// A wait for other ranks, turn by turn: ranks often share their cores with the ranks they wait for, so a turn yields, and
// after a while sleeps. Throws ExitCode::rank_failed when the patience is over.
class Waiting {
 public:
  explicit Waiting(const Patience& patience) : patience_(patience) {}
  void turn();

 private:
  const Patience& patience_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double waited_ = 0;
  std::int64_t turns_ = 0;
};

// Tests the request until it is done, after a short spin turn by turn.
void wait(MPI_Request& request, const Patience& patience);

}  // namespace hepar::mpi
