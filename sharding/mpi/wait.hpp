// SPDX-License-Identifier: Apache-2.0
// Waiting with a deadline; for the sources of this room alone (it shows mpi.h).
#pragma once

#include <mpi.h>

#include <atomic>

namespace hepar::mpi {

struct Patience {
  double seconds = 300;
  int rank = 0, size = 1;
  const char* operation = "";
  const std::atomic<bool>* abandoned = nullptr;  // set: the wait throws soon
};

// Tests the request until it is done; throws ExitCode::rank_failed when that takes longer than the patience. Spins
// shortly, then yields, then sleeps: ranks often share their cores with the ranks they wait for.
void wait(MPI_Request& request, const Patience& patience);

}  // namespace hepar::mpi
