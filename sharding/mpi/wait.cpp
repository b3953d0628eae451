// SPDX-License-Identifier: Apache-2.0
#include "sharding/mpi/wait.hpp"

#include "data/base/error.hpp"

#include <sched.h>

#include <string>
#include <thread>

namespace hepar::mpi {

namespace {

constexpr int kSpins = 64;
constexpr double kYieldSeconds = 0.25;
constexpr std::chrono::microseconds kNap{200};

}  // namespace

void Waiting::turn() {
  if (waited_ < kYieldSeconds) {
    ::sched_yield();
  } else {
    std::this_thread::sleep_for(kNap);
  }
  if (++turns_ % 64 != 0) return;
  if (patience_.abandoned != nullptr && *patience_.abandoned)
    throw Error(ExitCode::rank_failed, std::string("gave up ") + patience_.operation, "rank " + std::to_string(patience_.rank));
  waited_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  if (waited_ > patience_.seconds)
    throw Error(ExitCode::rank_failed, std::string("no answer in ") + patience_.operation + " for " + std::to_string(static_cast<int>(waited_)) + " s",
                "rank " + std::to_string(patience_.rank) + " of " + std::to_string(patience_.size), "another rank died or stalled; run the same command again to continue");
}

void wait(MPI_Request& request, const Patience& patience) {
  Waiting waiting(patience);
  for (int round = 0;; round += round < kSpins ? 1 : 0) {
    int done = 0;
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0) return;
    if (round >= kSpins) waiting.turn();
  }
}

}  // namespace hepar::mpi
