// SPDX-License-Identifier: Apache-2.0
#include "sharding/mpi/wait.hpp"

#include "data/base/error.hpp"

#include <sched.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

namespace hepar::mpi {

namespace {

constexpr int kSpins = 64;
constexpr double kYieldSeconds = 0.25;
constexpr std::chrono::microseconds kNap{200};

}  // namespace

void wait(MPI_Request& request, const Patience& patience) {
  const auto start = std::chrono::steady_clock::now();
  double waited = 0;
  for (std::int64_t round = 0;; ++round) {
    int done = 0;
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0) return;
    if (round < kSpins) continue;
    if (waited < kYieldSeconds) {
      ::sched_yield();
    } else {
      std::this_thread::sleep_for(kNap);
    }
    if (round % 64 != 0) continue;
    if (patience.abandoned != nullptr && *patience.abandoned) throw Error(ExitCode::rank_failed, std::string("gave up ") + patience.operation, "rank " + std::to_string(patience.rank));
    waited = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (waited > patience.seconds)
      throw Error(ExitCode::rank_failed, std::string("no answer in ") + patience.operation + " for " + std::to_string(static_cast<int>(waited)) + " s",
                  "rank " + std::to_string(patience.rank) + " of " + std::to_string(patience.size), "another rank died or stalled; run the same command again to continue");
  }
}

}  // namespace hepar::mpi
