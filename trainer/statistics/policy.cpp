// SPDX-License-Identifier: Apache-2.0
// The value of a treatment policy, and whether predicted benefit comes true.
#include "trainer/statistics/causal.hpp"
#include "trainer/statistics/quantile.hpp"
#include "trainer/statistics/survival.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hepar::statistics {
namespace {

// min(T, tau) and its inverse probability of being seen (0 when it was not).
struct Seen {
  std::vector<double> y, omega;
};

Seen seen_until(Outcomes outcomes, double tau, const std::vector<StepCurve>& g, Codes curve_of) {
  Seen out;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const double y = std::min(outcomes.time[i], tau);
    const bool ok = outcomes.event[i] == 1 || outcomes.time[i] >= tau;
    const StepCurve& curve = g[curve_of.empty() ? 0 : static_cast<std::size_t>(curve_of[i])];
    out.y.push_back(y);
    out.omega.push_back(ok ? 1 / curve.before(y) : 0.0);
  }
  return out;
}

std::vector<double> influence(const PolicyInput& input, Codes policy, const Seen& seen, PolicyEstimator estimator) {
  const std::size_t n = input.outcomes.size();
  std::vector<double> phi(n), weight(n);
  double total = 0, sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto arm = static_cast<std::size_t>(policy[i]);
    const double r = input.treatment[i] == policy[i] ? 1 / input.ps[arm][i] : 0.0;
    weight[i] = r * seen.omega[i];
    total += weight[i];
    sum += weight[i] * seen.y[i];
    if (estimator == PolicyEstimator::ipw) phi[i] = weight[i] * seen.y[i];
    if (estimator == PolicyEstimator::aipw) {
      const double m = input.mean_outcome[arm][i];
      phi[i] = m + weight[i] * (seen.y[i] - m);
    }
  }
  if (estimator != PolicyEstimator::hajek) return phi;
  const double mu = sum / total;
  for (std::size_t i = 0; i < n; ++i) phi[i] = mu + static_cast<double>(n) * weight[i] * (seen.y[i] - mu) / total;
  return phi;
}

}  // namespace

PolicyValue policy_value(const PolicyInput& input, double tau, PolicyEstimator estimator, bool censoring_by_arm) {
  std::vector<StepCurve> g;
  if (censoring_by_arm) {
    for (int a = 0; a <= largest_code(input.treatment); ++a) {
      g.push_back(censoring_curve(select(input.outcomes, rows_with(input.treatment, a)).view()));
    }
  } else {
    g.push_back(censoring_curve(input.outcomes));
  }
  const Seen seen = seen_until(input.outcomes, tau, g, censoring_by_arm ? input.treatment : Codes{});
  const double root_n = std::sqrt(static_cast<double>(input.outcomes.size()));
  PolicyValue out;
  std::vector<double> first;
  for (const Codes& policy : input.policies) {
    std::vector<double> phi = influence(input, policy, seen, estimator);
    out.value.push_back(mean(phi));
    out.se.push_back(standard_deviation(phi) / root_n);
    if (first.empty()) {
      first = std::move(phi);
      continue;
    }
    for (std::size_t i = 0; i < phi.size(); ++i) phi[i] = first[i] - phi[i];
    out.difference.push_back(mean(phi));
    out.se_difference.push_back(standard_deviation(phi) / root_n);
  }
  return out;
}

EffectError effect_error(Values estimate, Values truth) {
  const auto n = static_cast<double>(estimate.size());
  if (estimate.empty()) return {kNone, kNone, kNone, kNone};
  const double mean_estimate = mean(estimate), mean_truth = mean(truth);
  double squares = 0, bias = 0, cross = 0, spread = 0;
  for (std::size_t i = 0; i < estimate.size(); ++i) {
    const double error = estimate[i] - truth[i];
    squares += error * error;
    bias += error;
    cross += (estimate[i] - mean_estimate) * (truth[i] - mean_truth);
    spread += (estimate[i] - mean_estimate) * (estimate[i] - mean_estimate);
  }
  const double slope = cross / spread;
  return {std::sqrt(squares / n), bias / n, mean_truth - slope * mean_estimate, slope};
}

BenefitCalibration benefit_calibration(Outcomes outcomes, Codes arm, Values benefit, double tau, int groups) {
  BenefitCalibration out;
  const std::vector<int> group = quantile_groups(benefit, groups);
  for (int g = 0; g < groups; ++g) {
    std::vector<std::size_t> rows[2];
    double predicted = 0;
    for (const std::size_t i : rows_with(group, g)) {
      predicted += benefit[i];
      if (arm[i] == 0 || arm[i] == 1) rows[arm[i]].push_back(i);
    }
    const double n = static_cast<double>(count_code(group, g));
    const OutcomeTable untreated = select(outcomes, rows[0]), treated = select(outcomes, rows[1]);
    const MeanTimeDifference difference = restricted_mean_difference(untreated.view(), treated.view(), tau, 0.95);
    out.group_n.push_back(n);
    out.predicted.push_back(predicted / n);
    out.observed.push_back(difference.difference);
    out.se.push_back(difference.se);
  }
  return out;
}

}  // namespace hepar::statistics
