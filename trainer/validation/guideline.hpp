// SPDX-License-Identifier: Apache-2.0
// The rule that the model is compared with, in the cohort's own terms: a strategy where an expression holds, the first one else.
#pragma once

#include "sharding/store/store.hpp"
#include "trainer/engine/experiment.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace hepar::validation {

struct Guideline {
  std::string text;          // the expression
  std::string problem;       // why there is no rule; empty when there is
  std::vector<int> choice;   // [patient]: an arm, or statistics::kAsObserved where the rule cannot be judged
  std::int64_t unknown = 0;  // of those
};
// usage_error: an expression that does not parse.
[[nodiscard]] Guideline guideline_of(const engine::DecisionConfig& config, const store::Store& store, const std::vector<std::int64_t>& patients);

}  // namespace hepar::validation
