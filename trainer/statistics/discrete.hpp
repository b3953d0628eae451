// SPDX-License-Identifier: Apache-2.0
// Discrete-time cause-specific hazards in double: the yardstick for the training losses (clinical.md section 4; Tutz &
// Schmid 2016; Gensheimer & Narasimhan 2019).
#pragma once

#include "trainer/statistics/outcomes.hpp"

namespace hepar::statistics {

// logits: one patient's J x causes values, interval-major.
// Negative log-likelihood of one patient; cuts c_0 < … < c_J; event in (c_(k-1), c_k] is in interval k.
[[nodiscard]] double discrete_nll(Values logits, Values cuts, double time, int event);

struct DiscreteCurves {
  std::vector<double> survival;           // [interval]
  std::vector<std::vector<double>> cif;   // [cause - 1][interval]
};
[[nodiscard]] DiscreteCurves discrete_curves(Values logits, int intervals, int causes);

struct IllnessDeath {
  std::vector<double> rfs, os;  // [interval]; os >= rfs by construction
};
// Causes: recurrence, death without; post_logits: death after recurrence, one an interval.
[[nodiscard]] IllnessDeath illness_death(Values logits, Values post_logits);
// Smallest os - rfs, computed as the probability of living with recurrence (no cancellation).
[[nodiscard]] double smallest_gap(Values logits, Values post_logits);

// Area under a survival curve that is 1 at cuts[0] and survival[j] at cuts[j+1], linear between, up to tau.
[[nodiscard]] double curve_area(Values cuts, Values survival, double tau);

}  // namespace hepar::statistics
