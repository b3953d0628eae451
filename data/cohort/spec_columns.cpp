// SPDX-License-Identifier: Apache-2.0
// The columns of cohort.yaml.
#include "data/cohort/spec_parts.hpp"
#include "data/cohort/units.hpp"

#include <algorithm>

namespace hepar::spec_parts {

namespace {

constexpr std::array<Named<ColumnType>, 3> kColumnTypes{
    {{"number", ColumnType::number}, {"category", ColumnType::category}, {"flag", ColumnType::flag}}};
constexpr std::array<Named<bool>, 2> kTransforms{{{"none", false}, {"log1p", true}}};
constexpr std::array<Named<bool>, 2> kLimits{{{"refuse", false}, {"keep", true}}};
constexpr std::array<Named<bool>, 1> kConflicts{{{"query", true}}};

KnownAt known_at(const Yaml& node) {
  const std::string text = node.text();
  if (text == "pre_op") return {KnownAt::kPreOp};
  if (text == "post_op") return {KnownAt::kPostOp};
  if (text.starts_with("day ")) {
    if (const std::optional<double> day = parse_number(trim(text.substr(4)))) return {*day};
  }
  throw node.error("is '" + text + "'", "give pre_op, post_op or 'day N'");
}

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

void read_category_keys(ColumnSpec& column, const Yaml& node) {
  if (const auto value = node.find("values")) column.values = value->texts();
  if (column.values.size() < 2) throw node.error("is a category without values", "add values: [a, b, …]");
  for (std::size_t i = 0; i < column.values.size(); ++i)
    if (column.values[i].empty() || std::count(column.values.begin(), column.values.end(), column.values[i]) > 1)
      throw node.at("values").error("names '" + column.values[i] + "' twice or not at all");
}

void read_recode(ColumnSpec& column, const Yaml& node) {
  const auto value = node.find("recode");
  if (!value) return;
  for (const auto& [from, to] : value->items()) {
    column.recode[from] = to.is_null() ? "" : to.text();
    const std::string& target = column.recode[from];
    const bool missing = std::find(column.missing.begin(), column.missing.end(), target) != column.missing.end();
    if (column.type == ColumnType::category && !missing &&
        std::find(column.values.begin(), column.values.end(), target) == column.values.end())
      throw to.error("is '" + target + "', which is no declared value", name_advice(target, column.values));
  }
}

}  // namespace

ColumnSpec read_column(const std::string& name, const Yaml& node) {
  static constexpr std::array<const char*, 6> kNumberKeys{"unit",   "range",           "transform",
                                                          "limits", "units_by_centre", "molar_mass"};
  node.allow({"type", "unit", "range", "known", "transform", "missing", "limits", "units_by_centre", "molar_mass",
              "values", "from", "conflict", "image", "mask", "recode", "column"});
  check_name(name, node);
  ColumnSpec column;
  column.name = name;
  column.place = node.place();
  column.type = choose(node.at("type"), kColumnTypes);
  column.known = known_at(node.at("known"));
  column.source_column = node.has("column") ? node.at("column").text() : name;
  if (const auto value = node.find("missing")) column.missing = value->texts();
  if (column.type == ColumnType::number) {
    read_number_keys(column, node);
  } else {
    for (const char* key : kNumberKeys)
      if (node.has(key)) throw node.at(key).error("belongs to numbers only", "remove it or write type: number");
  }
  if (column.type == ColumnType::category) read_category_keys(column, node);
  if (column.type != ColumnType::category && node.has("values"))
    throw node.at("values").error("belongs to categories only", "write type: category");
  read_recode(column, node);
  if (const auto value = node.find("from")) column.from = value->texts();
  if (column.from.empty()) throw node.at("from").error("is empty", "give table or a fact of extraction");
  if (const auto value = node.find("conflict")) column.conflict_is_query = choose(*value, kConflicts);
  if (const auto value = node.find("image")) column.image = value->text();
  if (const auto value = node.find("mask")) column.mask = value->text();
  return column;
}

}  // namespace hepar::spec_parts
