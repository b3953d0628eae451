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
struct BaselineResult {
  std::vector<Survival> survival;      // of the test patients, an endpoint each, at its months_of; empty: nothing to fit
  std::vector<std::string> fitted_on;  // keys, for the audit
};
struct Baseline {
  std::string_view name;  // as validation.baselines has it
  BaselineResult (*predict)(const BaselineRequest& request);
};
[[nodiscard]] std::span<const Baseline> baselines();

// The patients of a list whose outcome of an endpoint is known, and where they stand in it.
struct KnownOutcomes {
  statistics::OutcomeTable table;
  std::vector<std::size_t> rows;
};
[[nodiscard]] KnownOutcomes outcomes_of(const store::Store& store, const std::vector<std::int64_t>& patients, const std::string& endpoint);

}  // namespace hepar::validation
