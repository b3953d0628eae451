// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/landmark_patients.hpp"

#include <algorithm>

namespace hepar::validation {

LandmarkPatients landmark_patients(const store::Store& store, const std::vector<std::int64_t>& patients, const std::string& endpoint) {
  LandmarkPatients out;
  std::size_t e = 0;
  while (store.endpoints().at(e).name != endpoint) ++e;
  out.landmark = store.has_histories() ? store.strategies().window_high_day / kDaysPerMonth : 0;
  for (std::size_t i = 0; i < patients.size(); ++i) {
    const store::PatientRow& row = store.row(patients[i]);
    const Outcome& outcome = row.outcomes[e];
    const History& history = row.history;
    const double until = history.known ? std::min({history.recurrence.value_or(1e9), history.death.value_or(1e9), history.last_contact}) : outcome.months;
    if (!outcome.known) {
      ++out.left_out["no outcome"];
    } else if (!(std::min(until, outcome.months) > out.landmark)) {
      ++out.left_out["event or end of observation before the treatment window closed"];
    } else if (row.assignment.arm < 0) {
      ++out.left_out["treatment " + row.assignment.state];
    } else {
      out.rows.push_back(i);
      out.outcomes.time.push_back(outcome.months - out.landmark);
      out.outcomes.event.push_back(outcome.event);
      out.given.push_back(row.assignment.arm);
    }
  }
  return out;
}

}  // namespace hepar::validation
