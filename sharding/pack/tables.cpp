// SPDX-License-Identifier: Apache-2.0
#include "sharding/pack/tables.hpp"

#include "data/cohort/cells.hpp"
#include "data/cohort/outcome.hpp"

#include <algorithm>

namespace hepar::pack {

std::vector<store::StoredModality> vectors_of(const CohortSpec& cohort) {
  std::vector<store::StoredModality> vectors;
  for (const ModalitySpec& modality : cohort.modalities) {
    if (modality.kind != Kind::vector) continue;
    const Layout layout{Kind::vector, DType::float32, {static_cast<std::int64_t>(modality.columns.size())}, "", "columns of tables.h5"};
    vectors.push_back({modality.name, layout, modality.known, modality.columns});
  }
  return vectors;
}

JudgedTables judge_tables(Cohort& cohort, const FactsByKey& facts) {
  static const Facts kNone;
  const CohortSpec& spec = cohort.spec;
  const auto facts_of = [&](const std::string& key) -> const Facts& {
    const auto found = facts.find(key);
    return found == facts.end() ? kNone : found->second;
  };
  for (const PatientRecord& patient : cohort.patients) {
    const std::vector<Query> conflicts = conflicts_of(patient, spec, facts_of(patient.key));
    cohort.queries.insert(cohort.queries.end(), conflicts.begin(), conflicts.end());
  }
  const std::vector<Verdict> verdicts = judge(cohort, spec.eligibility, &facts);
  const bool histories = std::any_of(spec.endpoints.begin(), spec.endpoints.end(), [](const EndpointSpec& endpoint) { return !endpoint.direct(); });
  JudgedTables judged{{spec.columns, spec.endpoints, spec.strategies, spec.eligibility, histories, {}}, count_flow(cohort, spec.eligibility, verdicts)};
  for (std::size_t p = 0; p < cohort.patients.size(); ++p) {
    const PatientRecord& patient = cohort.patients[p];
    store::PatientRow row;
    row.key = patient.key;
    row.id = patient.id;
    row.centre = patient.centre;
    row.cells = resolve_cells(patient, spec, &facts_of(patient.key));
    row.verdict = verdicts[p];
    row.assignment = assign_strategy(patient, spec.strategies);
    row.history = history_of(patient);
    row.follow_up = patient.follow_up;
    row.treatments = patient.treatments;
    for (const EndpointSpec& endpoint : spec.endpoints) row.outcomes.push_back(outcome_of(patient, spec, endpoint));
    judged.tables.rows.push_back(std::move(row));
  }
  return judged;
}

}  // namespace hepar::pack
