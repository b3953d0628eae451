// SPDX-License-Identifier: Apache-2.0
// Treatments that start after time zero: landmark, and clone-censor-weight.
#include "trainer/statistics/causal.hpp"
#include "trainer/statistics/survival.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hepar::statistics {

Landmark landmark(Outcomes outcomes, Values start, double landmark, double horizon) {
  Landmark out;
  OutcomeTable later;
  std::vector<int> group;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (!(outcomes.time[i] > landmark)) {
      ++out.excluded;
      continue;
    }
    later.time.push_back(outcomes.time[i] - landmark);
    later.event.push_back(outcomes.event[i] == 1 ? 1 : 0);
    group.push_back(!std::isnan(start[i]) && start[i] <= landmark ? 1 : 0);
  }
  for (int g = 0; g < 2; ++g) {
    const OutcomeTable part = select(later.view(), rows_with(group, g));
    out.n[g] = static_cast<double>(part.time.size());
    out.events[g] = static_cast<double>(count_code(part.event, 1));
    out.survival[g] = kaplan_meier(part.view()).at(horizon);
  }
  out.chisq = log_rank(later.view(), group).chisq;
  return out;
}

namespace {

struct Clones {
  OutcomeTable outcomes;        // cut at the artificial censoring
  std::vector<int> artificial;  // 1: censored because it left its strategy
};

Clones clones_of(Outcomes outcomes, Values start, double grace, bool treated) {
  Clones out;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const double time = outcomes.time[i];
    const bool started = !std::isnan(start[i]) && start[i] <= std::min(grace, time);
    double leaves = std::numeric_limits<double>::infinity();
    if (treated && !started && time > grace) leaves = grace;
    if (!treated && started) leaves = start[i];
    const bool left = leaves < time;
    out.outcomes.time.push_back(left ? leaves : time);
    out.outcomes.event.push_back(!left && outcomes.event[i] == 1 ? 1 : 0);
    out.artificial.push_back(left ? 1 : 0);
  }
  return out;
}

// Kaplan-Meier in which everybody at risk at u weighs 1/Ga(u-) of its stratum.
std::vector<double> weighted_survival(const Clones& clones, const std::vector<StepCurve>& leaving, Codes strata, Values times) {
  const Timeline line = timeline(clones.outcomes.time);
  const auto stratum = [&](std::size_t i) { return strata.empty() ? std::size_t{0} : static_cast<std::size_t>(strata[i]); };
  std::vector<double> at_risk(leaving.size());  // patients of each stratum
  StepCurve curve;
  std::vector<std::pair<double, double>> factors;
  for (std::size_t k = line.times.size(); k-- > 0;) {
    for (const std::uint32_t i : line.at(k)) at_risk[stratum(i)] += 1;
    double events = 0, risk = 0;
    for (const std::uint32_t i : line.at(k)) {
      if (clones.outcomes.event[i] == 1) events += 1 / leaving[stratum(i)].before(line.times[k]);
    }
    if (!(events > 0)) continue;
    for (std::size_t s = 0; s < leaving.size(); ++s) {
      if (at_risk[s] > 0) risk += at_risk[s] / leaving[s].before(line.times[k]);
    }
    factors.emplace_back(line.times[k], 1 - events / risk);
  }
  double survival = 1;
  for (std::size_t k = factors.size(); k-- > 0;) {
    curve.time.push_back(factors[k].first);
    curve.value.push_back(survival *= factors[k].second);
  }
  std::vector<double> out;
  for (const double t : times) out.push_back(curve.at(t));
  return out;
}

}  // namespace

CloneCensor clone_censor(Outcomes outcomes, Values start, double grace, Values times, Codes strata) {
  CloneCensor out;
  for (int arm = 0; arm < 2; ++arm) {
    const Clones clones = clones_of(outcomes, start, grace, arm == 1);
    out.artificially_censored[arm] = static_cast<double>(count_code(clones.artificial, 1));
    out.events[arm] = static_cast<double>(count_code(clones.outcomes.event, 1));
    const KaplanMeier naive = kaplan_meier(clones.outcomes.view());
    for (const double t : times) out.naive[arm].push_back(naive.at(t));
    // Leaving the strategy is what this curve calls censored; everything else is "not censored".
    std::vector<int> stays;
    for (const int artificial : clones.artificial) stays.push_back(1 - artificial);
    std::vector<StepCurve> leaving;
    for (int s = 0; s <= (strata.empty() ? 0 : largest_code(strata)); ++s) {
      if (strata.empty()) {
        leaving.push_back(censoring_curve({clones.outcomes.time, stays}));
        continue;
      }
      const std::vector<std::size_t> rows = rows_with(strata, s);
      leaving.push_back(censoring_curve(select(Outcomes{clones.outcomes.time, stays}, rows).view()));
    }
    out.ipcw[arm] = weighted_survival(clones, leaving, strata, times);
  }
  return out;
}

}  // namespace hepar::statistics
