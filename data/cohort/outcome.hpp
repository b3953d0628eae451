// SPDX-License-Identifier: Apache-2.0
// Endpoints and treatment strategies from what was recorded. A month is 30.4375 days; time zero is surgery.
#pragma once

#include "data/cohort/arms.hpp"
#include "data/cohort/cohort.hpp"

#include <optional>
#include <string>
#include <vector>

namespace hepar {

inline constexpr double kDaysPerMonth = 30.4375;

// Event codes: 0 censored, 1 the endpoint's event, 2 the competing event.
struct Outcome {
  bool known = false;
  double months = 0;
  int event = 0;
};
// Not cut at the horizon. Recurrence-type endpoints are censored at recurrence_free_day when it is given and earlier than
// last contact. A time of 0 counts as half a day.
[[nodiscard]] Outcome outcome_of(const PatientRecord& patient, const CohortSpec& spec, const EndpointSpec& endpoint);

// The illness-death history in months, for the model: recurrence, death, end of observation of each.
struct History {
  bool known = false;
  std::optional<double> recurrence, death;
  double recurrence_seen_until = 0;  // the patient was known recurrence-free (or recurred) up to here
  double last_contact = 0;           // or death
};
[[nodiscard]] History history_of(const PatientRecord& patient);

// Treatment strategy by the starts inside the window, before any event. Index into arm_names(), or a state.
struct Assignment {
  int arm = -1;                 // -1: see state
  std::string state;            // "undetermined", "other" or "unknown" when arm < 0
  Starts start_day;             // first adjuvant starts (before recurrence)
  [[nodiscard]] std::string name(const StrategySpec& spec) const;  // arm name or state
};
[[nodiscard]] Assignment assign_strategy(const PatientRecord& patient, const StrategySpec& spec);

}  // namespace hepar
