// SPDX-License-Identifier: Apache-2.0
// One row an option: flag, YAML key, member, range, unit and help stand in one place and feed the command line, YAML
// files, --help, shell completion, the reference page and the resolved configuration. Defaults stand in the structs.
#pragma once

#include "data/base/yaml.hpp"

#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace hepar {

struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

// A row bound to one member of one options object, which must outlive the row.
struct Row {
  std::string name;   // "train.learning_rate" (YAML key, --set) or "out" (flag --out)
  std::string unit;   // "months", "patients", … or ""
  std::string help;   // one clause
  std::string kind;   // "number", "whole number", "true or false", "text", "path", "list", or "a | b | c"
  std::string origin = "default";  // where the present value came from: "default", "file:line", "--set", "command line"
  bool required = false;
  bool flag_only = false;  // a switch: --fresh needs no value
  bool positional = false;
  std::function<void(const std::string& text, const Place& where)> set;  // usage_error when it does not parse or fit
  std::function<void(const std::vector<std::string>& texts, const Place& where)> set_list;  // lists only, else empty
  std::function<std::string()> get;  // the present value as YAML flow text
};

[[nodiscard]] Row row(std::string name, double& member, Range range, std::string unit, std::string help);
[[nodiscard]] Row row(std::string name, long long& member, Range range, std::string unit, std::string help);
[[nodiscard]] Row row(std::string name, bool& member, std::string help);
[[nodiscard]] Row row(std::string name, std::string& member, std::string help);                                   // free text or path
[[nodiscard]] Row row(std::string name, std::string& member, std::vector<std::string> choices, std::string help); // one of
[[nodiscard]] Row row(std::string name, std::vector<std::string>& member, std::string help);
[[nodiscard]] Row row(std::string name, std::vector<std::string>& member, std::vector<std::string> choices, std::string help);  // each one of
[[nodiscard]] Row required(Row row);
[[nodiscard]] Row positional(Row row);

// Applies a document: every leaf key, dotted, must be a row's name; others are usage errors with the nearest name.
// `ignored` top-level keys (such as "schema") are the caller's.
void apply(const Yaml& document, std::vector<Row>& rows, const std::vector<std::string>& ignored = {});
// Applies one "key.path=value".
void apply_assignment(const std::string& assignment, std::vector<Row>& rows);
// The resolved configuration as YAML (nested by dots), one line a row, readable by `apply`.
[[nodiscard]] std::string resolved_yaml(const std::vector<Row>& rows);

}  // namespace hepar
