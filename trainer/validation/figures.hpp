// SPDX-License-Identifier: Apache-2.0
// What a figure of observed outcomes is drawn from.
#pragma once

#include "trainer/statistics/survival.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace hepar::validation {

// A group's share free of event 1, monthly to the horizon, with 95 % limits (Kaplan-Meier, or 1 - incidence when deaths
// compete), and those at risk each year: name, n, events, times, survival, low, high, at_risk_times, at_risk.
[[nodiscard]] nlohmann::ordered_json curve_json(const std::string& name, const statistics::OutcomeTable& outcomes, double horizon, bool competing);

}  // namespace hepar::validation
