// SPDX-License-Identifier: Apache-2.0
// Statistics as Estimates: a value with its uncertainty, or the reason why there is none. Never a silent NaN.
#pragma once

#include "trainer/statistics/calibration.hpp"
#include "trainer/statistics/concordance.hpp"
#include "trainer/statistics/estimate.hpp"
#include "trainer/statistics/scale.hpp"
#include "trainer/statistics/survival.hpp"

namespace hepar::statistics {

struct EstimateRules {
  std::int64_t min_events = 1;  // fewer: not estimable
  double level = 0.95;
};

// Value with an interval that is normal on the scale; not estimable: a value or se that is not finite, or a value at the end
// of the scale (C = 1), where there is no interval.
[[nodiscard]] Estimate normal_estimate(double value, double se, Scale scale, std::string method, const EstimateRules& rules = {});
// The reason why nothing at all can be said about these outcomes; empty when something can.
[[nodiscard]] std::string too_little(Outcomes outcomes, const EstimateRules& rules);
[[nodiscard]] std::string constant_score(Values score);  // reason, or empty

[[nodiscard]] Estimate harrell_c_estimate(Outcomes outcomes, Values score, const EstimateRules& rules = {}, const ConcordanceOptions& options = {});
[[nodiscard]] Estimate harrell_c_difference_estimate(Outcomes outcomes, Values first, Values second, const EstimateRules& rules = {});
[[nodiscard]] Estimate survival_estimate(Outcomes outcomes, double t, const EstimateRules& rules = {});        // log-log interval
[[nodiscard]] Estimate median_survival_estimate(Outcomes outcomes, const EstimateRules& rules = {});
[[nodiscard]] Estimate median_follow_up_estimate(Outcomes outcomes);
[[nodiscard]] Estimate restricted_mean_estimate(Outcomes outcomes, double tau, const EstimateRules& rules = {});
[[nodiscard]] Estimate observed_expected_estimate(Outcomes outcomes, Values risk, double t, const EstimateRules& rules = {});  // log scale
[[nodiscard]] Estimate calibration_slope_estimate(Outcomes outcomes, Values risk, const EstimateRules& rules = {});

}  // namespace hepar::statistics
