// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/results.hpp"

#include "trainer/statistics/survival.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::validation {

namespace {

using Json = nlohmann::ordered_json;
namespace st = statistics;

constexpr int kRiskGroups = 3, kCalibrationGroups = 5;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

// Group of each patient by the quantiles of `value` inside its fold, so that differences between folds do not mix in.
std::vector<int> groups_within_folds(const std::vector<double>& value, const std::vector<int>& fold, int groups) {
  std::vector<int> group(value.size(), 0);
  const int folds = fold.empty() ? 0 : *std::max_element(fold.begin(), fold.end()) + 1;
  for (int f = 0; f < folds; ++f) {
    std::vector<double> sorted;
    for (std::size_t i = 0; i < value.size(); ++i)
      if (fold[i] == f) sorted.push_back(value[i]);
    std::sort(sorted.begin(), sorted.end());
    if (sorted.empty()) continue;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (fold[i] != f) continue;
      for (int g = 1; g < groups; ++g) group[i] += value[i] > sorted[std::min(sorted.size() - 1, sorted.size() * static_cast<std::size_t>(g) / static_cast<std::size_t>(groups))] ? 1 : 0;
    }
  }
  return group;
}

Json curve_json(const std::string& name, const st::OutcomeTable& outcomes, double horizon) {
  const st::KaplanMeier curve = st::kaplan_meier(outcomes.view());
  Json times = Json::array({0}), survival = Json::array({1}), low = Json::array({1}), high = Json::array({1}), risk_times = Json::array(), at_risk = Json::array();
  for (double month = 1; month <= horizon + 1e-9; month += 1) {
    const double s = curve.at(month);
    const st::Limits limits = st::survival_limits(s, curve.variance_at(month), st::Interval::log_log, 0.95);
    times.push_back(month);
    survival.push_back(s);
    low.push_back(number(std::isfinite(limits.lower) ? limits.lower : s));
    high.push_back(number(std::isfinite(limits.upper) ? limits.upper : s));
  }
  for (double month = 0; month <= horizon + 1e-9; month += 12) {
    risk_times.push_back(month);
    at_risk.push_back(std::count_if(outcomes.time.begin(), outcomes.time.end(), [&](double t) { return t >= month; }));
  }
  return {{"name", name}, {"n", outcomes.time.size()}, {"events", st::count_code(outcomes.event, 1)}, {"times", times}, {"survival", survival}, {"low", low}, {"high", high}, {"at_risk_times", risk_times}, {"at_risk", at_risk}};
}

}  // namespace

Json figures_of(const st::HeldOut& all, const std::vector<int>& fold_of_patient) {
  const st::OutcomeTable cut = st::censored_at({all.months, all.event}, all.horizon);
  Json out{{"horizon", all.horizon}, {"risk_groups", Json::object()}, {"calibration", Json::array()}};
  const std::vector<int> thirds = groups_within_folds(all.risk, fold_of_patient, kRiskGroups);
  std::vector<int> single = cut.event;
  for (int& event : single) event = event == 1 ? 1 : 0;
  const st::LogRank test = st::log_rank({cut.time, single}, thirds, fold_of_patient);
  out["risk_groups"]["logrank"] = {{"chisq", number(test.chisq)}, {"df", number(test.df)}, {"p", number(test.p)}, {"stratified_by", "fold"}};
  out["risk_groups"]["rule"] = "thirds of predicted risk inside each held-out fold";
  out["risk_groups"]["groups"] = Json::array();
  static constexpr std::array<const char*, kRiskGroups> kNames{"low", "middle", "high"};
  for (int g = 0; g < kRiskGroups; ++g) {
    const st::OutcomeTable group = st::select(st::Outcomes{cut.time, single}, st::rows_with(thirds, g));
    if (!group.time.empty()) out["risk_groups"]["groups"].push_back(curve_json(kNames[static_cast<std::size_t>(g)], group, all.horizon));
  }
  const std::vector<int> fifths = groups_within_folds(all.risk, std::vector<int>(all.risk.size(), 0), kCalibrationGroups);
  for (int g = 0; g < kCalibrationGroups; ++g) {
    const std::vector<std::size_t> rows = st::rows_with(fifths, g);
    if (rows.empty()) continue;
    double predicted = 0;
    for (const std::size_t i : rows) predicted += all.risk[i] / static_cast<double>(rows.size());
    const st::OutcomeTable group = st::select({all.months, all.event}, rows);
    const st::MeanTime observed = st::observed_risk(group.view(), all.horizon);
    const double half = std::isfinite(observed.se) ? 1.959963984540054 * observed.se : 0;
    out["calibration"].push_back({{"n", rows.size()}, {"predicted", predicted}, {"observed", number(observed.value)}, {"low", number(std::max(0.0, observed.value - half))}, {"high", number(std::min(1.0, observed.value + half))}});
  }
  return out;
}

}  // namespace hepar::validation
