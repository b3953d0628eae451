// SPDX-License-Identifier: Apache-2.0
// The tree of a rule and the values of its operands: for expression.cpp and expression_parser.cpp only.
#pragma once

#include "data/base/table.hpp"
#include "data/cohort/eligibility.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hepar {

namespace rules {

// All numbers between two ends, which belong to it unless they are open.
struct Interval {
  double low, high;
  bool low_open, high_open;
};

// A value of an operand: a number, a text, or a state without value. Categories also carry their rank in the declared
// order, and so do the literals that they are compared with.
struct Value {
  enum class State { known, unknown, pending } state = State::unknown;
  std::optional<double> number;
  std::string text;
  std::string source;
  std::optional<double> rank;
  std::optional<Interval> interval;  // where the number lies when only a limit of it is known
};

inline Value known_number(double number, std::string source) {
  return {Value::State::known, number, number_text(number), std::move(source), {}, {}};
}
inline Value known_flag(bool flag, std::string source) {
  return {Value::State::known, flag ? 1.0 : 0.0, flag ? "true" : "false", std::move(source), {}, {}};
}

inline constexpr std::array<std::string_view, 6> kComparisons{"==", "!=", "<=", ">=", "<", ">"};

}  // namespace rules

struct Expression::Node {
  enum class Kind { all_of, any_of, negation, comparison, member, name, literal } kind = Kind::literal;
  std::vector<std::shared_ptr<const Node>> children;
  std::string word;  // comparison sign, or the name
  rules::Value literal;

  [[nodiscard]] rules::Value value(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const;

  [[nodiscard]] Truth evaluate(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const;
  void collect(std::vector<std::string>& names) const {
    if (kind == Kind::name) names.push_back(word);
    for (const auto& child : children) child->collect(names);
  }
};

}  // namespace hepar
