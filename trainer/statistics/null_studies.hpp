// SPDX-License-Identifier: Apache-2.0
// Two simulated studies in which no treatment does anything, run through `consistency` as the real one is (clinical.md
// section 6), so that a reader sees beside a result what the same code says where there is nothing.
#pragma once

#include "trainer/statistics/consistency.hpp"

#include <cstdint>

namespace hepar::statistics {

struct NullOptions {
  int simulations = 60;
  std::int64_t patients = 2000;
  std::uint64_t seed = 1;
  int threads = 1;  // the result does not depend on it
};

// Over the simulations.
struct NullStudy {
  int simulations = 0;
  double naive = 0, unadjusted = 0, adjusted = 0, weighted = 0;                                                  // mean hazard ratio, consistent / inconsistent
  double naive_error = 0, unadjusted_error = 0, adjusted_error = 0, weighted_error = 0;                          // its standard error over simulations
  double naive_significant = 0, unadjusted_significant = 0, adjusted_significant = 0, weighted_significant = 0;  // share with p < 0.05
  double policy_difference = 0, policy_covers = 0;  // mean doubly robust months over surgery, share of intervals with 0
};

// Treatments start 0.8 to 3 months after surgery and only in those still free of the event: who fails early was "never
// treated". Treat-all model, landmark at 3 months.
[[nodiscard]] NullStudy null_of_start_delays(const NullOptions& options);
// Treatment at once, driven by two prognostic covariates; a model that recommends it to everybody, so that consistent
// means treated.
[[nodiscard]] NullStudy null_of_confounding(const NullOptions& options);

// One simulated cohort of each, for tests.
[[nodiscard]] StudyCohort delayed_cohort(std::int64_t patients, std::uint64_t seed, std::uint64_t index);
[[nodiscard]] StudyCohort confounded_cohort(std::int64_t patients, std::uint64_t seed, std::uint64_t index);

}  // namespace hepar::statistics
