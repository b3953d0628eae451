// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/cells.hpp"

#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "data/cohort/units.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace hepar {

namespace {

// The value in the column's declared unit; whether a conversion exists was checked when cohort.yaml was read.
double to_declared_unit(const ColumnSpec& column, const std::string& unit, double value) {
  if (unit.empty() || unit == column.unit) return value;
  if (const std::optional<double> converted = convert_unit(value, unit, column.unit, column.molar_mass))
    return *converted;
  throw usage_error("no conversion from '" + unit + "' to '" + column.unit + "' for column '" + column.name + "'",
                    column.place, "convert the values in the table");
}

// No clinical quantity comes near it in any unit (red cells a litre: 5e12): where no range is declared, what lies beyond is a
// slip of the keyboard or a broken export.
constexpr double kBeyondAny = 1e15;

bool in_range(const ColumnSpec& column, double value) {
  const auto bound = [](double declared) { return std::isinf(declared) ? std::copysign(kBeyondAny, declared) : declared; };
  return value >= bound(column.low) && value <= bound(column.high);
}

struct LimitSign {
  std::string_view sign;
  Cell::State state;
  bool strict;
};
constexpr std::array<LimitSign, 6> kLimitSigns{{{">=", Cell::State::above_limit, false},
                                                {"<=", Cell::State::below_limit, false},
                                                {"≥", Cell::State::above_limit, false},
                                                {"≤", Cell::State::below_limit, false},
                                                {">", Cell::State::above_limit, true},
                                                {"<", Cell::State::below_limit, true}}};

Error no_number(const ColumnSpec& column, const std::string& text, const Place& place) {
  const bool comma = text.find(',') != std::string::npos;
  return input_error("'" + text + "' in column '" + column.source_column + "' is no number", place,
                     comma ? "a comma may mean decimals or thousands: write 60500.5 with a point and nothing else"
                           : "correct it, or declare the spelling under missing:");
}

ParsedCell parse_numeric(const ColumnSpec& column, std::string text, const std::string& unit, const Place& place) {
  ParsedCell parsed;
  Cell::State state = Cell::State::known;
  bool strict = true;
  const std::string whole = text;
  for (const LimitSign& limit : kLimitSigns) {
    if (!text.starts_with(limit.sign)) continue;
    state = limit.state;
    strict = limit.strict;
    text = std::string(trim(text.substr(limit.sign.size())));
    break;
  }
  const std::optional<double> number = parse_number(text);
  if (!number) throw no_number(column, whole, place);
  if (state != Cell::State::known && !column.keep_limits) {
    parsed.problem = "limit value without limits: keep";
    parsed.action = "value becomes missing";
    return parsed;
  }
  parsed.cell = {to_declared_unit(column, unit, *number), state, strict};
  if (!in_range(column, parsed.cell.value)) {
    parsed.problem = "out of range";
    parsed.action = "value becomes missing";
    parsed.cell = {};
  }
  return parsed;
}

ParsedCell parse_choice(const ColumnSpec& column, const std::string& text, const Place& place) {
  const auto index_in = [&](const std::vector<std::string>& names) -> std::optional<double> {
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) return std::nullopt;
    return static_cast<double>(found - names.begin());
  };
  if (column.type == ColumnType::category) {
    if (const auto index = index_in(column.values)) return {{*index, Cell::State::known}, {}, {}};
    throw input_error("'" + text + "' is no declared value of column '" + column.source_column + "'", place,
                      name_advice(text, column.values));
  }
  static const std::vector<std::string> kFlags{"0",        "1",        "false",  "true",    "no", "yes",  "n",
                                               "y",        "否",       "是",     "无",      "有", "阴性", "阳性",
                                               "negative", "positive", "absent", "present", "-",  "+"};
  const std::string folded = fold_case(nfkc(text));
  const auto found = std::find(kFlags.begin(), kFlags.end(), folded);
  if (found == kFlags.end())
    throw input_error("'" + text + "' in column '" + column.source_column + "' is no flag", place,
                      name_advice(folded, kFlags));
  return {{static_cast<double>((found - kFlags.begin()) % 2), Cell::State::known}, {}, {}};
}

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
    if (column.type == ColumnType::number) return parse_numeric(column, text, unit_of_fact(source), {source}).cell;
    return parse_choice(column, text, {source}).cell;
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
  if (column.type == ColumnType::number)
    return parse_numeric(column, std::string(trim(nfkc(said))),
                         unit == column.units_by_centre.end() ? "" : unit->second, place);
  return parse_choice(column, said, place);
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
  if (!cell.usable()) return {};
  if (column.type == ColumnType::category) return column.values.at(static_cast<std::size_t>(cell.value));
  if (column.type == ColumnType::flag) return cell.value != 0 ? "true" : "false";
  const char* sign = cell.state == Cell::State::above_limit ? ">" : cell.state == Cell::State::below_limit ? "<" : "";
  return sign + number_text(cell.value);
}

}  // namespace hepar
