// SPDX-License-Identifier: Apache-2.0
// Methods of survival curves.
#include "data/base/error.hpp"
#include "trainer/statistics/request.hpp"
#include "trainer/statistics/survival.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::statistics {
namespace {

Interval interval_of(const Request& request) {
  static constexpr Interval kIntervals[] = {Interval::log_log, Interval::log, Interval::plain};
  return kIntervals[request.choice("conf_type", {"log-log", "log", "plain"})];
}

double level_of(const Request& request) {
  const double level = request.number("conf_level", 0.95);
  if (!(level > 0 && level < 1)) throw usage_error("option 'conf_level' must lie between 0 and 1");
  return level;
}

Result km(const Request& request) {
  const OutcomeTable table = request.single_outcomes();
  const Numbers times = request.numbers("times");
  const bool robust = request.choice("se", {"greenwood", "robust"}) == 1;
  const KaplanMeier curve = kaplan_meier(table.view(), request.weights());
  const Numbers robust_variance = robust ? robust_variances(table.view(), request.weights(), times) : Numbers{};
  Numbers surv, se, lower, upper, n_risk;
  for (std::size_t j = 0; j < times.size(); ++j) {
    const double s = curve.at(times[j]);
    const double variance = robust ? robust_variance[j] : curve.variance_at(times[j]);
    const Limits limits = survival_limits(s, variance, interval_of(request), level_of(request));
    surv.push_back(s);
    se.push_back(s > 0 ? s * std::sqrt(variance) : std::nan(""));
    lower.push_back(limits.lower);
    upper.push_back(limits.upper);
    n_risk.push_back(static_cast<double>(std::count_if(table.time.begin(), table.time.end(), [&](double t) { return t >= times[j]; })));
  }
  Result out{{"surv", surv}, {"se", se}, {"lower", lower}, {"upper", upper}};
  if (!robust) out.emplace_back("n_risk", n_risk);
  return out;
}

Result km_quantile(const Request& request) {
  const KaplanMeier curve = kaplan_meier(request.single_outcomes().view());
  Numbers quantile, lower, upper;
  for (const double p : request.numbers("probs")) {
    const QuantileLimits at = survival_quantile(curve, p, interval_of(request), level_of(request));
    quantile.push_back(at.quantile);
    lower.push_back(at.lower);
    upper.push_back(at.upper);
  }
  return {{"quantile", quantile}, {"lower", lower}, {"upper", upper}};
}

Result censoring_km(const Request& request) {
  const StepCurve g = censoring_curve(request.outcomes().view());
  Numbers right, left;
  for (const double t : request.numbers("times")) {
    right.push_back(g.at(t));
    left.push_back(g.before(t));
  }
  return {{"right", right}, {"left", left}};
}

Result median_followup(const Request& request) { return {{"median", median_follow_up(request.outcomes().view())}}; }

Result logrank(const Request& request) {
  const LogRank test = log_rank(request.single_outcomes().view(), request.labels("group"), request.labels("strata"));
  return {{"chisq", test.chisq}, {"df", test.df}, {"p", test.p}, {"observed", test.observed}, {"expected", test.expected}};
}

Result cuminc(const Request& request) {
  const OutcomeTable table = request.outcomes();
  const Incidence incidence = cumulative_incidence(table.view(), largest_code(table.event), request.numbers("times"));
  std::vector<std::pair<std::string, Numbers>> cif, se;
  for (std::size_t c = 0; c < incidence.cif.size(); ++c) {
    cif.emplace_back(std::to_string(c + 1), incidence.cif[c]);
    se.emplace_back(std::to_string(c + 1), incidence.se[c]);
  }
  return {{"cif", cif}, {"se", se}};
}

Result rmst(const Request& request) {
  const MeanTime at = restricted_mean(request.single_outcomes().view(), request.number("tau"));
  return {{"rmst", at.value}, {"se", at.se}};
}

Result rmst_diff(const Request& request) {
  const OutcomeTable table = request.single_outcomes();
  const std::vector<int> group = request.labels("group");
  if (largest_code(group) != 1) throw input_error("column role 'group' must hold exactly two values");
  const OutcomeTable first = select(table.view(), rows_with(group, 0)), second = select(table.view(), rows_with(group, 1));
  const MeanTimeDifference at = restricted_mean_difference(first.view(), second.view(), request.number("tau"), level_of(request));
  return {{"rmst", Numbers{at.first.value, at.second.value}},
          {"se", Numbers{at.first.se, at.second.se}},
          {"diff", at.difference},
          {"se_diff", at.se},
          {"lower", at.lower},
          {"upper", at.upper},
          {"p", at.p}};
}

}  // namespace

std::vector<Method> survival_methods() {
  return {{"km", "time event weight?", "times conf_type? conf_level? se?", km},
          {"km_quantile", "time event", "probs conf_type? conf_level?", km_quantile},
          {"censoring_km", "time event", "times", censoring_km},
          {"median_followup", "time event", "", median_followup},
          {"logrank", "time event group strata?", "", logrank},
          {"cuminc", "time event", "times", cuminc},
          {"rmst", "time event", "tau", rmst},
          {"rmst_diff", "time event group", "tau conf_level?", rmst_diff}};
}

}  // namespace hepar::statistics
