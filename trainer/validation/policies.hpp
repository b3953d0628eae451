// SPDX-License-Identifier: Apache-2.0
// What following the model would be worth on patients that it never saw: its recommendations against a guideline, each single
// strategy, the treatment as given and a choice by lot, by doubly robust scores on held-out patients.
#pragma once

#include "trainer/validation/decisions.hpp"
#include "trainer/validation/fold_run.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace hepar::validation {

// The held-out patients' recommendations, each by the fold that did not see the patient, in the order of folds and test lists.
struct HeldOutDecisions {
  std::vector<std::int64_t> patients;  // store indices
  std::vector<int> fold;
  std::vector<Decision> decisions;
  std::vector<std::string> fold_names;
  std::string rule;  // JSON of DecisionRule
  std::string endpoint;
  double months = 36;
};
[[nodiscard]] HeldOutDecisions held_out_decisions(const engine::Experiment& experiment, const store::Store& store, const std::vector<FoldResult>& folds,
                                                  const ValidationFolder& folder);
[[nodiscard]] std::string decisions_csv(const store::Store& store, const HeldOutDecisions& decisions);

// The part "policies" of validation.json; {"not_estimable": why} where there is nothing to choose.
[[nodiscard]] nlohmann::ordered_json policies_json(const engine::Experiment& experiment, const store::Store& store, const HeldOutDecisions& decisions);

}  // namespace hepar::validation
