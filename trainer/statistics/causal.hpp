// SPDX-License-Identifier: Apache-2.0
// Treatment evaluation from observed treatments: propensity, weights, balance, policy value, benefit, time zero.
// Everything rests on exchangeability given the covariates, positivity and one time zero (clinical.md section 6).
#pragma once

#include "trainer/statistics/outcomes.hpp"

#include <string>

namespace hepar::statistics {

// Multinomial logistic regression by Newton-Raphson; arm 0 is the reference.
struct Propensity {
  std::vector<std::vector<double>> coef;  // [arm - 1]: intercept, then the columns
  double loglik = 0;
  std::vector<double> smallest;           // smallest fitted probability of each arm
  std::string problem;                    // empty when it converged
  [[nodiscard]] std::vector<double> probabilities(Values x) const;  // of every arm, for one row
};
// treatment: 0 … K-1, each present. ridge: penalty ridge/2 * sum (slope * sd)^2, 0 for maximum likelihood.
[[nodiscard]] Propensity propensity(Codes treatment, Columns x, double ridge = 0);

enum class WeightKind : std::uint8_t { ate, stabilized, overlap };
// ps[a]: probability of arm a, one value a patient.
[[nodiscard]] std::vector<double> treatment_weights(Codes treatment, Columns ps, WeightKind kind);
void truncate_weights(std::vector<double>& weights, double low_p, double high_p);  // to q7 limits
struct WeightSummary {
  double sum, min, max;
  std::vector<double> group_sum, group_ess;
};
[[nodiscard]] WeightSummary summarise_weights(Codes treatment, Values weights, int arms);
// Pairs (a, b), a < b, in the order (0,1), (0,2), …: (mean_b - mean_a) / sqrt((s_a^2 + s_b^2)/2), s unweighted.
[[nodiscard]] std::vector<double> standardised_differences(Codes treatment, int arms, Values x, Values weight = {});

enum class PolicyEstimator : std::uint8_t { ipw, hajek, aipw };
struct PolicyInput {
  Outcomes outcomes;
  Codes treatment;                  // 0 … arms-1
  Columns ps;                       // [arm]
  Columns mean_outcome;             // [arm]: E[min(T, tau)], used by aipw
  std::vector<Codes> policies;      // recommended arm a patient
};
struct PolicyValue {
  std::vector<double> value, se;    // a policy
  std::vector<double> difference, se_difference;  // first policy minus each other
};
// E[min(T^policy, tau)] with inverse probability of censoring, G pooled or inside each arm.
[[nodiscard]] PolicyValue policy_value(const PolicyInput& input, double tau, PolicyEstimator estimator, bool censoring_by_arm);

struct EffectError {
  double pehe, bias, intercept, slope;
};
[[nodiscard]] EffectError effect_error(Values estimate, Values truth);

struct BenefitCalibration {
  std::vector<double> group_n, predicted, observed, se;  // RMST(arm 1) - RMST(arm 0) a quantile group of benefit
};
[[nodiscard]] BenefitCalibration benefit_calibration(Outcomes outcomes, Codes arm, Values benefit, double tau, int groups);

// start[i]: start of treatment, NaN when never treated.
struct Landmark {
  std::size_t excluded = 0;
  double n[2] = {0, 0}, events[2] = {0, 0}, survival[2] = {1, 1};  // untreated, treated by the landmark
  double chisq = 0;
};
[[nodiscard]] Landmark landmark(Outcomes outcomes, Values start, double landmark, double horizon);

struct CloneCensor {
  double artificially_censored[2] = {0, 0}, events[2] = {0, 0};  // clone 0: never start; clone 1: start by grace
  std::vector<double> naive[2], ipcw[2];                         // survival at each time
};
// Clone, censor, weight (Hernán 2016, Maringe 2020).
[[nodiscard]] CloneCensor clone_censor(Outcomes outcomes, Values start, double grace, Values times, Codes strata = {});

}  // namespace hepar::statistics
