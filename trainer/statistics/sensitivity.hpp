// SPDX-License-Identifier: Apache-2.0
// How much an observed hazard ratio can bear: unmeasured confounding (E-value) and the events it rests on (power).
#pragma once

namespace hepar::statistics {

// VanderWeele & Ding 2017: the smallest association, on the risk-ratio scale, that an unmeasured confounder would need with
// both treatment and outcome to explain the estimate away; `limit`: the same for the interval's end nearer to 1 (1 when the
// interval covers 1). `rare`: fewer than 15 % have the event, so that the hazard ratio is a risk ratio; else it is turned
// into one by (1 - 0.5^sqrt(HR)) / (1 - 0.5^sqrt(1/HR)).
struct EValue {
  double estimate, limit;
};
[[nodiscard]] EValue e_value(double hazard_ratio, double low, double high, bool rare);

// Schoenfeld 1983, two-sided level alpha, a share `p` of the patients in one group.
[[nodiscard]] double log_rank_power(double hazard_ratio, double events, double share, double alpha = 0.05);
[[nodiscard]] double detectable_hazard_ratio(double events, double share, double power = 0.8, double alpha = 0.05);  // below 1

}  // namespace hepar::statistics
