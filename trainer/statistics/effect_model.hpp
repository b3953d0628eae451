// SPDX-License-Identifier: Apache-2.0
// How much each treatment changes the hazard, for whom, and how sure that is: Cox regression with the covariates, an indicator
// of each arm and, when a likelihood-ratio test finds that effects differ with risk, their product with the prognostic index
// (the risk-modelling approach of the PATH statement, Kent 2020). One test of few degrees, so that chance makes few subgroups.
#pragma once

#include "trainer/statistics/outcomes.hpp"

#include <string>
#include <vector>

namespace hepar::statistics {

struct EffectModel {
  struct LogRatio {
    double value = kNone, se = kNone;
  };
  std::vector<std::string> not_estimable;       // [arm]: why, or empty; the first arm is what others are compared with
  std::vector<double> prognosis;                // coefficient of each covariate, 0 where it has none
  double index_centre = 0, index_scale = 1;     // of the prognostic index in the fitted patients
  std::vector<std::vector<double>> coef;        // [arm]: main effect, and its change with one SD of the index
  std::vector<std::vector<double>> covariance;  // [arm]: var(main), cov, var(change)
  bool heterogeneous = false;
  double p_heterogeneity = kNone;
  std::string problem;  // why there is none at all

  // Log hazard ratio of an arm over the first one for a patient with these covariates.
  [[nodiscard]] LogRatio log_ratio(int arm, Values x) const;
};
// Patients under study at the landmark, clock from there. An arm needs 20 patients and 5 events.
[[nodiscard]] EffectModel effect_model(Outcomes outcomes, Codes treatment, int arms, Columns covariates);

// Months gained to the last cut by a hazard ratio on one's own curve: area under survival^ratio less that under survival.
// survival[j] stands at cuts[j + 1], as for curve_area.
[[nodiscard]] double months_gained(Values cuts, Values survival, double log_ratio);

}  // namespace hepar::statistics
