// SPDX-License-Identifier: Apache-2.0
// Do predicted risks come true: O/E, quantile groups, slope, ICI (Austin, Harrell & van Klaveren 2020), net benefit
// (Vickers 2008).
#pragma once

#include "trainer/statistics/outcomes.hpp"

#include <string>

namespace hepar::statistics {

struct Calibration {
  double oe, observed, expected;
  std::vector<double> group_n, group_expected, group_observed;  // NaN for an empty group
};
// observed: 1 - Kaplan-Meier at t; risk: P(event by t).
[[nodiscard]] Calibration calibration(Outcomes outcomes, Values risk, double t, int groups);

struct Slope {
  double slope, se;
  std::string problem;  // empty when there is a slope
};
// Cox (Efron) on log(-log(1 - risk)). Here and in calibration_index, competing codes stay at risk (subdistribution), so
// that a risk that is an incidence is held against an incidence; to have them censored, pass them as 0.
[[nodiscard]] Slope calibration_slope(Outcomes outcomes, Values risk, Values weight = {});

struct CalibrationIndex {
  double ici, e50, e90, emax;
  std::string problem;
};
[[nodiscard]] CalibrationIndex calibration_index(Outcomes outcomes, Values risk, double t, Values weight = {});
// The smooth observed risk of the same model at each patient, for the calibration curve; empty when it has no fit.
[[nodiscard]] std::vector<double> smooth_observed_risk(Outcomes outcomes, Values risk, double t, Values weight = {});

// A competing event at T stays at risk of cause 1 afterwards with weight G(u-)/G(T-) (Fine & Gray 1999), written as
// weighted censored rows, at most `steps` a patient. `row` is the patient a row comes from. Without competing events:
// the outcomes themselves.
struct Subdistribution {
  OutcomeTable outcomes;
  std::vector<double> weight;
  std::vector<std::size_t> row;
};
[[nodiscard]] Subdistribution subdistribution(Outcomes outcomes, Values weight, int steps = 24);

struct NetBenefit {
  std::vector<double> model, all;  // a threshold
};
// Incidence among the selected by Kaplan-Meier, other codes censored …
[[nodiscard]] NetBenefit net_benefit(Outcomes outcomes, Values risk, double t, Values thresholds, Values weight = {});
// … or by Aalen-Johansen, for endpoints with competing events.
[[nodiscard]] NetBenefit net_benefit_competing(Outcomes outcomes, Values risk, double t, Values thresholds, Values weight = {});

}  // namespace hepar::statistics
