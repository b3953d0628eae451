// SPDX-License-Identifier: Apache-2.0
// Survival curves of groups: Kaplan-Meier, censoring, median follow-up, log-rank, RMST, Aalen-Johansen.
#pragma once

#include "trainer/statistics/outcomes.hpp"

namespace hepar::statistics {

enum class Interval : std::uint8_t { plain, log, log_log };

struct Limits {
  double lower, upper;
};

// Kaplan-Meier over every distinct time (Kaplan & Meier 1958). `variance` is Greenwood's sum d/(n(n-d)); infinite once
// the curve is 0. n and d are weights.
struct KaplanMeier {
  std::vector<double> time, survival, variance, at_risk, events;
  [[nodiscard]] double at(double t) const;           // keeps its last value after the last time
  [[nodiscard]] double variance_at(double t) const;
  [[nodiscard]] double se_at(double t) const;        // NaN when S(t) is 0
};
[[nodiscard]] KaplanMeier kaplan_meier(Outcomes outcomes, Values weight = {});
// Of S with `variance` of log S (Kalbfleisch & Prentice 2002); NaN where undefined (log-log at 0 and 1, any at 0).
[[nodiscard]] Limits survival_limits(double survival, double variance, Interval interval, double level);
// Variance of log S(t) at each t by the infinitesimal jackknife, for weighted curves.
[[nodiscard]] std::vector<double> robust_variances(Outcomes outcomes, Values weight, Values times);

struct QuantileLimits {
  double quantile, lower, upper;  // NaN: not reached
};
[[nodiscard]] QuantileLimits survival_quantile(const KaplanMeier& curve, double p, Interval interval, double level);

// G(t), Kaplan-Meier of censoring: any non-zero code is "not censored"; events at a tied time have left the risk set.
[[nodiscard]] StepCurve censoring_curve(Outcomes outcomes, Values weight = {});
// Reverse Kaplan-Meier median (Schemper & Smith 1996): NaN when G stays above one half.
[[nodiscard]] double median_follow_up(Outcomes outcomes);

struct LogRank {
  double chisq, df, p;
  std::vector<double> observed, expected;  // a group, summed over strata
};
// group, strata: 0 … K-1 (dense_codes). chisq and p are NaN with fewer than two groups at risk.
[[nodiscard]] LogRank log_rank(Outcomes outcomes, Codes group, Codes strata = {});

struct MeanTime {
  double value, se;
};
[[nodiscard]] MeanTime restricted_mean(Outcomes outcomes, double tau, Values weight = {});
// The same with the infinitesimal jackknife instead of Greenwood's variance, which holds for weights that are not counts;
// influence is summed within a cluster first.
[[nodiscard]] MeanTime robust_restricted_mean(Outcomes outcomes, double tau, Values weight, Codes cluster = {});
struct MeanTimeDifference {
  MeanTime first, second;
  double difference, se, lower, upper, p;  // second - first
};
[[nodiscard]] MeanTimeDifference restricted_mean_difference(Outcomes first, Outcomes second, double tau, double level);

// Aalen-Johansen incidence of each cause 1 … K at each time, with infinitesimal jackknife standard errors.
struct Incidence {
  std::vector<std::vector<double>> cif, se;  // [cause - 1][time]
};
[[nodiscard]] Incidence cumulative_incidence(Outcomes outcomes, int causes, Values times);
// Incidence of cause 1 at t without standard error, weighted; NaN when nobody has weight.
[[nodiscard]] double incidence_at(Outcomes outcomes, double t, Values weight = {});
// Incidence of cause 1 at t and its standard error: 1 - S and Greenwood with one cause, Aalen-Johansen with several.
[[nodiscard]] MeanTime observed_risk(Outcomes outcomes, double t);

}  // namespace hepar::statistics
