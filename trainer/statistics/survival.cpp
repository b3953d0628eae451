// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/survival.hpp"

#include "trainer/statistics/quantile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hepar::statistics {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

double total_weight(Values weight, std::size_t n) {
  if (weight.empty()) return static_cast<double>(n);
  double sum = 0;
  for (const double w : weight) sum += w;
  return sum;
}

// Index of the last time <= t, or -1.
std::ptrdiff_t last_before(const std::vector<double>& times, double t) {
  return std::upper_bound(times.begin(), times.end(), t) - times.begin() - 1;
}

// Area under the curve from each of its times to tau; 0 from a time beyond it.
std::vector<double> areas_from(const KaplanMeier& curve, double tau) {
  std::vector<double> areas(curve.time.size());
  double area = 0, end = tau;
  for (std::size_t k = curve.time.size(); k-- > 0;) {
    if (curve.time[k] < tau) {
      area += curve.survival[k] * (end - curve.time[k]);
      end = curve.time[k];
    }
    areas[k] = area;
  }
  return areas;
}

}  // namespace

KaplanMeier kaplan_meier(Outcomes outcomes, Values weight) {
  const Timeline line = timeline(outcomes.time);
  KaplanMeier curve;
  curve.time = line.times;
  std::vector<double> leaving(line.times.size()), events(line.times.size());
  for (std::size_t k = 0; k < line.times.size(); ++k) {
    for (const std::uint32_t i : line.at(k)) {
      const double w = weight_of(weight, i);
      leaving[k] += w;
      if (outcomes.event[i] == 1) events[k] += w;
    }
  }
  // From the last time down, so that the last risk sets are exact sums.
  curve.at_risk.resize(leaving.size());
  double risk = 0;
  for (std::size_t k = leaving.size(); k-- > 0;) curve.at_risk[k] = risk += leaving[k];
  double survival = 1, variance = 0;
  for (std::size_t k = 0; k < leaving.size(); ++k) {
    const double n = curve.at_risk[k], d = events[k];
    if (d > 0) {
      survival *= 1 - d / n;
      variance += n > d ? d / (n * (n - d)) : kInfinite;
    }
    curve.survival.push_back(survival);
    curve.variance.push_back(variance);
  }
  curve.events = std::move(events);
  return curve;
}

double KaplanMeier::at(double t) const {
  const auto k = last_before(time, t);
  return k < 0 ? 1.0 : survival[static_cast<std::size_t>(k)];
}

double KaplanMeier::variance_at(double t) const {
  const auto k = last_before(time, t);
  return k < 0 ? 0.0 : variance[static_cast<std::size_t>(k)];
}

double KaplanMeier::se_at(double t) const {
  const double s = at(t);
  return s > 0 ? s * std::sqrt(variance_at(t)) : kNone;
}

Limits survival_limits(double survival, double variance, Interval interval, double level) {
  if (!(survival > 0) || !std::isfinite(variance)) return {kNone, kNone};
  const double half = normal_factor(level) * std::sqrt(variance);
  if (interval == Interval::plain) {
    return {std::max(0.0, survival - survival * half), std::min(1.0, survival + survival * half)};
  }
  if (interval == Interval::log) return {survival * std::exp(-half), std::min(1.0, survival * std::exp(half))};
  if (survival >= 1) return {kNone, kNone};
  const double spread = half / std::abs(std::log(survival));
  return {std::pow(survival, std::exp(spread)), std::pow(survival, std::exp(-spread))};
}

std::vector<double> robust_variances(Outcomes outcomes, Values weight, Values times) {
  const KaplanMeier curve = kaplan_meier(outcomes, weight);
  std::vector<double> hazard(curve.time.size()), jump(curve.time.size());  // sum of d/(n(n-d)), and 1/(n-d)
  double sum = 0;
  for (std::size_t k = 0; k < curve.time.size(); ++k) {
    const double n = curve.at_risk[k], d = curve.events[k];
    jump[k] = 1 / (n - d);
    if (d > 0) sum += d / (n * (n - d));
    hazard[k] = sum;
  }
  std::vector<std::ptrdiff_t> own(outcomes.size());
  for (std::size_t i = 0; i < outcomes.size(); ++i) own[i] = last_before(curve.time, outcomes.time[i]);
  std::vector<double> variances;
  for (const double t : times) {
    const auto last = last_before(curve.time, t);
    double variance = 0;
    for (std::size_t i = 0; last >= 0 && i < outcomes.size(); ++i) {
      double g = -hazard[static_cast<std::size_t>(std::min(own[i], last))];
      if (own[i] <= last && outcomes.event[i] == 1) g += jump[static_cast<std::size_t>(own[i])];
      const double term = weight_of(weight, i) * g;
      variance += term * term;
    }
    variances.push_back(curve.at(t) > 0 ? variance : kNone);
  }
  return variances;
}

namespace {

// Quantile of the points (time, 1 - curve value); R's quantile.survfit, midpoint of a flat stretch at p.
double crossing(const std::vector<double>& time, const std::vector<double>& value, double p) {
  constexpr double kTolerance = 0x1p-26;
  std::vector<std::pair<double, double>> points{{0.0, 0.0}};  // (F, time)
  std::vector<double> seen{0.0};
  double largest = 0;
  for (std::size_t k = 0; k < time.size(); ++k) {
    largest = std::max(largest, time[k]);
    if (std::isnan(value[k])) continue;
    const double f = 1 - value[k];
    const auto place = std::lower_bound(seen.begin(), seen.end(), f);
    if (place != seen.end() && *place == f) continue;
    seen.insert(place, f);
    points.emplace_back(f, time[k]);
  }
  const auto first = [&](double shift) {
    return std::find_if(points.begin(), points.end(), [&](const auto& point) { return point.first + shift >= p; });
  };
  const auto one = first(kTolerance), two = first(-kTolerance);
  if (one == points.end()) return kNone;
  if (two != points.end()) return (one->second + two->second) / 2;
  return std::abs(p - points.back().first) < kTolerance ? (one->second + largest) / 2 : kNone;
}

}  // namespace

QuantileLimits survival_quantile(const KaplanMeier& curve, double p, Interval interval, double level) {
  std::vector<double> lower, upper;
  for (std::size_t k = 0; k < curve.time.size(); ++k) {
    const Limits limits = survival_limits(curve.survival[k], curve.variance[k], interval, level);
    lower.push_back(limits.lower);
    upper.push_back(limits.upper);
  }
  return {crossing(curve.time, curve.survival, p), crossing(curve.time, lower, p), crossing(curve.time, upper, p)};
}

StepCurve censoring_curve(Outcomes outcomes, Values weight) {
  const Timeline line = timeline(outcomes.time);
  StepCurve curve;
  std::vector<double> after(line.times.size());  // weight with a later time
  std::vector<double> censored(line.times.size());
  double later = 0;
  for (std::size_t k = line.times.size(); k-- > 0;) {
    after[k] = later;
    for (const std::uint32_t i : line.at(k)) {
      const double w = weight_of(weight, i);
      later += w;
      if (outcomes.event[i] == 0) censored[k] += w;
    }
  }
  double g = 1;
  for (std::size_t k = 0; k < line.times.size(); ++k) {
    if (!(censored[k] > 0)) continue;
    g *= 1 - censored[k] / (after[k] + censored[k]);
    curve.time.push_back(line.times[k]);
    curve.value.push_back(g);
  }
  return curve;
}

double median_follow_up(Outcomes outcomes) {
  const StepCurve g = censoring_curve(outcomes);
  for (std::size_t k = 0; k < g.time.size(); ++k) {
    if (g.value[k] <= 0.5 + 1e-12) return g.time[k];
  }
  return kNone;
}

MeanTime restricted_mean(Outcomes outcomes, double tau, Values weight) {
  if (outcomes.size() == 0 || !(total_weight(weight, outcomes.size()) > 0)) return {kNone, kNone};
  const KaplanMeier curve = kaplan_meier(outcomes, weight);
  const std::vector<double> area_from = areas_from(curve, tau);
  double variance = 0;
  for (std::size_t k = 0; k < curve.time.size() && curve.time[k] <= tau; ++k) {
    const double n = curve.at_risk[k], d = curve.events[k];
    if (d > 0 && n > d) variance += area_from[k] * area_from[k] * d / (n * (n - d));
  }
  const double first = curve.time.empty() ? tau : std::min(curve.time.front(), tau);
  return {first + (area_from.empty() ? 0 : area_from.front()), std::sqrt(variance)};
}

MeanTime robust_restricted_mean(Outcomes outcomes, double tau, Values weight, Codes cluster) {
  const MeanTime plain = restricted_mean(outcomes, tau, weight);
  if (!std::isfinite(plain.value)) return plain;
  const KaplanMeier curve = kaplan_meier(outcomes, weight);
  // d RMST / d w_i = - sum over event times u <= tau of A_u (dN_i(u) - Y_i(u) d/n) / (n - d), A_u the area from u to tau.
  const std::vector<double> area_from = areas_from(curve, tau);
  std::vector<double> hazard(curve.time.size()), jump(curve.time.size());
  double sum = 0;
  for (std::size_t k = 0; k < curve.time.size(); ++k) {
    const double n = curve.at_risk[k], d = curve.events[k];
    if (curve.time[k] <= tau && d > 0 && n > d) {
      jump[k] = area_from[k] / (n - d);
      sum += jump[k] * d / n;
    }
    hazard[k] = sum;
  }
  std::vector<double> influence(cluster.empty() ? outcomes.size() : static_cast<std::size_t>(largest_code(cluster)) + 1);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto own = last_before(curve.time, outcomes.time[i]);
    if (own < 0) continue;
    const auto k = static_cast<std::size_t>(own);
    const double g = (outcomes.event[i] == 1 ? jump[k] : 0) - hazard[k];
    influence[cluster.empty() ? i : static_cast<std::size_t>(cluster[i])] += weight_of(weight, i) * g;
  }
  double variance = 0;
  for (const double one : influence) variance += one * one;
  return {plain.value, std::sqrt(variance)};
}

MeanTimeDifference restricted_mean_difference(Outcomes first, Outcomes second, double tau, double level) {
  MeanTimeDifference out{restricted_mean(first, tau), restricted_mean(second, tau), 0, 0, 0, 0, 0};
  out.difference = out.second.value - out.first.value;
  out.se = std::sqrt(out.first.se * out.first.se + out.second.se * out.second.se);
  const double half = normal_factor(level) * out.se;
  out.lower = out.difference - half;
  out.upper = out.difference + half;
  out.p = normal_two_sided(out.difference / out.se);
  return out;
}

}  // namespace hepar::statistics
