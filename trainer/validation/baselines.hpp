// SPDX-License-Identifier: Apache-2.0
// What a model is compared with, on the same folds and the same covariates.
#pragma once

#include "trainer/engine/experiment.hpp"
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
  const std::vector<std::string>& columns;      // to go by
  const std::vector<EndpointSpec>& endpoints;
};
// One endpoint of the test patients. A regression with few events a coefficient, or far outside of what it was fitted on,
// predicts risks near 0 and 1 that nobody can mean, and whatever is compared with them looks well calibrated. Such risks
// are judged by their order alone.
struct BaselineSurvival {
  Survival survival;               // at its months_of
  double events_per_coefficient = 0;  // in the training fold, the endpoint's own events, by its horizon
  std::string risks_unjudged;      // why; empty: its risks are judged as probabilities too
  std::string not_fitted = {};     // why there is no survival in this fold; empty: there is
};

struct BaselineResult {
  std::vector<BaselineSurvival> endpoints;
  std::vector<std::string> fitted_on;       // keys, for the audit
};
struct Baseline {
  std::string_view name;   // as validation.baselines has it
  std::string_view title;  // for readers
  std::string_view what;   // "Cox regression on …"
  std::string_view column; // that it goes by alone; empty: the columns that the model sees
  BaselineResult (*predict)(const BaselineRequest& request);
};
[[nodiscard]] std::span<const Baseline> baselines();
// What it goes by, beside a model that sees these clinical columns.
[[nodiscard]] std::vector<std::string> columns_of(const Baseline& baseline, const std::vector<std::string>& of_model);
[[nodiscard]] bool asked_for(const engine::Experiment& experiment, const Baseline& baseline);
// usage_error: a baseline is asked for whose column the store does not have, or which is known after predict_at.
void check_baselines(const engine::Experiment& experiment, const store::Store& store);
// What it is and what of it is compared where, for validation.json and the page.
[[nodiscard]] std::string method_of(const Baseline& baseline);

// The patients of a list whose outcome of an endpoint is known, and where they stand in it.
struct KnownOutcomes {
  statistics::OutcomeTable table;
  std::vector<std::size_t> rows;
};
[[nodiscard]] KnownOutcomes outcomes_of(const store::Store& store, const std::vector<std::int64_t>& patients, const std::string& endpoint);

}  // namespace hepar::validation
