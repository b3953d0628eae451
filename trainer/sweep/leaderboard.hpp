// SPDX-License-Identifier: Apache-2.0
// From the trials' files to sweep.json: every trial with its settings and rungs, in the order of merit.
#pragma once

#include "trainer/sweep/trial_files.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace hepar::sweep {

struct Leaderboard {
  nlohmann::ordered_json trials = nlohmann::ordered_json::array();  // best first: who came further, then the score
  std::int64_t best = -1;                                           // trial number; -1: none has a score
};
[[nodiscard]] Leaderboard leaderboard(const Ledger& ledger, const std::vector<Settings>& trials, const std::vector<TrialFacts>& facts, const Halving& halving);

// The first twenty of such trials, as a table for a terminal.
[[nodiscard]] std::string leaderboard_text(const nlohmann::ordered_json& trials, const std::string& objective);

}  // namespace hepar::sweep
