// SPDX-License-Identifier: Apache-2.0
// The kinds of a clinical column. A new one is a name in ColumnType (spec.hpp) and a row of the table in column_kinds.cpp:
// cohort.yaml, tables, rules, stores and models go by what the row says.
#pragma once

#include "data/base/yaml.hpp"
#include "data/cohort/cells.hpp"

#include <span>
#include <string>

namespace hepar {

struct ColumnKind {
  ColumnType type;
  const char* name;    // in cohort.yaml
  const char* plural;  // in errors
  bool quantity;       // a measured number: it may come from an image, and is compared with numbers
  bool levels;         // one of the declared values: ranked by their order in rules, a term each in models
  bool stands_alone;   // true or false: a rule needs no comparison
  std::span<const char* const> keys;                     // of cohort.yaml, of this kind alone
  void (*read_keys)(ColumnSpec& column, const Yaml& node);
  // `unit`: what the text is in, or "". Throws input_error at `place` for a text that cannot be one.
  ParsedCell (*parse)(const ColumnSpec& column, const std::string& text, const std::string& unit, const Place& place);
  std::string (*text)(const ColumnSpec& column, const Cell& cell);  // of a usable cell
};
[[nodiscard]] std::span<const ColumnKind> column_kinds();
[[nodiscard]] const ColumnKind& kind_of(ColumnType type);
[[nodiscard]] inline const ColumnKind& kind_of(const ColumnSpec& column) { return kind_of(column.type); }
// As a store or a model holds it; store_error for a number that is none of them.
[[nodiscard]] ColumnType stored_column_type(int number, const std::string& column);

}  // namespace hepar
