// SPDX-License-Identifier: Apache-2.0
// The columns of cohort.yaml.
#include "data/cohort/column_kinds.hpp"
#include "data/cohort/spec_parts.hpp"

#include <algorithm>

namespace hepar::spec_parts {

namespace {

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

void read_recode(ColumnSpec& column, const Yaml& node) {
  const auto value = node.find("recode");
  if (!value) return;
  for (const auto& [from, to] : value->items()) {
    column.recode[from] = to.is_null() ? "" : to.text();
    const std::string& target = column.recode[from];
    const bool missing = std::find(column.missing.begin(), column.missing.end(), target) != column.missing.end();
    if (kind_of(column).levels && !missing &&
        std::find(column.values.begin(), column.values.end(), target) == column.values.end())
      throw to.error("is '" + target + "', which is no declared value", name_advice(target, column.values));
  }
}

const ColumnKind& kind_named(const Yaml& node) {
  const std::string text = node.text();
  std::vector<std::string> names;
  for (const ColumnKind& kind : column_kinds()) {
    if (text == kind.name) return kind;
    names.emplace_back(kind.name);
  }
  throw node.error("is '" + text + "'", name_advice(text, names));
}

void refuse_keys_of_others(const ColumnKind& kind, const Yaml& node) {
  for (const ColumnKind& other : column_kinds())
    for (const char* key : other.keys)
      if (&other != &kind && node.has(key)) throw node.at(key).error(std::string("belongs to ") + other.plural + " only", std::string("remove it or write type: ") + other.name);
}

}  // namespace

ColumnSpec read_column(const std::string& name, const Yaml& node) {
  std::vector<std::string> known{"type", "known", "missing", "from", "conflict", "image", "mask", "recode", "column"};
  for (const ColumnKind& kind : column_kinds()) known.insert(known.end(), kind.keys.begin(), kind.keys.end());
  node.allow(known);
  check_name(name, node);
  ColumnSpec column;
  column.name = name;
  column.place = node.place();
  const ColumnKind& kind = kind_named(node.at("type"));
  column.type = kind.type;
  column.known = known_at(node.at("known"));
  column.source_column = node.has("column") ? node.at("column").text() : name;
  if (const auto value = node.find("missing")) column.missing = value->texts();
  refuse_keys_of_others(kind, node);
  kind.read_keys(column, node);
  read_recode(column, node);
  if (const auto value = node.find("from")) column.from = value->texts();
  if (column.from.empty()) throw node.at("from").error("is empty", "give table or a fact of extraction");
  if (const auto value = node.find("conflict")) column.conflict_is_query = choose(*value, kConflicts);
  if (const auto value = node.find("image")) column.image = value->text();
  if (const auto value = node.find("mask")) column.mask = value->text();
  return column;
}

}  // namespace hepar::spec_parts
