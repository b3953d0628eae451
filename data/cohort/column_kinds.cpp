// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/column_kinds.hpp"

#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "data/cohort/spec_parts.hpp"
#include "data/cohort/units.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace hepar {

using spec_parts::Named;

namespace {

// Numbers: full-width digits, limits ('>60500'), units.

constexpr std::array<const char*, 6> kNumberKeys{"unit", "range", "transform", "limits", "units_by_centre", "molar_mass"};
constexpr std::array<Named<bool>, 2> kTransforms{{{"none", false}, {"log1p", true}}};
constexpr std::array<Named<bool>, 2> kLimits{{{"refuse", false}, {"keep", true}}};

void read_number_keys(ColumnSpec& column, const Yaml& node) {
  if (const auto value = node.find("unit")) column.unit = value->text();
  if (const auto value = node.find("range")) {
    const std::vector<double> range = value->numbers();
    if (range.size() != 2 || range[0] > range[1]) throw value->error("must be [low, high]");
    column.low = range[0];
    column.high = range[1];
  }
  if (const auto value = node.find("transform")) column.log1p = choose(*value, kTransforms);
  if (column.log1p && column.low <= -1)
    throw node.at("transform").error("is log1p, and values down to -1 are allowed", "add range: [0, high]");
  if (const auto value = node.find("limits")) column.keep_limits = choose(*value, kLimits);
  if (const auto value = node.find("molar_mass")) {
    column.molar_mass = value->number();
    if (column.molar_mass <= 0) throw value->error("must be positive (g/mol)");
  }
  if (const auto value = node.find("units_by_centre"))
    for (const auto& [centre, unit] : value->items()) {
      column.units_by_centre[centre] = unit.text();
      if (!convert_unit(1, unit.text(), column.unit, column.molar_mass))
        throw unit.error("is '" + unit.text() + "', and there is no conversion to '" + column.unit + "'",
                         "convert the values in the table; between mass and molar units declare molar_mass (g/mol)");
    }
}

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

ParsedCell parse_number_cell(const ColumnSpec& column, const std::string& said, const std::string& unit, const Place& place) {
  std::string text(trim(nfkc(said)));
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

std::string number_cell_text(const ColumnSpec&, const Cell& cell) {
  const char* sign = cell.state == Cell::State::above_limit ? ">" : cell.state == Cell::State::below_limit ? "<" : "";
  return sign + number_text(cell.value);
}

// Categories: one of the declared values.

constexpr std::array<const char*, 1> kCategoryKeys{"values"};

void read_category_keys(ColumnSpec& column, const Yaml& node) {
  if (const auto value = node.find("values")) column.values = value->texts();
  if (column.values.size() < 2) throw node.error("is a category without values", "add values: [a, b, …]");
  for (std::size_t i = 0; i < column.values.size(); ++i)
    if (column.values[i].empty() || std::count(column.values.begin(), column.values.end(), column.values[i]) > 1)
      throw node.at("values").error("names '" + column.values[i] + "' twice or not at all");
}

ParsedCell parse_category_cell(const ColumnSpec& column, const std::string& text, const std::string&, const Place& place) {
  const auto found = std::find(column.values.begin(), column.values.end(), text);
  if (found == column.values.end())
    throw input_error("'" + text + "' is no declared value of column '" + column.source_column + "'", place, name_advice(text, column.values));
  return {{static_cast<double>(found - column.values.begin()), Cell::State::known}, {}, {}};
}

std::string category_cell_text(const ColumnSpec& column, const Cell& cell) { return column.values.at(static_cast<std::size_t>(cell.value)); }

// Flags: the words that hospitals write for no and yes.

void read_flag_keys(ColumnSpec&, const Yaml&) {}

ParsedCell parse_flag_cell(const ColumnSpec& column, const std::string& text, const std::string&, const Place& place) {
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

std::string flag_cell_text(const ColumnSpec&, const Cell& cell) { return cell.value != 0 ? "true" : "false"; }

// In the order of ColumnType, whose numbers stand in stores and models.
constexpr std::array<ColumnKind, 3> kKinds{
    {{.type = ColumnType::number, .name = "number", .plural = "numbers", .quantity = true, .levels = false, .stands_alone = false, .keys = kNumberKeys,
      .read_keys = &read_number_keys, .parse = &parse_number_cell, .text = &number_cell_text},
     {.type = ColumnType::category, .name = "category", .plural = "categories", .quantity = false, .levels = true, .stands_alone = false, .keys = kCategoryKeys,
      .read_keys = &read_category_keys, .parse = &parse_category_cell, .text = &category_cell_text},
     {.type = ColumnType::flag, .name = "flag", .plural = "flags", .quantity = false, .levels = false, .stands_alone = true, .keys = {},
      .read_keys = &read_flag_keys, .parse = &parse_flag_cell, .text = &flag_cell_text}}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    if (static_cast<std::size_t>(kKinds[i].type) != i) return false;
  return true;
}
static_assert(in_order());

}  // namespace

std::span<const ColumnKind> column_kinds() { return kKinds; }

const ColumnKind& kind_of(ColumnType type) { return kKinds.at(static_cast<std::size_t>(type)); }

ColumnType stored_column_type(int number, const std::string& column) {
  if (number >= 0 && static_cast<std::size_t>(number) < kKinds.size()) return kKinds[static_cast<std::size_t>(number)].type;
  throw store_error("column '" + column + "' is of a kind (" + std::to_string(number) + ") that this version does not know", {}, "use the version that made it, or make it again with this one");
}

}  // namespace hepar
