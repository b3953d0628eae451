// SPDX-License-Identifier: Apache-2.0
// Patients who were treated as a model recommended against those who were not: the comparison that a study registers, with
// what it takes to read it (clinical.md section 6). It is no causal effect: see `naive` beside `weighted` and the policy value.
//   Time zero is the landmark at which the treatment window closes: whoever had the event, or was no longer observed, by then
// is left out, groups are formed by the treatments that had started, and the clock restarts. `naive` is the analysis that this
// avoids: from surgery, by the treatment that was ever started, with the immortal time that it contains.
//   Weights are for the actual treatment within each recommended arm (overlap weights of P(consistent | covariates)), every
// weighted estimate has a sandwich error clustered by centre.
#pragma once

#include "trainer/statistics/doubly_robust.hpp"
#include "trainer/statistics/sensitivity.hpp"

#include <array>
#include <string>
#include <vector>

namespace hepar::statistics {

struct StudyCohort {
  OutcomeTable outcomes;                        // months from surgery; event 1, competing 2
  std::vector<double> entry;                    // months to the first event of any kind, or the end of observation: who is under study at the landmark
  std::vector<int> given, recommended;          // arms, 0 … arms-1
  std::vector<std::vector<double>> covariates;  // [column][patient], known at surgery, complete
  std::vector<int> centre, fold;                // codes; folds for the nuisances of the policy value
  int arms = 2;
  std::vector<std::string> arm_names;  // what notes call them; empty: their numbers
  double landmark = 0;  // months from surgery
  double horizon = 36;  // months from surgery
};

// Consistent against inconsistent patients. Pairs: inconsistent, consistent.
struct Contrast {
  std::string what;  // how the groups were made comparable
  std::array<std::int64_t, 2> n{}, events{};
  std::array<Estimate, 2> free;             // share free of the event at the horizon (with competing events: 1 - incidence)
  std::array<Estimate, 2> restricted_mean;  // months to the horizon
  Estimate hazard_ratio;                    // consistent / inconsistent
  Estimate mean_difference;                 // months, consistent - inconsistent
};

struct Consistency {
  double landmark = 0, horizon = 0;  // months; the horizon cut at 10 % still at risk
  std::string horizon_note;
  std::int64_t patients = 0, left_before = 0;                   // all; with an event or no longer observed by the landmark
  std::vector<std::vector<std::int64_t>> given_by_recommended;  // [recommended][given], at the landmark
  Contrast naive, unadjusted, adjusted, weighted;
  std::vector<std::string> notes;                    // recommended arms that the weighted analysis has to leave out, and why
  double worst_smd_before = 0, worst_smd_after = 0;  // consistent against inconsistent, over covariates
  std::array<double, 2> ess{};
  EValue e_value{};                  // of the weighted hazard ratio
  double power = 0, detectable = 0;  // for a hazard ratio of 0.7, and at 80 % power
  // For whoever wants to do it again: the landmark's patients with their cluster, weight and scores.
  std::vector<std::size_t> rows;  // of the cohort
  std::vector<int> cluster;
  std::vector<double> weight;                                      // 0: left out of the weighted comparison
  std::vector<double> model_score, observed_score, surgery_score;  // empty when not estimable
  // Doubly robust months free of the event from the landmark to the horizon, of the landmark's patients.
  Estimate model_value, model_over_surgery, model_over_observed;
  PolicyOverlap overlap;  // of the model's policy
};
// Never throws on data: what cannot be estimated says why.
[[nodiscard]] Consistency consistency(const StudyCohort& cohort);

// The largest time not beyond `horizon` at which a tenth is still at risk.
[[nodiscard]] double supported_horizon(Outcomes outcomes, double horizon);

}  // namespace hepar::statistics
