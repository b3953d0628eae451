// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/outcome.hpp"

#include <algorithm>
#include <cmath>

namespace hepar {

namespace {

double months(double days) { return days / kDaysPerMonth; }

// The end of the time in which a recurrence would have been seen.
double recurrence_seen_until(const FollowUp& seen) {
  double until = *seen.last_contact_day;
  if (seen.death_day) until = std::min(until, *seen.death_day);
  if (seen.recurrence_free_day) until = std::min(until, std::max(*seen.recurrence_free_day, 0.5));
  return until;
}

}  // namespace

Outcome outcome_of(const PatientRecord& patient, const CohortSpec& spec, const EndpointSpec& endpoint) {
  if (endpoint.direct()) {
    const auto index = static_cast<std::size_t>(&endpoint - spec.endpoints.data());
    const double time = patient.direct_months.at(index), event = patient.direct_event.at(index);
    if (std::isnan(time) || std::isnan(event)) return {};
    return {true, time, event != 0 ? 1 : 0};
  }
  if (!patient.has_follow_up) return {};
  const FollowUp& seen = patient.follow_up;
  const double end = seen.death_day ? *seen.death_day : *seen.last_contact_day;
  if (!endpoint.recurrence_is_event) return {true, months(end), seen.death_day ? 1 : 0};
  if (seen.recurrence_day) return {true, months(*seen.recurrence_day), 1};
  const double until = recurrence_seen_until(seen);
  // A death counts only while recurrence was still being looked for.
  const bool death = seen.death_day && (!seen.recurrence_free_day || *seen.recurrence_free_day >= *seen.death_day);
  if (death) return {true, months(end), endpoint.death_is_event ? 1 : 2};
  // A patient who died after recurrence follow-up had ended: the death is an event of RFS all the same (it happened,
  // and whatever came before it was an event too), but recurrence alone is censored where it was last looked for.
  if (seen.death_day && endpoint.death_is_event) return {true, months(*seen.death_day), 1};
  return {true, months(until), 0};
}

History history_of(const PatientRecord& patient) {
  History history;
  if (!patient.has_follow_up) return history;
  const FollowUp& seen = patient.follow_up;
  history.known = true;
  if (seen.recurrence_day) history.recurrence = months(*seen.recurrence_day);
  if (seen.death_day) history.death = months(*seen.death_day);
  history.last_contact = months(seen.death_day ? *seen.death_day : *seen.last_contact_day);
  history.recurrence_seen_until = seen.recurrence_day ? *history.recurrence : months(recurrence_seen_until(seen));
  return history;
}

std::string Assignment::name(const StrategySpec& spec) const {
  return arm >= 0 ? spec.arm_names().at(static_cast<std::size_t>(arm)) : state;
}

Assignment assign_strategy(const PatientRecord& patient, const StrategySpec& spec) {
  Assignment assignment;
  if (spec.single()) {
    assignment.arm = 0;
    return assignment;
  }
  // Without the tables nobody knows what was given, nor whether it came after a recurrence.
  if (!patient.treatments_recorded || !patient.has_follow_up) {
    assignment.state = "unknown";
    return assignment;
  }
  const FollowUp& seen = patient.follow_up;
  bool other = false;
  for (const Treatment& treatment : patient.treatments) {
    // What is given for a recurrence is not adjuvant.
    if (seen.recurrence_day && treatment.start_day >= *seen.recurrence_day) continue;
    if (treatment.start_day > spec.window_high_day) continue;
    const std::optional<std::size_t> kind = treatment_kind(treatment.kind);
    if (treatment.start_day < spec.window_low_day || !kind) {
      other = true;
      continue;
    }
    std::optional<double>& start = assignment.start_day[*kind];
    if (!start) start = treatment.start_day;
  }
  if (other) {
    assignment.state = "other";
    return assignment;
  }
  ByKind<bool> started{};
  std::transform(assignment.start_day.begin(), assignment.start_day.end(), started.begin(), [](const auto& start) { return start.has_value(); });
  if (started == ByKind<bool>{}) {
    double event_free = *seen.last_contact_day;
    if (seen.death_day) event_free = std::min(event_free, *seen.death_day);
    if (seen.recurrence_day) event_free = std::min(event_free, *seen.recurrence_day);
    if (event_free < spec.window_high_day) {
      assignment.state = "undetermined";
      return assignment;
    }
  }
  const Arm* arm = arm_of_exactly(started);
  const auto declared = arm == nullptr ? spec.arms.end() : std::find(spec.arms.begin(), spec.arms.end(), arm->name);
  if (declared != spec.arms.end()) assignment.arm = static_cast<int>(declared - spec.arms.begin());
  if (assignment.arm < 0) assignment.state = "other";
  return assignment;
}

}  // namespace hepar
