// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/cells.hpp"

#include "data/base/table.hpp"
#include "data/base/text.hpp"

#include <algorithm>
#include <array>

namespace hepar {

namespace {

struct Conversion {
  const char* from;
  const char* to;
  double factor;
};
// Only exact, dimension-true conversions: bilirubin or creatinine in mg/dL need their molar mass and are not guessed.
constexpr std::array<Conversion, 16> kConversions{{{"ug/L", "ng/mL", 1},      {"µg/L", "ng/mL", 1},   {"mg/L", "ng/mL", 1000}, {"ng/L", "ng/mL", 0.001},
                                                   {"ng/mL", "ug/L", 1},      {"mAU/L", "mAU/mL", 0.001}, {"AU/L", "mAU/mL", 1}, {"mAU/mL", "AU/L", 1},
                                                   {"mm", "cm", 0.1},         {"cm", "mm", 10},       {"g/dL", "g/L", 10},     {"g/L", "g/dL", 0.1},
                                                   {"months", "years", 1.0 / 12}, {"years", "months", 12}, {"days", "months", 1 / 30.4375}, {"months", "days", 30.4375}}};

double to_declared_unit(const ColumnSpec& column, const std::string& centre, double value) {
  const auto found = column.units_by_centre.find(centre);
  if (found == column.units_by_centre.end() || found->second == column.unit) return value;
  for (const Conversion& conversion : kConversions)
    if (found->second == conversion.from && column.unit == conversion.to) return value * conversion.factor;
  throw usage_error("no conversion from '" + found->second + "' to '" + column.unit + "' for column '" + column.name + "'", column.place,
                    "convert the values of centre " + centre + " in the table");
}

struct LimitSign {
  std::string_view sign;
  Cell::State state;
};
constexpr std::array<LimitSign, 6> kLimitSigns{{{">=", Cell::State::above_limit}, {"<=", Cell::State::below_limit}, {"≥", Cell::State::above_limit},
                                                {"≤", Cell::State::below_limit}, {">", Cell::State::above_limit}, {"<", Cell::State::below_limit}}};

ParsedCell parse_numeric(const ColumnSpec& column, std::string text, const std::string& centre, const Place& place) {
  ParsedCell parsed;
  Cell::State state = Cell::State::known;
  for (const LimitSign& limit : kLimitSigns)
    if (state == Cell::State::known && text.starts_with(limit.sign)) {
      state = limit.state;
      text = std::string(trim(text.substr(limit.sign.size())));
    }
  const std::optional<double> number = parse_number(text);
  if (!number) {
    const bool comma = std::count(text.begin(), text.end(), ',') == 1 && parse_number(std::string(text).replace(text.find(','), 1, "."));
    throw input_error("'" + text + "' in column '" + column.source_column + "' is no number", place,
                      comma ? "write a decimal point, not a comma" : "correct it, or declare the spelling under missing:");
  }
  if (state != Cell::State::known && !column.keep_limits) {
    parsed.problem = "limit value without limits: keep";
    parsed.action = "value becomes missing";
    parsed.cell.state = Cell::State::missing;
    return parsed;
  }
  parsed.cell = {to_declared_unit(column, centre, *number), state};
  if (parsed.cell.value < column.low || parsed.cell.value > column.high) {
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
    throw input_error("'" + text + "' is no declared value of column '" + column.source_column + "'", place, name_advice(text, column.values));
  }
  static const std::vector<std::string> kFlags{"0", "1", "false", "true", "no", "yes", "n", "y", "否", "是", "无", "有", "阴性", "阳性", "negative", "positive"};
  const std::string folded = fold_case(text);
  const auto found = std::find(kFlags.begin(), kFlags.end(), folded);
  if (found == kFlags.end()) throw input_error("'" + text + "' in column '" + column.source_column + "' is no flag", place, name_advice(folded, kFlags));
  return {{static_cast<double>((found - kFlags.begin()) % 2), Cell::State::known}, {}, {}};
}

}  // namespace

ParsedCell parse_cell(const ColumnSpec& column, const std::string& raw, const std::string& centre, const Place& place) {
  const std::string text(trim(raw));
  for (const std::string& missing : column.missing)
    if (text == missing) return {};
  if (text.empty()) return {};
  if (const auto recoded = column.recode.find(text); recoded != column.recode.end()) {
    if (column.type == ColumnType::number) return parse_numeric(column, recoded->second, centre, place);
    return parse_choice(column, recoded->second, place);
  }
  if (column.type == ColumnType::number) return parse_numeric(column, std::string(trim(nfkc(text))), centre, place);
  return parse_choice(column, text, place);
}

std::vector<Cell> resolve_cells(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) {
  std::vector<Cell> cells = patient.cells;
  for (std::size_t c = 0; c < spec.columns.size(); ++c) {
    const ColumnSpec& column = spec.columns[c];
    Cell chosen;
    bool conflict = false;
    for (const std::string& source : column.from) {
      Cell candidate;
      if (source == "table") {
        candidate = patient.cells[c];
      } else if (facts != nullptr) {
        const auto fact = facts->find(source);
        if (fact != facts->end() && fact->second.state == Fact::State::conflict) conflict = true;
        if (fact != facts->end() && fact->second.state == Fact::State::known) {
          // Extraction may say more than the column declares ("positive" without a grade): that is unknown here.
          const bool declared = column.type != ColumnType::category ||
                                std::find(column.values.begin(), column.values.end(), fact->second.text) != column.values.end();
          if (declared) candidate = parse_cell(column, fact->second.text, "", {source}).cell;
        }
      }
      if (!candidate.usable()) continue;
      if (!chosen.usable()) {
        chosen = candidate;
      } else if (chosen.value != candidate.value) {
        conflict = true;
      }
    }
    cells[c] = conflict && column.conflict_is_query ? Cell{std::nan(""), Cell::State::query} : chosen;
    if (patient.cells[c].state == Cell::State::query) cells[c] = patient.cells[c];
  }
  return cells;
}

std::string cell_text(const ColumnSpec& column, const Cell& cell) {
  if (!cell.usable()) return {};
  if (column.type == ColumnType::category) return column.values.at(static_cast<std::size_t>(cell.value));
  if (column.type == ColumnType::flag) return cell.value != 0 ? "true" : "false";
  const char* sign = cell.state == Cell::State::above_limit ? ">" : cell.state == Cell::State::below_limit ? "<" : "";
  return sign + number_text(cell.value);
}

}  // namespace hepar
