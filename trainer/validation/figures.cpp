// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/figures.hpp"
#include "trainer/validation/results.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace hepar::validation {

namespace {

using Json = nlohmann::ordered_json;
namespace st = statistics;

constexpr int kCalibrationGroups = 5;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

// Groups of equal size by the quantiles of `value`.
std::vector<int> equal_groups(const std::vector<double>& value, int groups) {
  std::vector<double> sorted = value;
  std::sort(sorted.begin(), sorted.end());
  std::vector<int> group(value.size(), 0);
  for (std::size_t i = 0; i < value.size(); ++i)
    for (int g = 1; g < groups; ++g) {
      const std::size_t cut = sorted.size() * static_cast<std::size_t>(g) / static_cast<std::size_t>(groups);
      group[i] += value[i] > sorted[std::min(sorted.size() - 1, cut)] ? 1 : 0;
    }
  return group;
}

struct Free {
  std::vector<double> at, low, high;
};

// The share free of event 1 at each month with 95 % limits on the log-log scale. Death before recurrence is no censoring:
// with competing events it is 1 - the incidence.
Free free_of_event(const st::OutcomeTable& outcomes, const std::vector<double>& months, bool competing) {
  Free free;
  const auto add = [&](double value, st::Limits limits) {
    free.at.push_back(value);
    free.low.push_back(std::isfinite(limits.lower) ? limits.lower : value);
    free.high.push_back(std::isfinite(limits.upper) ? limits.upper : value);
  };
  if (competing) {
    const st::Incidence incidence = st::cumulative_incidence(outcomes.view(), 2, months);
    for (std::size_t m = 0; m < months.size(); ++m) {
      const double share = incidence.cif.front()[m], relative = share > 0 ? incidence.se.front()[m] / share : 0;
      const st::Limits limits = st::survival_limits(share, relative * relative, st::Interval::log_log, 0.95);
      add(1 - share, {1 - limits.upper, 1 - limits.lower});
    }
    return free;
  }
  const st::KaplanMeier curve = st::kaplan_meier(outcomes.view());
  for (const double month : months) add(curve.at(month), st::survival_limits(curve.at(month), curve.variance_at(month), st::Interval::log_log, 0.95));
  return free;
}

Json risk_groups_json(const Figured& endpoint) {
  const st::OutcomeTable cut = st::censored_at({endpoint.all.months, endpoint.all.event}, endpoint.all.horizon);
  const bool competing = st::largest_code(cut.event) > 1;
  std::vector<int> single = cut.event;
  for (int& event : single) event = event == 1 ? 1 : 0;
  const st::LogRank test = st::log_rank({cut.time, single}, endpoint.risk_group, endpoint.fold);
  Json out{{"rule", "predicted risk at the horizon, cut at the thirds of each fold's training patients"},
           {"method", competing ? "1 - Aalen-Johansen incidence" : "Kaplan-Meier"},
           {"logrank",
            {{"chisq", number(test.chisq)},
             {"df", number(test.df)},
             {"p", number(test.p)},
             {"stratified_by", "fold"},
             {"hazard", competing ? "cause-specific" : "event"}}},
           {"groups", Json::array()}};
  static constexpr std::array<const char*, kRiskGroups> kNames{"low", "middle", "high"};
  for (std::size_t g = 0; g < kRiskGroups; ++g) {
    const st::OutcomeTable group = st::select(cut.view(), st::rows_with(endpoint.risk_group, static_cast<int>(g)));
    if (!group.time.empty()) out["groups"].push_back(curve_json(kNames[g], group, endpoint.all.horizon, competing));
  }
  return out;
}

Json calibration_json(const st::HeldOut& all) {
  Json out = Json::array();
  const std::vector<int> fifths = equal_groups(all.risk, kCalibrationGroups);
  for (int g = 0; g < kCalibrationGroups; ++g) {
    const std::vector<std::size_t> rows = st::rows_with(fifths, g);
    if (rows.empty()) continue;
    double predicted = 0;
    for (const std::size_t i : rows) predicted += all.risk[i] / static_cast<double>(rows.size());
    const st::OutcomeTable group = st::select(st::Outcomes{all.months, all.event}, rows);
    const st::MeanTime observed = st::observed_risk(group.view(), all.horizon);
    const double half = std::isfinite(observed.se) ? 1.959963984540054 * observed.se : 0;
    out.push_back({{"n", rows.size()},
                   {"predicted", predicted},
                   {"observed", number(observed.value)},
                   {"low", number(std::max(0.0, observed.value - half))},
                   {"high", number(std::min(1.0, observed.value + half))}});
  }
  return out;
}

}  // namespace

Json curve_json(const std::string& name, const st::OutcomeTable& outcomes, double horizon, bool competing) {
  std::vector<double> months, years;
  for (double month = 1; month <= horizon + 1e-9; month += 1) months.push_back(month);
  for (double month = 0; month <= horizon + 1e-9; month += 12) years.push_back(month);
  Free free = free_of_event(outcomes, months, competing);
  for (auto* values : {&free.at, &free.low, &free.high}) values->insert(values->begin(), 1);
  months.insert(months.begin(), 0);
  Json at_risk = Json::array();
  for (const double month : years) at_risk.push_back(std::count_if(outcomes.time.begin(), outcomes.time.end(), [&](double t) { return t >= month; }));
  return {{"name", name},      {"n", outcomes.time.size()}, {"events", st::count_code(outcomes.event, 1)},
          {"times", months},   {"survival", free.at},       {"low", free.low},
          {"high", free.high}, {"at_risk_times", years},    {"at_risk", at_risk}};
}

Json figures_of(const Figured& endpoint) {
  return {{"horizon", endpoint.all.horizon}, {"risk_groups", risk_groups_json(endpoint)}, {"calibration", calibration_json(endpoint.all)}};
}

}  // namespace hepar::validation
