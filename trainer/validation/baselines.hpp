// SPDX-License-Identifier: Apache-2.0
// What a model is compared with, on the same folds and the same covariates.
#pragma once

#include "trainer/statistics/outcomes.hpp"
#include "trainer/validation/fold_plan.hpp"
#include "trainer/validation/strategies.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hepar::validation {

struct BaselineRequest {
  const store::Store& store;
  const Fold& fold;
  const std::vector<std::string>& columns;      // clinical columns that the model sees too
  const std::vector<EndpointSpec>& endpoints;
};
// One endpoint of the test patients. A regression with few events a coefficient, or far outside of what it was fitted on,
// predicts risks near 0 and 1 that nobody can mean, and whatever is compared with them looks well calibrated. Such risks
// are judged by their order alone.
struct BaselineSurvival {
  Survival survival;               // at its months_of
  double events_per_coefficient = 0;  // in the training fold, the endpoint's own events, by its horizon
  std::string risks_unjudged;      // why; empty: its risks are judged as probabilities too
};

struct BaselineResult {
  std::vector<BaselineSurvival> endpoints;  // empty: nothing to fit
  std::vector<std::string> fitted_on;       // keys, for the audit
};
struct Baseline {
  std::string_view name;   // as validation.baselines has it
  std::string_view title;  // for readers
  std::string_view what;   // "Cox regression on …"
  BaselineResult (*predict)(const BaselineRequest& request);
};
[[nodiscard]] std::span<const Baseline> baselines();
// What it is and what of it is compared where, for validation.json and the page.
[[nodiscard]] std::string method_of(const Baseline& baseline);

// The patients of a list whose outcome of an endpoint is known, and where they stand in it.
struct KnownOutcomes {
  statistics::OutcomeTable table;
  std::vector<std::size_t> rows;
};
[[nodiscard]] KnownOutcomes outcomes_of(const store::Store& store, const std::vector<std::int64_t>& patients, const std::string& endpoint);

}  // namespace hepar::validation
