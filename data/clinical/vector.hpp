// SPDX-License-Identifier: Apache-2.0
// One patient's row as the values of a vector modality: raw, in declared units, with missing and limit flags and the
// time at which each is known. Nothing is fitted, scaled or imputed here: that happens inside a training fold.
#pragma once

#include "data/cohort/cohort.hpp"
#include "data/cohort/feature.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace hepar::clinical {

// Parallel to ModalitySpec::columns. `values` is NaN unless the state says known or at a limit; categories are indices
// into ColumnSpec::values, flags 0 or 1.
struct ClinicalVector {
  Reason reason =
      Reason::not_recorded;  // present when at least one value is usable; query when all usable ones are open
  std::vector<double> values;
  std::vector<Cell::State> states;
  std::vector<KnownAt> known;

  [[nodiscard]] bool present() const { return reason == Reason::present; }
};

// `facts` of extraction answer columns with `from:`; null: only the table does. usage_error when the modality is no
// vector.
[[nodiscard]] ClinicalVector vector_of(const PatientRecord& patient, const CohortSpec& spec,
                                       const ModalitySpec& modality, const Facts* facts);

// How often each column of a modality is usable, missing, at a limit or open: for summary.json and inspect.
struct ColumnCount {
  std::string column, unit, known;
  std::int64_t usable = 0, missing = 0, limited = 0, queried = 0;
};
[[nodiscard]] std::vector<ColumnCount> count_columns(const Cohort& cohort, const ModalitySpec& modality);

}  // namespace hepar::clinical
