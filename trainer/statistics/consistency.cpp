// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/consistency.hpp"

#include "trainer/statistics/causal.hpp"
#include "trainer/statistics/cox.hpp"
#include "trainer/statistics/estimates.hpp"
#include "trainer/statistics/quantile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hepar::statistics {
namespace {

constexpr std::size_t kLeastOfAGroup = 10;  // of consistent and of inconsistent patients within a recommended arm
constexpr int kEnoughCentres = 5;           // for a sandwich clustered by centre
constexpr double kPowerRatio = 0.7, kFine = 1.0;
using ColumnTable = std::vector<std::vector<double>>;

std::vector<Values> column_views(const ColumnTable& table) { return {table.begin(), table.end()}; }

// The patients of one comparison, their clock started.
struct Compared {
  OutcomeTable outcomes;   // 1 the event, 2 competing
  std::vector<int> group;  // 1 consistent
  std::vector<int> cluster;
  ColumnTable covariates;
  std::vector<double> weight;  // empty: unweighted
  double horizon = 0;          // on this clock
};

Compared compared(const StudyCohort& cohort, std::span<const std::size_t> rows, double start) {
  Compared out;
  out.horizon = cohort.horizon - start;
  std::vector<double> centres;
  for (const std::size_t i : rows) {
    out.outcomes.time.push_back(cohort.outcomes.time[i] - start);
    out.outcomes.event.push_back(cohort.outcomes.event[i]);
    out.group.push_back(cohort.given[i] == cohort.recommended[i] ? 1 : 0);
    centres.push_back(cohort.centre.empty() ? static_cast<double>(i) : cohort.centre[i]);
  }
  out.cluster = dense_codes(centres);
  if (largest_code(out.cluster) + 1 < kEnoughCentres)
    for (std::size_t i = 0; i < rows.size(); ++i) out.cluster[i] = static_cast<int>(i);
  for (const std::vector<double>& column : cohort.covariates) out.covariates.push_back(select(column, rows));
  return out;
}

std::string clustering(const Compared& c) {
  const int clusters = largest_code(c.cluster) + 1;
  return static_cast<std::size_t>(clusters) == c.group.size() ? "sandwich by patient" : fmt::format("sandwich by {} centres", clusters);
}

// Why a ratio of these groups by a model of so many coefficients would be no estimate; empty when it is one.
std::string too_few_events(const Compared& c, Codes event, std::size_t coefficients) {
  const std::size_t events = count_code(event, 1);
  if (const double needed = kEventsPerCoefficient * static_cast<double>(coefficients); static_cast<double>(events) < needed)
    return fmt::format("{} events, fewer than {:g} ({:g} a coefficient)", events, needed, kEventsPerCoefficient);
  for (const int group : {0, 1})
    if (const std::vector<int> own = select(event, rows_with(c.group, group)); count_code(own, 1) == 0)
      return fmt::format("no events among {} {} patients: no finite ratio", own.size(), group == 1 ? "consistent" : "inconsistent");
  return "";
}

Estimate hazard_ratio(const Compared& c, bool with_covariates) {
  if (c.group.empty()) return Estimate::none("no patients");
  const OutcomeTable cut = censored_at(c.outcomes.view(), c.horizon);
  std::vector<double> group(c.group.begin(), c.group.end());
  std::vector<Values> x{group};
  if (with_covariates)
    for (const auto& column : c.covariates) x.push_back(column);
  CoxOptions options;
  options.weight = c.weight;
  options.cluster = c.cluster;
  const CoxFit fit = cox(cut.view(), x, options);
  const auto coefficients = std::count_if(fit.coef.begin(), fit.coef.end(), [](double one) { return std::isfinite(one); });
  if (const std::string why = too_few_events(c, cut.event, static_cast<std::size_t>(coefficients)); !why.empty()) return Estimate::none(why);
  const double b = fit.coef.at(0), se = fit.robust_se.at(0), z = normal_factor(0.95);
  const bool of_another_column =
      std::isfinite(b) && with_covariates && fit.iterations < options.max_iterations;  // dependent, or it separates: the others are as they are
  if (!fit.usable() && !of_another_column) return Estimate::none(fit.problem);
  if (!std::isfinite(b) || !(se > 0) || !std::isfinite(se)) return Estimate::none("everybody is in one group, or the covariates tell the group");
  return {std::exp(b),
          std::exp(b) * se,
          std::exp(b - z * se),
          std::exp(b + z * se),
          static_cast<std::int64_t>(c.group.size()),
          static_cast<std::int64_t>(count_code(cut.event, 1)),
          "Cox (Efron), cause-specific, " + clustering(c),
          {}};
}

// One group's share free of the event at the horizon and its restricted mean.
void describe_group(const Compared& c, int group, Contrast& out) {
  const std::vector<std::size_t> rows = rows_with(c.group, group);
  const auto g = static_cast<std::size_t>(group);
  const OutcomeTable own = select(c.outcomes.view(), rows);
  const std::vector<double> weight = c.weight.empty() ? std::vector<double>{} : select(c.weight, rows);
  const OutcomeTable cut = censored_at(own.view(), c.horizon);
  out.n[g] = static_cast<std::int64_t>(rows.size());
  out.events[g] = static_cast<std::int64_t>(count_code(cut.event, 1));
  if (rows.empty()) {
    out.free[g] = out.restricted_mean[g] = Estimate::none("no patients");
    return;
  }
  const bool competing = largest_code(own.event) > 1;
  if (competing && weight.empty()) {
    const MeanTime risk = observed_risk(own.view(), c.horizon);
    out.free[g] = normal_estimate(1 - risk.value, risk.se, Scale::plain, "1 - Aalen-Johansen incidence");
  } else if (competing) {
    out.free[g] = {1 - incidence_at(own.view(), c.horizon, weight),
                   std::nan(""),
                   std::nan(""),
                   std::nan(""),
                   0,
                   0,
                   "1 - weighted Aalen-Johansen incidence, no standard error",
                   {}};
  } else if (weight.empty()) {
    out.free[g] = survival_estimate(own.view(), c.horizon);
  } else {
    const double s = kaplan_meier(own.view(), weight).at(c.horizon);
    const double at[1] = {c.horizon};
    const double variance = robust_variances(own.view(), weight, at)[0];
    const Limits limits = survival_limits(s, variance, Interval::log_log, 0.95);
    out.free[g] = std::isfinite(limits.lower)
                      ? Estimate{s, s * std::sqrt(variance), limits.lower, limits.upper, 0, 0, "weighted Kaplan-Meier, robust log-log interval", {}}
                      : Estimate::none("no interval: the curve is at " + std::string(s > 0.5 ? "1" : "0"));
  }
  if (competing) {
    out.restricted_mean[g] = Estimate::none("competing events: see the incidence");
  } else {
    const std::vector<int> cluster = select(Codes(c.cluster), rows);
    const MeanTime area = robust_restricted_mean(own.view(), c.horizon, weight, cluster);
    out.restricted_mean[g] = normal_estimate(area.value, area.se, Scale::plain, "restricted mean, " + clustering(c));
  }
  out.free[g].n = out.restricted_mean[g].n = out.n[g];
  out.free[g].events = out.restricted_mean[g].events = out.events[g];
}

Contrast contrast(const Compared& c, std::string what, bool with_covariates) {
  Contrast out;
  out.what = std::move(what);
  for (const int group : {0, 1}) describe_group(c, group, out);
  out.hazard_ratio = hazard_ratio(c, with_covariates);
  const Estimate &first = out.restricted_mean[0], &second = out.restricted_mean[1];
  if (!first.estimable() || !second.estimable()) {
    out.mean_difference = Estimate::none(first.estimable() ? second.not_estimable : first.not_estimable);
  } else if (with_covariates) {
    out.mean_difference = Estimate::none("a hazard ratio alone is adjusted by covariates");
  } else {
    out.mean_difference = normal_estimate(second.value - first.value, std::hypot(first.se, second.se), Scale::plain, "difference of restricted means");
    out.mean_difference.n = out.n[0] + out.n[1];
    out.mean_difference.events = out.events[0] + out.events[1];
  }
  return out;
}

// Overlap weights of P(consistent | covariates), fitted within each recommended arm. Rows of arms with too few of either kind
// weigh 0, and a note says so.
std::vector<double> consistency_weights(const StudyCohort& cohort, std::span<const std::size_t> rows, const Compared& c, std::vector<std::string>& notes) {
  std::vector<double> weight(rows.size(), 0.0);
  for (int arm = 0; arm < cohort.arms; ++arm) {
    std::vector<std::size_t> own;
    for (std::size_t k = 0; k < rows.size(); ++k)
      if (cohort.recommended[rows[k]] == arm) own.push_back(k);
    if (own.empty()) continue;
    const std::vector<int> group = select(Codes(c.group), own);
    const std::size_t consistent = count_code(group, 1);
    const std::string name = cohort.arm_names.empty() ? fmt::format("arm {}", arm) : cohort.arm_names[static_cast<std::size_t>(arm)];
    if (std::min(consistent, group.size() - consistent) < kLeastOfAGroup) {
      notes.push_back(fmt::format("recommended {}: {} consistent and {} inconsistent patients, fewer than {}; left out of the weighted comparison", name,
                                  consistent, group.size() - consistent, kLeastOfAGroup));
      continue;
    }
    ColumnTable x;
    for (const auto& column : c.covariates) x.push_back(select(column, own));
    const Propensity fit = propensity(group, column_views(x), kFine);
    std::vector<double> row(x.size());
    for (std::size_t k = 0; k < own.size(); ++k) {
      for (std::size_t j = 0; j < x.size(); ++j) row[j] = x[j][k];
      const std::vector<double> p = fit.probabilities(row);
      weight[own[k]] = group[k] == 1 ? p[0] : p[1];
    }
  }
  return weight;
}

Compared with_weight(const Compared& c, const std::vector<double>& weight) {
  std::vector<std::size_t> keep;
  for (std::size_t k = 0; k < weight.size(); ++k)
    if (weight[k] > 0) keep.push_back(k);
  Compared out{select(c.outcomes.view(), keep), select(Codes(c.group), keep), select(Codes(c.cluster), keep), {}, select(weight, keep), c.horizon};
  std::vector<double> labels(out.cluster.begin(), out.cluster.end());
  out.cluster = dense_codes(labels);
  for (const auto& column : c.covariates) out.covariates.push_back(select(column, keep));
  return out;
}

double worst_difference(const Compared& c) {
  double worst = 0;
  for (const auto& column : c.covariates)
    for (const double d : standardised_differences(c.group, 2, column, c.weight))
      if (std::isfinite(d)) worst = std::max(worst, std::abs(d));
  return worst;
}

// Policy value of the model on the landmark's patients, months from the landmark to the horizon.
void add_policy_value(const StudyCohort& cohort, std::span<const std::size_t> rows, const Compared& c, Consistency& out) {
  const std::vector<int> given = select(Codes(cohort.given), rows), recommended = select(Codes(cohort.recommended), rows),
                         fold = select(Codes(cohort.fold), rows);
  const std::vector<Values> x = column_views(c.covariates);
  const ArmScores scores = arm_scores({c.outcomes.view(), given, cohort.arms, x, fold, c.horizon});
  const std::string method = "AIPW, nuisances cross-fitted, augmented for censoring by arm; interval on the logit of the possible months";
  out.overlap = policy_overlap(scores, recommended);
  if (const std::string why = policy_problem(scores, recommended); !why.empty()) {
    out.model_value = out.model_over_surgery = out.model_over_observed = Estimate::none(why);
    return;
  }
  const std::vector<double> model = policy_scores(scores, recommended);
  out.model_score = model;
  out.observed_score = scores.as_observed;
  out.surgery_score = scores.score[0];
  out.model_value = mean_estimate(model, scores.tau, method);
  out.model_over_observed = mean_difference(model, scores.as_observed, scores.tau, method);
  const std::string no_surgery = scores.evaluable(0) ? arm_problem(scores, 0) : scores.not_evaluable[0];
  out.model_over_surgery = no_surgery.empty() ? mean_difference(model, scores.score[0], scores.tau, method) : Estimate::none(no_surgery);
}

}  // namespace

double supported_horizon(Outcomes outcomes, double horizon) {
  if (outcomes.size() == 0) return horizon;
  std::vector<double> times(outcomes.time.begin(), outcomes.time.end());
  std::sort(times.begin(), times.end());
  // The tenth from the end is the last time with a tenth at risk.
  const std::size_t tenth = (times.size() + 9) / 10;
  return std::min(horizon, times[times.size() - tenth]);
}

Consistency consistency(const StudyCohort& input) {
  Consistency out;
  StudyCohort cohort = input;
  cohort.horizon = supported_horizon(input.outcomes.view(), input.horizon);
  out.horizon = cohort.horizon;
  out.landmark = cohort.landmark;
  if (cohort.horizon < input.horizon)
    out.horizon_note = fmt::format("fewer than a tenth are at risk beyond {:.1f} months: cut there, not extrapolated to {:g}", cohort.horizon, input.horizon);
  out.patients = static_cast<std::int64_t>(cohort.given.size());
  std::vector<std::size_t> everyone, rows;
  for (std::size_t i = 0; i < cohort.given.size(); ++i) {
    everyone.push_back(i);
    if (cohort.entry[i] > cohort.landmark && cohort.horizon > cohort.landmark) rows.push_back(i);
  }
  if (cohort.horizon <= cohort.landmark) out.notes.emplace_back("follow-up does not reach beyond the landmark yet");
  out.left_before = out.patients - static_cast<std::int64_t>(rows.size());
  out.given_by_recommended.assign(static_cast<std::size_t>(cohort.arms), std::vector<std::int64_t>(static_cast<std::size_t>(cohort.arms), 0));
  for (const std::size_t i : rows) ++out.given_by_recommended[static_cast<std::size_t>(cohort.recommended[i])][static_cast<std::size_t>(cohort.given[i])];

  out.naive = contrast(compared(cohort, everyone, 0),
                       "from surgery, by the treatment ever started, adjusted for covariates (immortal time: not to be read as an effect)", true);
  const Compared c = compared(cohort, rows, cohort.landmark);
  out.unadjusted = contrast(c, "from the landmark, unadjusted", false);
  out.adjusted = contrast(c, "from the landmark, covariates in the Cox model", true);
  out.rows = rows;
  out.cluster = c.cluster;
  out.weight = consistency_weights(cohort, rows, c, out.notes);
  const Compared weighted = with_weight(c, out.weight);
  out.weighted = contrast(weighted, "from the landmark, overlap-weighted within each recommended arm", false);
  out.worst_smd_before = worst_difference(c);
  out.worst_smd_after = worst_difference(weighted);
  const WeightSummary summary = summarise_weights(weighted.group, weighted.weight, 2);
  out.ess = {summary.group_ess[0], summary.group_ess[1]};
  const double events = static_cast<double>(out.unadjusted.events[0] + out.unadjusted.events[1]), n = std::max<double>(1, static_cast<double>(rows.size()));
  const double share = static_cast<double>(out.unadjusted.n[1]) / n;
  out.power = log_rank_power(kPowerRatio, events, share);
  out.detectable = detectable_hazard_ratio(events, share);
  const Estimate& ratio = out.weighted.hazard_ratio;
  out.e_value = ratio.estimable() ? e_value(ratio.value, ratio.low, ratio.high, events / n < 0.15) : EValue{kNone, kNone};
  add_policy_value(cohort, rows, c, out);
  return out;
}

}  // namespace hepar::statistics
