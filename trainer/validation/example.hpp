// SPDX-License-Identifier: Apache-2.0
// One held-out patient's curves under every strategy, month by month, for people to look at.
#pragma once

#include "trainer/validation/fold_run.hpp"

#include <nlohmann/json.hpp>

#include <vector>

namespace hepar::validation {

// The patient with the middle predicted risk of the first endpoint (neither the best nor the worst case), predicted by the
// model of the fold that held it out. {"patient_id", "centre", "fold", "strategy_observed", "months": [0, 1, …],
// "curves": [{"strategy", "endpoint", "survival": [… to the endpoint's horizon] or "not_estimable": why}]}; null when nobody
// was held out.
[[nodiscard]] nlohmann::ordered_json example_json(const store::Store& store, const std::vector<FoldResult>& folds, const ValidationFolder& folder);

}  // namespace hepar::validation
