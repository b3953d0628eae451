// SPDX-License-Identifier: Apache-2.0
// Who of the ranks lives: heartbeats over TCP beside MPI, from a thread of their own. A rank that died, has been silent for
// ten seconds (stopped, or cut off) or makes no progress in its steps is named by one of the others, every survivor writes
// what it has to, and the program ends with ExitCode::rank_failed. MPI notices none of this for minutes, or never.
#pragma once

#include "data/base/error.hpp"
#include "data/base/status.hpp"
#include "sharding/mpi/activity.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace hepar::mpi {

class Communicator;

// Why the program ends, as every survivor hears it.
struct Loss {
  std::vector<int> ranks;  // of the world, that are lost
  std::string host, phase, message;
  std::int64_t step = -1;
  bool speaker = false;  // this rank is the one that tells people
};

class Watch {
 public:
  Watch();  // off: nobody is watched, activities are noted all the same
  Watch(const Watch&) = delete;
  ~Watch();

  // Collective over all ranks of the program; more than one. Off, with the reason returned, when a rank cannot reach the
  // two that listen: then MPI's deadlines alone end a job.
  [[nodiscard]] std::string start(const Communicator& world);
  // This rank ends now, and tells people why itself when it fails: nobody is to miss it.
  void leave(bool failing);

  [[nodiscard]] Activity& activity() { return activity_; }

  // In its lifetime, what to do on this rank when the program is about to end; from the watch's thread.
  class Task {
   public:
    Task(Watch& watch, std::uint64_t number) : watch_(watch), number_(number) {}
    Task(const Task&) = delete;
    ~Task();

   private:
    Watch& watch_;
    std::uint64_t number_;
  };
  [[nodiscard]] Task on_loss(std::function<void(const Loss&)> work);
  // The first of `members` (ranks of the world) that is not lost writes the status: "failed", and what the loss says.
  [[nodiscard]] Task on_loss_publish(StatusFile file, std::vector<int> members);

 private:
  struct Ranks;
  void do_tasks(const Loss& loss);

  Activity activity_;
  std::mutex lock_;
  std::uint64_t tasks_begun_ = 0;
  std::vector<std::pair<std::uint64_t, std::function<void(const Loss&)>>> tasks_;
  std::unique_ptr<Ranks> ranks_;  // while it is on
  int rank_ = 0;
};

}  // namespace hepar::mpi
