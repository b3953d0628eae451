// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/cells.hpp"

#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "data/cohort/column_kinds.hpp"

#include <algorithm>
#include <cmath>

namespace hepar {

namespace {

bool is_missing(const ColumnSpec& column, const std::string& text) {
  return std::find(column.missing.begin(), column.missing.end(), text) != column.missing.end();
}

std::string fact_of(const ColumnSpec& column, const std::string& source) {
  const std::optional<RegionSource> region = region_source(column, source);
  return region ? region->fact : source;
}

// What a source of extraction says: nullopt when it contradicts itself, a missing cell when it says nothing that the
// column declares ("positive" for a graded MVI, "multiple" for a number).
std::optional<Cell> cell_of_fact(const ColumnSpec& column, const std::string& source, const Facts* facts) {
  if (facts == nullptr) return Cell{};
  const auto found = facts->find(fact_of(column, source));
  if (found == facts->end() || found->second.state == Fact::State::unknown) return Cell{};
  if (found->second.state == Fact::State::conflict) return std::nullopt;
  const auto recoded = column.recode.find(found->second.text);
  const std::string& text = recoded == column.recode.end() ? found->second.text : recoded->second;
  try {
    return kind_of(column).parse(column, text, unit_of_fact(source), {source}).cell;
  } catch (const Error& error) {
    if (error.code() != ExitCode::input) throw;
    return Cell{};
  }
}

// Converted units may differ in the last digit.
bool agree(const Cell& a, const Cell& b) {
  return a.state == b.state && std::abs(a.value - b.value) <= 1e-9 * std::max(std::abs(a.value), std::abs(b.value));
}

}  // namespace

ParsedCell parse_cell(const ColumnSpec& column, const std::string& raw, const std::string& centre, const Place& place) {
  const std::string text(trim(raw));
  if (text.empty() || is_missing(column, text)) return {};
  const auto recoded = column.recode.find(text);
  const std::string& said = recoded != column.recode.end() ? recoded->second : text;
  if (is_missing(column, said)) return {};
  const auto unit = column.units_by_centre.find(centre);
  return kind_of(column).parse(column, said, unit == column.units_by_centre.end() ? "" : unit->second, place);
}

std::optional<RegionSource> region_source(const ColumnSpec& column, const std::string& source) {
  for (const char* family : {"radiomics", "change"}) {
    const std::string prefix = std::string(family) + ".";
    if (!source.starts_with(prefix)) continue;
    const bool change = prefix == "change.";
    const std::string tag = source.substr(prefix.size());
    const std::string day = change ? "day_" + number_text(column.known.day) + "." : "";
    return RegionSource{prefix + column.image + "." + column.mask + "." + day + tag, tag, change};
  }
  return std::nullopt;
}

std::string unit_of_fact(std::string_view fact) {
  if (fact.ends_with("_mm")) return "mm";
  if (fact.ends_with("_mm2")) return "mm2";
  if (fact.ends_with("_pct")) return "%";
  return {};
}

Cell resolve_cell(const PatientRecord& patient, const CohortSpec& spec, std::size_t index, const Facts* facts) {
  const ColumnSpec& column = spec.columns[index];
  Cell chosen;
  bool conflict = false;
  for (const std::string& source : column.from) {
    const std::optional<Cell> candidate =
        source == "table" ? patient.cells[index] : cell_of_fact(column, source, facts);
    if (!candidate) conflict = true;  // the source contradicts itself
    if (!candidate || !candidate->usable()) continue;
    if (!chosen.usable()) {
      chosen = *candidate;
    } else if (!agree(chosen, *candidate)) {
      conflict = true;
    }
  }
  return conflict && column.conflict_is_query ? Cell{std::nan(""), Cell::State::query} : chosen;
}

std::vector<Cell> resolve_cells(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) {
  std::vector<Cell> cells;
  for (std::size_t c = 0; c < spec.columns.size(); ++c) cells.push_back(resolve_cell(patient, spec, c, facts));
  return cells;
}

std::vector<Query> conflicts_of(const PatientRecord& patient, const CohortSpec& spec, const Facts& facts) {
  std::vector<Query> queries;
  for (std::size_t c = 0; c < spec.columns.size(); ++c) {
    if (resolve_cell(patient, spec, c, &facts).state != Cell::State::query) continue;
    const ColumnSpec& column = spec.columns[c];
    std::vector<std::string> said;
    for (const std::string& source : column.from) {
      const auto fact = facts.find(fact_of(column, source));
      if (source == "table" && patient.cells[c].usable())
        said.push_back("table " + cell_text(column, patient.cells[c]));
      if (fact == facts.end() || fact->second.state == Fact::State::unknown) continue;
      said.push_back(source + " " +
                     (fact->second.state == Fact::State::known ? fact->second.text : "in conflict with itself"));
    }
    queries.push_back({patient.key, patient.centre, "patients", column.name, join(said, ", "), "sources disagree",
                       "kept out until answered", patient.place});
  }
  return queries;
}

std::string cell_text(const ColumnSpec& column, const Cell& cell) {
  return cell.usable() ? kind_of(column).text(column, cell) : std::string();
}

}  // namespace hepar
