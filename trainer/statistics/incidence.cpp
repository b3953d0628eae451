// SPDX-License-Identifier: Apache-2.0
// Aalen-Johansen with the infinitesimal jackknife in O(n) a time and cause.
#include "trainer/statistics/survival.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::statistics {
namespace {

// Risk sets and deaths by cause at the distinct times up to t.
struct Steps {
  Timeline line;
  std::vector<double> at_risk;
  std::vector<std::vector<double>> deaths;  // [time][cause]
};

Steps steps_of(Outcomes outcomes, int causes) {
  Steps steps;
  steps.line = timeline(outcomes.time);
  const std::size_t size = steps.line.times.size();
  steps.at_risk.resize(size);
  steps.deaths.assign(size, std::vector<double>(static_cast<std::size_t>(causes), 0.0));
  double n = 0;
  for (std::size_t k = size; k-- > 0;) {
    for (const std::uint32_t i : steps.line.at(k)) {
      n += 1;
      const int cause = outcomes.event[i];
      if (cause > 0 && cause <= causes) steps.deaths[k][static_cast<std::size_t>(cause - 1)] += 1;
    }
    steps.at_risk[k] = n;
  }
  return steps;
}

// F_c and its prefix sums over the distinct times. With h = d/n, h_c = d_c/n and dS_i(u) = S(u) a_i(u), a patient's
// a_i(u) = B(min(u, T_i)) - 1{event by u}/(n - d at T_i), B = sum h/(n - d); so while at risk everybody shares
// `shared`(u) = sum [S B h_c - S h_c/n], and afterwards a_i(T_i) multiplies what F_c still gains.
struct Prefix {
  std::vector<double> survival, cif, shared, b;  // survival before the time; the others including it
  explicit Prefix(const Steps& steps, std::size_t cause) {
    double s = 1, f = 0, sum = 0, before = 0;
    for (std::size_t k = 0; k < steps.at_risk.size(); ++k) {
      const double n = steps.at_risk[k], h_c = steps.deaths[k][cause] / n;
      double all = 0;
      for (const double d : steps.deaths[k]) all += d;
      survival.push_back(s);
      cif.push_back(f += s * h_c);
      shared.push_back(sum += s * before * h_c - s * h_c / n);
      if (n > all) before += all / n / (n - all);
      b.push_back(before);
      s *= 1 - all / n;
    }
  }
};

MeanTime incidence_with_error(const Steps& steps, const Prefix& prefix, Outcomes outcomes, std::size_t cause, double t) {
  const auto& times = steps.line.times;
  const auto last = std::upper_bound(times.begin(), times.end(), t) - times.begin() - 1;
  if (last < 0) return {0, 0};
  const auto end = static_cast<std::size_t>(last);
  double sum = 0;
  for (std::size_t k = 0; k < times.size(); ++k) {
    double deaths = 0;
    for (const double d : steps.deaths[k]) deaths += d;
    for (const std::uint32_t i : steps.line.at(k)) {
      double influence = prefix.shared[std::min(k, end)];
      if (k <= end) {
        const double n = steps.at_risk[k];
        double a = prefix.b[k];
        if (outcomes.event[i] > 0 && n > deaths) a -= 1 / (n - deaths);
        if (outcomes.event[i] == static_cast<int>(cause) + 1) influence += prefix.survival[k] / n;
        influence += a * (prefix.cif[end] - prefix.cif[k]);
      }
      sum += influence * influence;
    }
  }
  return {prefix.cif[end], std::sqrt(sum)};
}

}  // namespace

Incidence cumulative_incidence(Outcomes outcomes, int causes, Values times) {
  const Steps steps = steps_of(outcomes, causes);
  Incidence out;
  out.cif.resize(static_cast<std::size_t>(causes));
  out.se.resize(static_cast<std::size_t>(causes));
  for (std::size_t c = 0; c < out.cif.size(); ++c) {
    const Prefix prefix(steps, c);
    for (const double t : times) {
      const MeanTime at = outcomes.size() == 0 ? MeanTime{kNone, kNone} : incidence_with_error(steps, prefix, outcomes, c, t);
      out.cif[c].push_back(at.value);
      out.se[c].push_back(at.se);
    }
  }
  return out;
}

double incidence_at(Outcomes outcomes, double t, Values weight) {
  const Timeline line = timeline(outcomes.time);
  const auto w = [&](std::size_t i) { return weight.empty() ? 1.0 : weight[i]; };
  std::vector<double> at_risk(line.times.size());
  double n = 0;
  for (std::size_t k = line.times.size(); k-- > 0;) {
    for (const std::uint32_t i : line.at(k)) n += w(i);
    at_risk[k] = n;
  }
  if (!(n > 0)) return kNone;
  double s = 1, cif = 0;
  for (std::size_t k = 0; k < line.times.size() && line.times[k] <= t; ++k) {
    double one = 0, all = 0;
    for (const std::uint32_t i : line.at(k)) {
      if (outcomes.event[i] == 1) one += w(i);
      if (outcomes.event[i] > 0) all += w(i);
    }
    if (!(all > 0)) continue;
    cif += s * one / at_risk[k];
    s *= 1 - all / at_risk[k];
  }
  return cif;
}

MeanTime observed_risk(Outcomes outcomes, double t) {
  if (outcomes.size() == 0) return {kNone, kNone};
  if (largest_code(outcomes.event) <= 1) {
    const KaplanMeier curve = kaplan_meier(outcomes);
    return {1 - curve.at(t), curve.se_at(t)};
  }
  const double times[] = {t};
  const Incidence incidence = cumulative_incidence(outcomes, largest_code(outcomes.event), times);
  return {incidence.cif[0][0], incidence.se[0][0]};
}

}  // namespace hepar::statistics
