// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/cohort.hpp"

#include "data/base/files.hpp"
#include "data/base/table.hpp"
#include "data/cohort/eligibility.hpp"
#include "data/cohort/privacy.hpp"
#include "data/cohort/table_reader.hpp"

#include <algorithm>
#include <set>

namespace hepar {

namespace {

std::string optional_text(const std::optional<double>& value) { return value ? number_text(*value) : "-"; }

std::string digest_of(const Cohort& cohort) {
  Sha256 hash;
  const auto add = [&](const std::vector<std::string>& fields) { hash.update(csv_line(fields)); };
  for (const PatientRecord& patient : cohort.patients) {
    add({patient.key, patient.centre, patient.has_follow_up ? "followed" : "",
         patient.treatments_recorded ? "treatments" : ""});
    for (const Cell& cell : patient.cells) add({number_text(cell.value), std::to_string(static_cast<int>(cell.state))});
    for (std::size_t e = 0; e < patient.direct_months.size(); ++e)
      add({number_text(patient.direct_months[e]), number_text(patient.direct_event[e])});
    const FollowUp& seen = patient.follow_up;
    add({optional_text(seen.recurrence_day), optional_text(seen.recurrence_free_day), optional_text(seen.death_day),
         optional_text(seen.last_contact_day), seen.recurrence_site, seen.cause});
    for (const Treatment& treatment : patient.treatments)
      add({treatment.kind, treatment.drug, treatment.drug_class, number_text(treatment.start_day),
           optional_text(treatment.stop_day), treatment.finding});
  }
  return hash.hex();
}

void read_tables(Cohort& cohort) {
  TableReader reader(cohort);
  reader.patients();
  reader.follow_up();
  reader.treatments();
  reader.imaging();
  reader.slides();
  reader.reports();
  reader.finish();
}

// Without endpoints and follow-up nobody is analysed, and who is only predicted has no follow-up to be judged by.
void leave_out_follow_up_rules(Cohort& cohort) {
  if (!cohort.spec.endpoints.empty() || !cohort.spec.follow_up.empty()) return;
  std::erase_if(cohort.spec.eligibility, [&](const RuleSpec& rule) {
    const std::vector<std::string> names = Expression::parse(rule.require, cohort.spec, rule.place).names();
    const bool asks = !names.empty() && std::all_of(names.begin(), names.end(), [](const std::string& name) { return name.starts_with("follow_up."); });
    if (asks) cohort.notes.push_back("rule '" + rule.id + "' does not apply: without follow_up and endpoints the store is for predicting only");
    return asks;
  });
}

}  // namespace

std::vector<std::string> Cohort::centres() const {
  std::set<std::string> names;
  for (const PatientRecord& patient : patients) names.insert(patient.centre);
  return {names.begin(), names.end()};
}

Cohort read_cohort(const std::filesystem::path& cohort_yaml) {
  Cohort cohort;
  cohort.spec = read_cohort_spec(cohort_yaml);
  leave_out_follow_up_rules(cohort);
  try {
    read_tables(cohort);
  } catch (const Error& error) {
    if (cohort.spec.pseudonymise) throw without_cells(error, spoken_names(cohort.spec));
    throw;
  }
  if (cohort.spec.pseudonymise) pseudonymise(cohort);
  std::sort(cohort.patients.begin(), cohort.patients.end(),
            [](const PatientRecord& a, const PatientRecord& b) { return a.key < b.key; });
  cohort.tables_digest = digest_of(cohort);
  return cohort;
}

}  // namespace hepar
