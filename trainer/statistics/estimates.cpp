// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/estimates.hpp"

#include "trainer/statistics/quantile.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::statistics {

namespace {

Estimate counted(Estimate estimate, Outcomes outcomes) {
  estimate.n = static_cast<std::int64_t>(outcomes.size());
  estimate.events = static_cast<std::int64_t>(count_code(outcomes.event, 1));
  return estimate;
}

}  // namespace

Estimate normal_estimate(double value, double se, Scale scale, std::string method, const EstimateRules& rules) {
  if (!std::isfinite(value)) return Estimate::none("undefined on these patients");
  if (!std::isfinite(se)) return Estimate::none("no standard error on these patients");
  if (!on_scale(value, scale)) return Estimate::none("it is " + std::to_string(std::lround(value)) + ", the end of its scale, where it has no interval");
  const ScaledLimits limits = interval_on(scale, value, se, normal_factor(rules.level));
  return {value, se, limits.low, limits.high, 0, 0, std::move(method), {}};
}

std::string too_little(Outcomes outcomes, const EstimateRules& rules) {
  if (outcomes.size() == 0) return "no patient with a known outcome";
  const auto events = static_cast<std::int64_t>(count_code(outcomes.event, 1));
  if (events < rules.min_events) return std::to_string(events) + " events, fewer than " + std::to_string(rules.min_events);
  return {};
}

std::string constant_score(Values score) {
  const bool constant = std::all_of(score.begin(), score.end(), [&](double s) { return s == score.front(); });
  return constant ? "all patients have the same score" : "";
}

Estimate harrell_c_estimate(Outcomes outcomes, Values score, const EstimateRules& rules, const ConcordanceOptions& options) {
  if (const std::string why = too_little(outcomes, rules); !why.empty()) return counted(Estimate::none(why), outcomes);
  if (const std::string why = constant_score(score); !why.empty()) return counted(Estimate::none(why), outcomes);
  const Concordance concordance = harrell_c(outcomes, score, options);
  return counted(normal_estimate(concordance.c, concordance.se, Scale::logit, "Harrell C, infinitesimal jackknife, logit interval", rules), outcomes);
}

Estimate harrell_c_difference_estimate(Outcomes outcomes, Values first, Values second, const EstimateRules& rules) {
  if (const std::string why = too_little(outcomes, rules); !why.empty()) return counted(Estimate::none(why), outcomes);
  const ConcordanceDifference difference = harrell_c_difference(outcomes, first, second);
  return counted(normal_estimate(difference.difference, difference.se, Scale::plain, "difference of Harrell C on the same patients, infinitesimal jackknife", rules), outcomes);
}

Estimate survival_estimate(Outcomes outcomes, double t, const EstimateRules& rules) {
  if (const std::string why = too_little(outcomes, {0, rules.level}); !why.empty()) return counted(Estimate::none(why), outcomes);
  const KaplanMeier curve = kaplan_meier(outcomes);
  const double s = curve.at(t);
  const Limits limits = survival_limits(s, curve.variance_at(t), Interval::log_log, rules.level);
  if (!std::isfinite(limits.lower)) return counted(Estimate::none("no interval: the curve is at " + std::string(s > 0.5 ? "1" : "0")), outcomes);
  return counted({s, curve.se_at(t), limits.lower, limits.upper, 0, 0, "Kaplan-Meier, log-log interval", {}}, outcomes);
}

Estimate median_survival_estimate(Outcomes outcomes, const EstimateRules& rules) {
  if (const std::string why = too_little(outcomes, rules); !why.empty()) return counted(Estimate::none(why), outcomes);
  const QuantileLimits median = survival_quantile(kaplan_meier(outcomes), 0.5, Interval::log_log, rules.level);
  if (!std::isfinite(median.quantile)) return counted(Estimate::none("the curve stays above one half"), outcomes);
  return counted({median.quantile, std::nan(""), median.lower, median.upper, 0, 0, "median survival, log-log interval", {}}, outcomes);
}

Estimate median_follow_up_estimate(Outcomes outcomes) {
  const double median = median_follow_up(outcomes);
  if (!std::isfinite(median)) return counted(Estimate::none("fewer than half of the patients are censored"), outcomes);
  return counted({median, std::nan(""), std::nan(""), std::nan(""), 0, 0, "reverse Kaplan-Meier median", {}}, outcomes);
}

Estimate restricted_mean_estimate(Outcomes outcomes, double tau, const EstimateRules& rules) {
  if (const std::string why = too_little(outcomes, rules); !why.empty()) return counted(Estimate::none(why), outcomes);
  const MeanTime area = restricted_mean(outcomes, tau);
  return counted(normal_estimate(area.value, area.se, Scale::plain, "restricted mean survival time", rules), outcomes);
}

Estimate observed_expected_estimate(Outcomes outcomes, Values risk, double t, const EstimateRules& rules) {
  if (const std::string why = too_little(outcomes, rules); !why.empty()) return counted(Estimate::none(why), outcomes);
  const double expected = mean(risk);
  const MeanTime observed = observed_risk(outcomes, t);
  if (!(expected > 0)) return counted(Estimate::none("no risk was predicted"), outcomes);
  if (!(observed.value > 0) || !std::isfinite(observed.se)) return counted(Estimate::none("nobody had an event by then"), outcomes);
  // The expected is taken as fixed (clinical.md section 5).
  return counted(normal_estimate(observed.value / expected, observed.se / expected, Scale::log, "observed / expected, log scale", rules), outcomes);
}

Estimate calibration_slope_estimate(Outcomes outcomes, Values risk, const EstimateRules& rules) {
  if (const std::string why = too_little(outcomes, rules); !why.empty()) return counted(Estimate::none(why), outcomes);
  const Slope slope = calibration_slope(outcomes, risk);
  if (!slope.problem.empty()) return counted(Estimate::none(slope.problem), outcomes);
  return counted(normal_estimate(slope.slope, slope.se, Scale::plain, "Cox on log(-log(1 - risk))", rules), outcomes);
}

}  // namespace hepar::statistics
