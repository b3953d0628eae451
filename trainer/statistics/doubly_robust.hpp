// SPDX-License-Identifier: Apache-2.0
// What each treatment would give each patient, doubly robust: E[min(T, tau)] by outcome regression, corrected by those who
// had the treatment (Robins & Rotnitzky 1992; Athey & Wager 2021), with inverse probability of censoring inside each arm and the
// regression for what censoring hides, so that the mean holds where either is right and its standard error where both are.
// Any policy is then a choice of one score a patient; differences of policies are means of differences.
#pragma once

#include "trainer/statistics/estimate.hpp"
#include "trainer/statistics/outcomes.hpp"

#include <string>
#include <vector>

namespace hepar::statistics {

struct ArmScoreRequest {
  Outcomes outcomes;  // event 1; other codes count as censored
  Codes treatment;    // 0 … arms-1
  int arms = 2;
  Columns covariates;  // known at time zero, complete; no centre, no calendar time
  Codes fold;          // nuisances of a patient are fitted on the other folds
  double tau = 36;
  double smallest_propensity = 0.02;  // smaller ones count as this (positivity): the floor
};

struct ArmScores {
  std::vector<std::vector<double>> score;       // [arm][patient]; empty for an arm that is not evaluable
  std::vector<std::vector<double>> propensity;  // [arm][patient], before the floor
  std::vector<std::vector<double>> expected;    // [arm][patient]: E[min(T, tau)] of the outcome regression
  std::vector<double> as_observed;              // under the treatment that was given
  std::vector<std::string> not_evaluable;       // [arm]: why, or empty
  std::vector<int> treatment;
  double tau = 0, floor = 0;
  [[nodiscard]] bool evaluable(int arm) const { return not_evaluable[static_cast<std::size_t>(arm)].empty(); }
};
// An arm needs 20 patients, and 10 of them and 3 events in every part that nuisances are fitted on.
[[nodiscard]] ArmScores arm_scores(const ArmScoreRequest& request);

// Score a patient of a policy that recommends `policy[i]`; kAsObserved leaves the choice as it was made.
inline constexpr int kAsObserved = -1;
[[nodiscard]] std::vector<double> policy_scores(const ArmScores& scores, Codes policy);
// Of a choice by lot among the arms that are evaluable.
[[nodiscard]] std::vector<double> random_scores(const ArmScores& scores);
// What the patients who were treated as the policy says have to speak for. Whose choice is left as it was made counts once.
struct PolicyOverlap {
  std::int64_t patients = 0, floored = 0;  // all; whose propensity of what they are given is under the floor and counts as it
  double ess = 0;                          // (sum w)^2 / sum w^2 (Kish 1965), w = 1 / propensity of those treated so, else 0
};
[[nodiscard]] PolicyOverlap policy_overlap(const ArmScores& scores, Codes policy);
// Why the policy has no value here; empty when it has. An arm that is not evaluable; or no overlap: a fifth of the patients are
// under the floor (Petersen et al. 2012 ask for the share that a bound touches: of these the regression alone speaks), or those
// treated so have an effective sample size under the 20 patients that an arm needs.
[[nodiscard]] std::string policy_problem(const ArmScores& scores, Codes policy);
[[nodiscard]] std::string arm_problem(const ArmScores& scores, int arm);  // of giving it to everybody
[[nodiscard]] std::string random_problem(const ArmScores& scores);
// The arm whose mean score is largest; -1 when none can be given to everybody.
[[nodiscard]] int best_single_arm(const ArmScores& scores);

// Mean of months in (0, tau), and of differences in (-tau, tau). The interval is normal on the logit of the place between these
// limits, and stays there; a mean outside them is none.
[[nodiscard]] Estimate mean_estimate(Values scores, double tau, const std::string& method, double level = 0.95);
[[nodiscard]] Estimate mean_difference(Values first, Values second, double tau, const std::string& method, double level = 0.95);

// Weights for the actual arm: ESS and balance before and after.
struct Overlap {
  std::vector<double> n, ess, smallest_propensity;  // [arm]
  std::vector<std::int64_t> floored;                // [arm]: patients whose propensity of it is under the floor
  std::vector<double> smd_before, smd_after;        // [covariate]: largest absolute difference over pairs of arms
  double below_floor = 0;                           // share of patients whose own arm has a propensity under the floor
};
// Overlap weights (Li & Li 2019) of the propensities in `scores`.
[[nodiscard]] Overlap overlap_of(const ArmScores& scores, Columns covariates);

}  // namespace hepar::statistics
