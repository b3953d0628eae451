// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/prediction_error.hpp"

#include "trainer/statistics/survival.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hepar::statistics {
namespace {

// G of the options, or of these outcomes (then kept in `own`).
const StepCurve& censoring_of(Outcomes outcomes, const IpcwOptions& options, StepCurve& own) {
  if (options.censoring != nullptr) return *options.censoring;
  own = censoring_curve(outcomes, options.weight);
  return own;
}

double finite_or_none(double value) { return std::isfinite(value) ? value : kNone; }

}  // namespace

std::vector<std::uint32_t> ascending_order(Values score) {
  std::vector<std::uint32_t> order(score.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return score[a] < score[b]; });
  return order;
}

double auc_sorted(Outcomes outcomes, Values score, std::span<const std::uint32_t> ascending, double t, const IpcwOptions& options) {
  const bool left = options.convention == Convention::left;
  const double tolerance = left ? 0 : 1e-8;
  const StepCurve& g = *options.censoring;
  double cases = 0, controls = 0, pairs = 0;  // controls: with a lower score so far
  for (std::size_t k = 0; k < ascending.size();) {
    double case_here = 0, control_here = 0;
    std::size_t end = k;
    for (; end < ascending.size() && (end == k || score[ascending[end]] - score[ascending[end - 1]] <= tolerance); ++end) {
      const std::size_t i = ascending[end];
      const double w = weight_of(options.weight, i);
      if (!(w > 0)) continue;
      if (outcomes.time[i] > t) {
        control_here += w;
      } else if (outcomes.event[i] == 1) {
        case_here += w / (left ? g.before(outcomes.time[i]) : g.at(outcomes.time[i]));
      }
    }
    if (case_here > 0) pairs += case_here * (controls + control_here / 2);
    cases += case_here;
    controls += control_here;
    k = end;
  }
  return cases > 0 && controls > 0 ? finite_or_none(pairs / (cases * controls)) : kNone;
}

TimeAuc time_dependent_auc(Outcomes outcomes, Values score, Values times, const IpcwOptions& options) {
  StepCurve own;
  IpcwOptions given = options;
  given.censoring = &censoring_of(outcomes, options, own);
  const std::vector<std::uint32_t> order = ascending_order(score);
  TimeAuc out;
  for (const double t : times) out.auc.push_back(auc_sorted(outcomes, score, order, t, given));
  if (times.size() == 1) {
    out.mean = out.auc[0];
    return out;
  }
  const KaplanMeier curve = kaplan_meier(outcomes, options.weight);
  double previous = 1, sum = 0;
  for (std::size_t j = 0; j < times.size(); ++j) {
    const double s = curve.at(times[j]);
    sum += out.auc[j] * (previous - s);
    previous = s;
  }
  out.mean = finite_or_none(sum / (1 - previous));
  return out;
}

double trapezoid_mean(Values times, Values values) {
  if (times.size() < 2) return kNone;
  double area = 0;
  for (std::size_t j = 1; j < times.size(); ++j) area += (times[j] - times[j - 1]) * (values[j] + values[j - 1]) / 2;
  return finite_or_none(area / (times.back() - times.front()));
}

Brier brier_score(Outcomes outcomes, Columns risk, Values times, const IpcwOptions& options) {
  StepCurve own;
  const StepCurve& g = censoring_of(outcomes, options, own);
  const bool left = options.convention == Convention::left;
  Brier out;
  for (std::size_t j = 0; j < times.size(); ++j) {
    const double t = times[j], g_t = g.at(t), base = incidence_at(outcomes, t, options.weight);
    double model = 0, null = 0, total = 0;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      const double w = weight_of(options.weight, i), time = outcomes.time[i];
      total += w;
      if (!(w > 0) || (time <= t && outcomes.event[i] == 0)) continue;
      const double inverse = w / (time > t ? g_t : left ? g.before(time) : g.at(time));
      const double truth = time <= t && outcomes.event[i] == 1 ? 1.0 : 0.0;
      model += inverse * (truth - risk[j][i]) * (truth - risk[j][i]);
      null += inverse * (truth - base) * (truth - base);
    }
    out.brier.push_back(finite_or_none(model / total));
    out.null.push_back(finite_or_none(null / total));
    out.ipa.push_back(finite_or_none(1 - out.brier[j] / out.null[j]));
  }
  out.ibs = trapezoid_mean(times, out.brier);
  return out;
}

}  // namespace hepar::statistics
