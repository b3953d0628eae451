// SPDX-License-Identifier: Apache-2.0
// How good the held-out predictions are for those of whom something is missing: a mean over everybody hides them.
#pragma once

#include "trainer/validation/fold_run.hpp"

#include <nlohmann/json.hpp>

#include <vector>

namespace hepar::validation {

// {"<endpoint>": [{"pattern": "complete" | "without slide" | "afp missing" …, "patients", "harrell_c": Estimate, "oe": Estimate}]}.
// Patterns overlap: a patient may lack several things. Only what between 1 % and 99 % of the predicted patients lack. Pairs of
// the same fold are compared; fewer than `min_events` events by the horizon: not estimable.
[[nodiscard]] nlohmann::ordered_json availability_json(const store::Store& store, const std::vector<FoldResult>& folds, std::int64_t min_events);

}  // namespace hepar::validation
