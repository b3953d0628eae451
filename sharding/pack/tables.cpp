// SPDX-License-Identifier: Apache-2.0
#include "sharding/pack/tables.hpp"

#include "data/cohort/cells.hpp"
#include "data/cohort/outcome.hpp"

namespace hepar::pack {

namespace {

store::TablesSpec spec_of(const CohortSpec& cohort) {
  store::TablesSpec spec{cohort.columns, cohort.endpoints, cohort.strategies, cohort.eligibility, {}};
  for (const ModalitySpec& modality : cohort.modalities) {
    if (modality.kind != Kind::vector) continue;
    const Layout layout{Kind::vector, DType::float32, {static_cast<std::int64_t>(modality.columns.size())}, "", "table columns"};
    spec.vectors.push_back({modality.name, layout, modality.known, modality.columns});
  }
  return spec;
}

void add_treatments(store::TablesRow& row, const PatientRecord& patient) {
  static constexpr std::array<std::string_view, 3> kKinds{"tace", "systemic", "other"};
  for (const Treatment& treatment : patient.treatments)
    for (std::size_t k = 0; k < kKinds.size(); ++k) {
      if (treatment.kind != kKinds[k]) continue;
      if (!row.start_day[k]) row.start_day[k] = treatment.start_day;
      if (treatment.stop_day && (!row.stop_day[k] || *treatment.stop_day > *row.stop_day[k])) row.stop_day[k] = treatment.stop_day;
    }
}

}  // namespace

JudgedTables judge_tables(const Cohort& cohort, const FactsByKey& facts) {
  JudgedTables tables{spec_of(cohort.spec), {}, {}};
  const std::vector<Verdict> verdicts = judge(cohort, cohort.spec.eligibility, &facts);
  tables.flow = count_flow(cohort, cohort.spec.eligibility, verdicts);
  for (std::size_t p = 0; p < cohort.patients.size(); ++p) {
    const PatientRecord& patient = cohort.patients[p];
    const auto found = facts.find(patient.key);
    store::TablesRow row;
    row.row = {patient.key, patient.id, patient.centre, resolve_cells(patient, cohort.spec, found == facts.end() ? nullptr : &found->second), verdicts[p],
               assign_strategy(patient, cohort.spec.strategies), {}, history_of(patient)};
    for (const EndpointSpec& endpoint : cohort.spec.endpoints) row.row.outcomes.push_back(outcome_of(patient, cohort.spec, endpoint));
    row.recurrence_day = patient.follow_up.recurrence_day;
    row.recurrence_free_day = patient.follow_up.recurrence_free_day;
    row.death_day = patient.follow_up.death_day;
    row.last_contact_day = patient.follow_up.last_contact_day;
    add_treatments(row, patient);
    tables.rows.push_back(std::move(row));
  }
  return tables;
}

}  // namespace hepar::pack
