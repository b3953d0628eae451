// SPDX-License-Identifier: Apache-2.0
#include "data/clinical/vector.hpp"

#include "data/base/error.hpp"
#include "data/cohort/cells.hpp"

#include <algorithm>

namespace hepar::clinical {

namespace {

std::vector<std::size_t> indices_of(const CohortSpec& spec, const ModalitySpec& modality) {
  if (modality.kind != Kind::vector)
    throw usage_error("the modality '" + modality.name + "' is no vector", modality.place);
  std::vector<std::size_t> indices;
  for (const std::string& name : modality.columns)
    indices.push_back(static_cast<std::size_t>(spec.column(name) - spec.columns.data()));
  return indices;
}

Reason reason_of(const std::vector<Cell::State>& states) {
  const auto any = [&](auto&& holds) { return std::any_of(states.begin(), states.end(), holds); };
  if (any([](Cell::State state) { return state != Cell::State::missing && state != Cell::State::query; }))
    return Reason::present;
  return any([](Cell::State state) { return state == Cell::State::query; }) ? Reason::query : Reason::not_recorded;
}

}  // namespace

ClinicalVector vector_of(const PatientRecord& patient, const CohortSpec& spec, const ModalitySpec& modality,
                         const Facts* facts) {
  ClinicalVector vector;
  for (const std::size_t index : indices_of(spec, modality)) {
    const Cell cell = resolve_cell(patient, spec, index, facts);
    vector.values.push_back(cell.value);
    vector.states.push_back(cell.state);
    vector.known.push_back(spec.columns[index].known);
  }
  vector.reason = reason_of(vector.states);
  return vector;
}

std::vector<ColumnCount> count_columns(const Cohort& cohort, const ModalitySpec& modality) {
  std::vector<ColumnCount> counts;
  for (const std::size_t index : indices_of(cohort.spec, modality)) {
    const ColumnSpec& column = cohort.spec.columns[index];
    ColumnCount count{column.name, column.unit, column.known.text()};
    for (const PatientRecord& patient : cohort.patients) {
      const Cell& cell = patient.cells.at(index);
      count.usable += cell.usable() ? 1 : 0;
      count.missing += cell.state == Cell::State::missing ? 1 : 0;
      count.limited += cell.usable() && cell.state != Cell::State::known ? 1 : 0;
      count.queried += cell.state == Cell::State::query ? 1 : 0;
    }
    counts.push_back(std::move(count));
  }
  return counts;
}

}  // namespace hepar::clinical
