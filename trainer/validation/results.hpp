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
  std::string headline;      // a table for the terminal
};
[[nodiscard]] Results gather_results(const ResultsRequest& request);

[[nodiscard]] nlohmann::ordered_json estimate_json(const statistics::Estimate& estimate);

// Kaplan-Meier by thirds of risk with the log-rank test, and calibration in groups, of one endpoint over all folds.
[[nodiscard]] nlohmann::ordered_json figures_of(const statistics::HeldOut& all, const std::vector<int>& fold_of_patient);

}  // namespace hepar::validation
