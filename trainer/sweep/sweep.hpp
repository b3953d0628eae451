// SPDX-License-Identifier: Apache-2.0
// A search for settings: trials that workers pull from a folder, on one stated training part of a store.
#pragma once

#include "data/base/log.hpp"
#include "sharding/mpi/session.hpp"
#include "trainer/sweep/search.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace hepar::sweep {

struct SweepRequest {
  engine::Experiment experiment;
  SearchConfig search;
  std::optional<Space> space;
  std::filesystem::path store, out;
  std::string worker;                     // names workers/NAME; empty: host and process
  bool fresh = false, accept_other_machine = false;
  std::string command_line;
};

struct SweepResult {
  bool stopped = false, already_finished = false;
  std::string text, json;                 // of rank 0, when all trials are done: the leaderboard
};

// Collective. Goes on with what is there, beside any number of other workers, until nothing is left to do. training error
// (exit 5) when no trial has a score.
[[nodiscard]] SweepResult sweep(const SweepRequest& request, const mpi::Communicator& world, const Console& console);

}  // namespace hepar::sweep
