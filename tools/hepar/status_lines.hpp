// SPDX-License-Identifier: Apache-2.0
// What runs, waits or failed in a folder: lines of a table.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hepar::program {

struct Line {
  std::string name, kind, state, done, left, message;
  std::vector<Line> parts;  // folds of a validation; running trials and workers of a sweep
  // Of what runs: the age of its last sign of life, by its files; silent: older than its work explains. It may be dead: nothing
  // on a disk tells a killed job from one that is stuck.
  std::optional<double> heard_seconds = {};
  bool silent = false;
};

// Of a store, run, validation or sweep; else of those in the folder. usage_error when there are none.
[[nodiscard]] std::vector<Line> lines_of(const std::filesystem::path& folder);

}  // namespace hepar::program
