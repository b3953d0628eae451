// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/calibration.hpp"

#include "trainer/statistics/cox.hpp"
#include "trainer/statistics/quantile.hpp"
#include "trainer/statistics/survival.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::statistics {
namespace {

std::vector<double> complementary_log_log(Values risk) {
  std::vector<double> out;
  out.reserve(risk.size());
  for (const double r : risk) out.push_back(std::log(-std::log1p(-r)));
  return out;
}

bool all_finite(Values values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

constexpr const char* kOutside = "a predicted risk of 0 or 1 has no complementary log-log";

// Cox on columns of one value a patient. Competing events stay at risk as weighted rows (subdistribution); then the
// standard errors are robust, with the rows of a patient as a cluster.
CoxFit calibration_fit(Outcomes outcomes, Columns columns, Values weight) {
  CoxOptions options;
  if (largest_code(outcomes.event) <= 1) {
    options.weight = weight;
    return cox(outcomes, columns, options);
  }
  const Subdistribution rows = subdistribution(outcomes, weight);
  std::vector<std::vector<double>> values;
  for (const Values& column : columns) values.push_back(select(column, rows.row));
  const std::vector<Values> views(values.begin(), values.end());
  const std::vector<int> cluster(rows.row.begin(), rows.row.end());
  options.weight = rows.weight;
  options.cluster = cluster;
  CoxFit fit = cox(rows.outcomes.view(), views, options);
  fit.se = fit.robust_se;
  return fit;
}

// The Cox model of the complementary log-log of risk with one restricted cubic term.
struct Smooth {
  std::vector<double> x, cubic;
  CoxFit fit;
  std::string problem;
};

Smooth smooth_model(Outcomes outcomes, Values risk, Values weight) {
  Smooth model;
  model.x = complementary_log_log(risk);
  if (!all_finite(model.x)) {
    model.problem = kOutside;
    return model;
  }
  std::vector<double> sorted = model.x;
  std::sort(sorted.begin(), sorted.end());
  const double k1 = quantile7_sorted(sorted, 0.1), k2 = quantile7_sorted(sorted, 0.5), k3 = quantile7_sorted(sorted, 0.9);
  if (!(k1 < k2 && k2 < k3)) {
    model.problem = "too few distinct predicted risks for a smooth curve";
    return model;
  }
  const auto cube = [](double v) { return v > 0 ? v * v * v : 0.0; };
  for (const double x : model.x) {
    model.cubic.push_back((cube(x - k1) - cube(x - k2) * (k3 - k1) / (k3 - k2) + cube(x - k3) * (k2 - k1) / (k3 - k2)) /
                          ((k3 - k1) * (k3 - k1)));
  }
  const Values columns[] = {model.x, model.cubic};
  model.fit = calibration_fit(outcomes, columns, weight);
  model.problem = model.fit.problem;
  return model;
}

std::vector<double> smooth_risks(const Smooth& model, double t) {
  std::vector<double> out;
  for (std::size_t i = 0; i < model.x.size(); ++i) {
    const double row[] = {model.x[i], model.cubic[i]};
    out.push_back(1 - model.fit.survival(row, t));
  }
  return out;
}

double share_of(Values weight, std::span<const std::size_t> rows, std::size_t n) {
  if (weight.empty()) return static_cast<double>(rows.size()) / static_cast<double>(n);
  double all = 0, some = 0;
  for (const double w : weight) all += w;
  for (const std::size_t i : rows) some += weight[i];
  return some / all;
}

using RiskAt = double (*)(Outcomes, double, Values);
double kaplan_meier_risk(Outcomes outcomes, double t, Values weight) { return 1 - kaplan_meier(outcomes, weight).at(t); }

struct Decision {
  double t;
  Values thresholds, weight;
  RiskAt incidence;
};

double benefit_of(Outcomes outcomes, const std::vector<std::size_t>& rows, double threshold, const Decision& decision) {
  const std::vector<double> weight = decision.weight.empty() ? std::vector<double>{} : select(decision.weight, rows);
  const double share = share_of(decision.weight, rows, outcomes.size());
  if (!(share > 0)) return 0;
  const OutcomeTable part = select(outcomes, rows);
  const double event = decision.incidence(part.view(), decision.t, weight);
  return event * share - (1 - event) * share * threshold / (1 - threshold);
}

NetBenefit benefits(Outcomes outcomes, Values risk, const Decision& decision) {
  NetBenefit out;
  std::vector<std::size_t> everyone(outcomes.size());
  for (std::size_t i = 0; i < everyone.size(); ++i) everyone[i] = i;
  for (const double threshold : decision.thresholds) {
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < risk.size(); ++i) {
      if (risk[i] >= threshold) chosen.push_back(i);
    }
    out.model.push_back(benefit_of(outcomes, chosen, threshold, decision));
    out.all.push_back(benefit_of(outcomes, everyone, threshold, decision));
  }
  return out;
}

}  // namespace

Calibration calibration(Outcomes outcomes, Values risk, double t, int groups) {
  Calibration out;
  out.expected = mean(risk);
  out.observed = outcomes.size() == 0 ? kNone : 1 - kaplan_meier(outcomes).at(t);
  out.oe = out.observed / out.expected;
  const std::vector<int> group = quantile_groups(risk, groups);
  for (int g = 0; g < groups; ++g) {
    const std::vector<std::size_t> rows = rows_with(group, g);
    out.group_n.push_back(static_cast<double>(rows.size()));
    out.group_expected.push_back(mean(select(risk, rows)));
    out.group_observed.push_back(rows.empty() ? kNone : 1 - kaplan_meier(select(outcomes, rows).view()).at(t));
  }
  return out;
}

Slope calibration_slope(Outcomes outcomes, Values risk, Values weight) {
  const std::vector<double> x = complementary_log_log(risk);
  if (!all_finite(x)) return {kNone, kNone, kOutside};
  const Values columns[] = {x};
  const CoxFit fit = calibration_fit(outcomes, columns, weight);
  return {fit.coef[0], fit.se[0], fit.problem};
}

CalibrationIndex calibration_index(Outcomes outcomes, Values risk, double t, Values weight) {
  const Smooth model = smooth_model(outcomes, risk, weight);
  if (!model.problem.empty()) return {kNone, kNone, kNone, kNone, model.problem};
  std::vector<double> gap = smooth_risks(model, t);
  double sum = 0, total = 0;
  for (std::size_t i = 0; i < gap.size(); ++i) {
    const double w = weight.empty() ? 1.0 : weight[i];
    gap[i] = std::abs(gap[i] - risk[i]);
    sum += w * gap[i];
    total += w;
  }
  std::sort(gap.begin(), gap.end());
  return {sum / total, quantile7_sorted(gap, 0.5), quantile7_sorted(gap, 0.9), gap.back(), {}};
}

std::vector<double> smooth_observed_risk(Outcomes outcomes, Values risk, double t, Values weight) {
  const Smooth model = smooth_model(outcomes, risk, weight);
  return model.problem.empty() ? smooth_risks(model, t) : std::vector<double>{};
}

Subdistribution subdistribution(Outcomes outcomes, Values weight, int steps) {
  Subdistribution out;
  const StepCurve g = censoring_curve(outcomes, weight);
  double last = 0;
  for (const double t : outcomes.time) last = std::max(last, t);
  const auto add = [&](std::size_t i, double time, int event, double w) {
    if (!(w > 0)) return;
    out.outcomes.time.push_back(time);
    out.outcomes.event.push_back(event);
    out.weight.push_back(w);
    out.row.push_back(i);
  };
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const double w = weight.empty() ? 1.0 : weight[i];
    const double t = outcomes.time[i];
    const double here = g.before(t);
    if (outcomes.event[i] <= 1 || !(here > 0)) {
      add(i, t, outcomes.event[i] == 1 ? 1 : 0, w);
      continue;
    }
    // The weight falls with G after T. Drops are merged into at most `steps` of equal height, each at the time by which
    // it is complete; what is left of G stays to the end.
    double kept = here;
    for (int s = 1; s <= steps; ++s) {
      const double target = here * (1 - static_cast<double>(s) / steps);
      const auto drop = std::partition_point(g.value.begin(), g.value.end(), [&](double value) { return value > target; });
      if (drop == g.value.end()) break;
      const double time = g.time[static_cast<std::size_t>(drop - g.value.begin())];
      if (time < t) continue;
      add(i, time, 0, w * (kept - *drop) / here);
      kept = std::min(kept, *drop);
    }
    add(i, last, 0, w * kept / here);
  }
  return out;
}

NetBenefit net_benefit(Outcomes outcomes, Values risk, double t, Values thresholds, Values weight) {
  return benefits(outcomes, risk, {t, thresholds, weight, kaplan_meier_risk});
}

NetBenefit net_benefit_competing(Outcomes outcomes, Values risk, double t, Values thresholds, Values weight) {
  return benefits(outcomes, risk, {t, thresholds, weight, incidence_at});
}

}  // namespace hepar::statistics
