// SPDX-License-Identifier: Apache-2.0
// A whole validation: folds shared out over groups of ranks, the leak audit, pooled results.
#pragma once

#include "data/base/log.hpp"
#include "sharding/mpi/session.hpp"
#include "trainer/engine/experiment.hpp"

#include <filesystem>
#include <string>

namespace hepar::validation {

struct ValidateRequest {
  engine::Experiment experiment;
  std::filesystem::path store, out;
  std::string only_fold;  // folds/NAME alone; nothing is pooled
  bool gather = false;    // trains nothing
  bool fresh = false, must_resume = false, accept_other_machine = false;
  std::string command_line;
};

struct ValidateResult {
  bool stopped = false;
  // Of rank 0, when the results are there: the headline table, and the pooled estimates as JSON.
  std::string text, pooled;
};

// Collective. rank_failed (exit 6) when `gather` finds folds missing; training error (5) when nothing is estimable.
[[nodiscard]] ValidateResult validate(const ValidateRequest& request, const mpi::Communicator& world, const Console& console);

// The folds of a store, a line each: name, tab, folder below folds/. Local.
[[nodiscard]] std::string fold_list(const engine::Experiment& experiment, const std::filesystem::path& store);

}  // namespace hepar::validation
