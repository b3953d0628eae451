// SPDX-License-Identifier: Apache-2.0
// Calibration fitted on the inner part of a training fold: x' = x (1 + w (b - 1)) + w a on x = log(-log S), the same for
// every strategy and month of an endpoint (b > 0 keeps curves monotone). w = events / (events + 100): few events, no change.
#pragma once

#include "trainer/statistics/outcomes.hpp"

#include <map>
#include <string>

namespace hepar::validation {

struct CalibrationMap {
  double a = 0, b = 1, weight = 0;
  std::int64_t n = 0, events = 0;
  std::string not_recalibrated{};  // why the map changes nothing; empty when it does
  [[nodiscard]] double survival(double raw) const;
};

// `risk`: raw P(event by the horizon) of the inner patients.
[[nodiscard]] CalibrationMap fit_calibration(statistics::Outcomes outcomes, statistics::Values risk, double horizon);

using CalibrationMaps = std::map<std::string, CalibrationMap>;  // by endpoint
[[nodiscard]] std::string to_text(const CalibrationMaps& maps);
[[nodiscard]] CalibrationMaps maps_from(const std::string& text);  // "" gives none

}  // namespace hepar::validation
