// SPDX-License-Identifier: Apache-2.0
// One trial to one rung: train on the stated training part, predict its inner part, score, and say who was seen.
#pragma once

#include "trainer/engine/engine.hpp"
#include "trainer/sweep/space.hpp"
#include "trainer/validation/fold_plan.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace hepar::sweep {

struct Objective {
  const char* name;       // of a statistic of held_out.hpp
  bool higher_is_better;
};
// usage_error when there is none of that name.
[[nodiscard]] const Objective& objective_named(const std::string& name);
[[nodiscard]] std::vector<std::string> objective_names();

// The endpoints with at least `min_events` among the inner patients, which alone enter the objective. Throws
// (ExitCode::training) when there is none.
[[nodiscard]] std::vector<std::string> scored_endpoints(const store::Store& store, const validation::Fold& part, const engine::Experiment& experiment);

struct TrialRequest {
  const engine::Experiment& experiment;  // with the trial's settings
  const store::Store& store;
  const validation::Fold& part;
  const std::vector<std::string>& endpoints;  // scored_endpoints
  const Objective& objective;
  std::filesystem::path run;
  std::string label;
  double share = 1;
  bool accept_other_machine = false;
};

struct TrialResult {
  bool stopped = false;              // on request; the checkpoint is written
  nlohmann::ordered_json record;     // of the root: step, value and score, estimates, parameters_sha256, audit
};
// Collective over the group. store_error when the audit finds that anybody was seen who must not be.
[[nodiscard]] TrialResult run_trial(const TrialRequest& request, collective::Collective& group, const Console& console);

}  // namespace hepar::sweep
