// SPDX-License-Identifier: Apache-2.0
// One declared column's text in a table, or several sources of it, as a cell.
#pragma once

#include "data/cohort/cohort.hpp"

#include <string>

namespace hepar {

// A cell, and the query it gave rise to (problem empty: none).
struct ParsedCell {
  Cell cell;
  std::string problem, action;
};

// Numbers: full-width digits, limits ('>60500', '≤5'), units by centre; categories and flags by declared or recoded names.
// Throws input_error at `place` for text that is no number, an undeclared category, a decimal comma.
[[nodiscard]] ParsedCell parse_cell(const ColumnSpec& column, const std::string& text, const std::string& centre, const Place& place);

// The cells of a patient with facts of extraction taken in: the first source in `from` that is known wins; two known
// sources that disagree give State::query where the column says conflict: query.
[[nodiscard]] std::vector<Cell> resolve_cells(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts);
[[nodiscard]] Cell resolve_cell(const PatientRecord& patient, const CohortSpec& spec, std::size_t column, const Facts* facts);

// What a column takes from a region of an image: `from: radiomics.<tag>`, or `from: change.<tag>` for the value after surgery
// less the one before. The fact's name holds image and mask too ("radiomics.ct.arterial.tumour.stat_mean"), and for a change
// the day by which it is known ("change.ct.arterial.tumour.day_60.stat_mean"). nullopt for any other source.
struct RegionSource { std::string fact, tag; bool change = false; };
[[nodiscard]] std::optional<RegionSource> region_source(const ColumnSpec& column, const std::string& source);

// One query a cell that resolve_cells leaves open, for queries.csv: "table M1, report.mvi M0".
[[nodiscard]] std::vector<Query> conflicts_of(const PatientRecord& patient, const CohortSpec& spec, const Facts& facts);

// The unit in which extraction gives a fact, from its name ("report.size_mm" -> "mm", "report.necrosis_pct" -> "%"), or "".
[[nodiscard]] std::string unit_of_fact(std::string_view fact);

// The cell as text for people ("82", "M1", ">60500", "" when missing).
[[nodiscard]] std::string cell_text(const ColumnSpec& column, const Cell& cell);

}  // namespace hepar
