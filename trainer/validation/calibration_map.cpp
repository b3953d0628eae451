// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/calibration_map.hpp"

#include "trainer/statistics/calibration.hpp"
#include "trainer/statistics/survival.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace hepar::validation {

namespace {

constexpr double kEventsOfHalfWeight = 100;
constexpr std::int64_t kLeastEvents = 20;

double cloglog(double survival) { return std::log(-std::log(std::clamp(survival, 1e-12, 1 - 1e-12))); }

}  // namespace

double CalibrationMap::survival(double raw) const {
  if (weight == 0) return raw;
  return std::exp(-std::exp(cloglog(raw) * (1 + weight * (b - 1)) + weight * a));
}

CalibrationMap fit_calibration(statistics::Outcomes outcomes, statistics::Values risk, double horizon) {
  CalibrationMap map;
  map.n = static_cast<std::int64_t>(outcomes.size());
  const statistics::OutcomeTable cut = statistics::censored_at(outcomes, horizon);
  map.events = static_cast<std::int64_t>(statistics::count_code(cut.event, 1));
  if (map.events < kLeastEvents) {
    map.not_recalibrated = fmt::format("{} events, fewer than {}", map.events, kLeastEvents);
    return map;
  }
  const statistics::Slope slope = statistics::calibration_slope(cut.view(), risk);
  if (!slope.problem.empty()) {
    map.not_recalibrated = slope.problem;
    return map;
  }
  map.b = std::clamp(slope.slope, 0.5, 2.0);
  map.weight = static_cast<double>(map.events) / (static_cast<double>(map.events) + kEventsOfHalfWeight);
  // The intercept that makes the mean predicted risk the observed one, by bisection (the mean rises with a).
  const double observed = statistics::observed_risk(cut.view(), horizon).value;
  double low = -3, high = 3;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    double mean = 0;
    for (const double r : risk) mean += 1 - std::exp(-std::exp(cloglog(1 - r) * map.b + middle));
    (mean / static_cast<double>(risk.size()) < observed ? low : high) = middle;
  }
  map.a = (low + high) / 2;
  return map;
}

std::string to_text(const CalibrationMaps& maps) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (const auto& [endpoint, map] : maps) out[endpoint] = {{"a", map.a}, {"b", map.b}, {"weight", map.weight}, {"n", map.n}, {"events", map.events}, {"not_recalibrated", map.not_recalibrated}};
  return out.dump();
}

CalibrationMaps maps_from(const std::string& text) {
  CalibrationMaps maps;
  if (text.empty()) return maps;
  const nlohmann::ordered_json json = nlohmann::ordered_json::parse(text);
  for (const auto& [endpoint, map] : json.items()) maps[endpoint] = {map.at("a"), map.at("b"), map.at("weight"), map.at("n"), map.at("events"), map.value("not_recalibrated", "")};
  return maps;
}

}  // namespace hepar::validation
