// SPDX-License-Identifier: Apache-2.0
// From finished folds to validation.json: metrics a fold, pooled over folds, against the baselines, figures for people.
#pragma once

#include "trainer/statistics/held_out.hpp"
#include "trainer/validation/fold_run.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace hepar::validation {

struct ResultsRequest {
  const engine::Experiment& experiment;
  const store::Store& store;
  const std::vector<FoldResult>& folds;
  Audit audit;
  int threads = 1;
};

struct Results {
  nlohmann::ordered_json json;
  bool anything_estimable = false;
  std::string headline;  // a table for the terminal
};
[[nodiscard]] Results gather_results(const ResultsRequest& request);

// Per endpoint: pooled C, that of a new centre, and the differences to every baseline; then the arms that some fold could not learn.
[[nodiscard]] std::string headline_of(const nlohmann::ordered_json& results, const std::vector<FoldResult>& folds);

[[nodiscard]] nlohmann::ordered_json estimate_json(const statistics::Estimate& estimate);

// One endpoint over all folds. `risk_group` by the cut points of each patient's training fold, 0 … kRiskGroups - 1.
struct Figured {
  statistics::HeldOut all;
  std::vector<int> fold, risk_group;
};
// The share free of the event by risk group (Kaplan-Meier; with competing events 1 - the Aalen-Johansen incidence), the
// log-rank test between them, and calibration in groups.
[[nodiscard]] nlohmann::ordered_json figures_of(const Figured& endpoint);

}  // namespace hepar::validation
