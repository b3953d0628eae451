// SPDX-License-Identifier: Apache-2.0
// Weights of training patients by the treatment that was given (train.weights: iptw), so that the network learns effects from
// groups that are alike: stabilised P(A) / P(A | covariates, centre), cut at the 1st and 99th percentile (Cole & Hernan 2008).
// The only thing fitted in a training fold that may know the centre: a centre's habit is a reason for treatment, not a feature.
#pragma once

#include "sharding/store/store.hpp"
#include "trainer/engine/experiment.hpp"

#include <cstdint>
#include <vector>

namespace hepar::validation {

// One a patient of the list, mean about 1; 1 for those without a known strategy. Empty unless the experiment asks for weights
// and the store has several strategies of which two have 20 patients.
[[nodiscard]] std::vector<double> weights_for(const engine::Experiment& experiment, const store::Store& store, const std::vector<std::int64_t>& patients);

}  // namespace hepar::validation
