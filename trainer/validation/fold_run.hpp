// SPDX-License-Identifier: Apache-2.0
// One fold on a group of ranks: train, predict who was held out, fit the baseline; what it saw goes into fold.json.
#pragma once

#include "data/base/run_folder.hpp"
#include "trainer/engine/engine.hpp"
#include "trainer/validation/audit.hpp"
#include "trainer/validation/baselines.hpp"
#include "trainer/validation/calibration_map.hpp"
#include "trainer/validation/fold_plan.hpp"
#include "trainer/validation/strategies.hpp"

#include <map>
#include <string>
#include <vector>

namespace hepar::validation {

constexpr std::size_t kRiskGroups = 3;

// Of the test patients, in the order of FoldResult::record.test.
struct EndpointResult {
  std::string endpoint;
  std::vector<double> months;     // to the endpoint's horizon
  std::vector<double> risk_cuts;  // between the risk groups: thirds of the training fold's predicted risk
  Survival natural, raw;          // calibrated and not, natural strategy
  std::map<std::string, BaselineSurvival> baselines{};
};
struct FoldResult {
  FoldRecord record;
  std::string parameters_sha256, predictions_sha256, propensity_note;
  std::vector<Strategy> strategies;  // the arms, as the training fold knows them; none in a fold that was not trained
  std::vector<EndpointResult> endpoints;
  CalibrationMaps calibration;
  double seconds = 0;
};

struct FoldRequest {
  const engine::Experiment& experiment;
  const store::Store& store;
  const Fold& fold;
  ValidationFolder folder;
  std::string label;              // of its progress line
  bool accept_other_machine = false;
};
// Collective over the group. False: stopped on request, checkpoint written. A finished fold is left as it is. A fold whose
// training part has nothing to learn from is recorded as such, for others to go on.
[[nodiscard]] bool run_fold(const FoldRequest& request, collective::Collective& group, const Console& console);

// Writes the fold's predictions and then fold.json, with which the fold is complete.
void publish_fold(const ValidationFolder& folder, FoldResult result, const std::string& predictions);
// A finished fold, with what its model.json says of who was seen. store_error: not what was written.
[[nodiscard]] FoldResult read_fold(const ValidationFolder& folder, const std::string& name);
[[nodiscard]] std::string read_fold_predictions(const ValidationFolder& folder, const FoldResult& fold);

}  // namespace hepar::validation
