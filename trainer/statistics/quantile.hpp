// SPDX-License-Identifier: Apache-2.0
// Sample quantiles (type 7 of Hyndman & Fan 1996), quantile groups, and the quantiles and tails of reference laws.
#pragma once

#include "trainer/statistics/outcomes.hpp"

namespace hepar::statistics {

// h = (n-1)p between order statistics; NaN when empty.
[[nodiscard]] double quantile7(Values values, double p);
[[nodiscard]] double quantile7_sorted(Values ascending, double p);
// Group of each value, 0 … groups-1: breaks b_i = q7(i/groups); group 0 = [b_0, b_1], group i = (b_i, b_(i+1)]. Ties
// make unequal or empty groups.
[[nodiscard]] std::vector<int> quantile_groups(Values values, int groups);

[[nodiscard]] double normal_quantile(double p);
[[nodiscard]] double student_quantile(double p, double df);             // NaN when df <= 0
[[nodiscard]] double normal_two_sided(double z);                        // P(|Z| >= |z|)
[[nodiscard]] double chi_squared_tail(double chisq, double df);         // upper tail; NaN when df <= 0
// Half width factor of a two-sided interval: z for level 0.95 is 1.96.
[[nodiscard]] double normal_factor(double level);

[[nodiscard]] double mean(Values values);
[[nodiscard]] double standard_deviation(Values values);  // n-1; NaN when fewer than two

}  // namespace hepar::statistics
