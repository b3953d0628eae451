// SPDX-License-Identifier: Apache-2.0
// How the ranks of a group leave NCCL together: whoever fails tells the others, who hear of it while they poll, and all throw
// the error of the lowest rank that had one. Over MPI, which works when NCCL does not. Internal to the room.
#pragma once

#include "trainer/collective/collective.hpp"

#include <memory>
#include <optional>

namespace hepar::collective {

class Alarm {
 public:
  explicit Alarm(const mpi::Communicator& group);  // collective

  [[nodiscard]] bool heard() const;  // some other rank has failed; returns at once
  // Tells the others when `mine` is an error, waits for them a few seconds, throws.
  [[noreturn]] void leave(const std::optional<Error>& mine);

 private:
  void tell() const;

  mpi::Communicator line_;
  bool whole_;
  std::unique_ptr<Collective> meeting_;
};

}  // namespace hepar::collective
