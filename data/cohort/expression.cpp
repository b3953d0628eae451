// SPDX-License-Identifier: Apache-2.0
// The expressions of eligibility rules: the values of operands, and Kleene evaluation.
#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "data/cohort/cells.hpp"
#include "data/cohort/column_kinds.hpp"
#include "data/cohort/expression_node.hpp"
#include "data/cohort/outcome.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace hepar {

using namespace rules;

namespace {

Value value_of_column(std::size_t index, const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) {
  const ColumnSpec& column = spec.columns[index];
  const Cell cell = resolve_cell(patient, spec, index, facts);
  Value value;
  value.source =
      patient.cells[index].usable() || column.from.size() == 1 ? column.from.front() : join(column.from, "|");
  if (!cell.usable()) {
    const bool from_extraction = std::any_of(column.from.begin(), column.from.end(),
                                             [](const std::string& source) { return source != "table"; });
    if (facts == nullptr && from_extraction) value.state = Value::State::pending;
    return value;
  }
  value.state = Value::State::known;
  value.text = cell_text(column, cell);
  (kind_of(column).levels ? value.rank : value.number) = cell.value;
  if (cell.state == Cell::State::above_limit) value.interval = {cell.value, column.high, cell.strict, false};
  if (cell.state == Cell::State::below_limit) value.interval = {column.low, cell.value, false, cell.strict};
  return value;
}

Value value_of(const Fact& fact) {
  Value value;
  value.source = fact.source;
  if (fact.state != Fact::State::known) return value;
  value.state = Value::State::known;
  value.text = fact.text;
  value.number = fact.text == "true"    ? std::optional(1.0)
                 : fact.text == "false" ? std::optional(0.0)
                                        : parse_number(fact.text);
  return value;
}

// "<column>.agrees" of a column with conflict: query.
Value value_of_agreement(std::size_t index, const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) {
  Value value = known_flag(true, join(spec.columns[index].from, "|"));
  if (facts == nullptr) value.state = Value::State::pending;
  if (resolve_cell(patient, spec, index, facts).state == Cell::State::query) value.state = Value::State::unknown;
  return value;
}

Value value_of_fact(const std::string& name, const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) {
  if (const std::optional<Fact> fact = table_fact(name, patient, spec)) return value_of(*fact);
  if (name.ends_with(".agrees"))
    if (const ColumnSpec* column = spec.column(name.substr(0, name.size() - 7)))
      return value_of_agreement(static_cast<std::size_t>(column - spec.columns.data()), patient, spec, facts);
  if (facts == nullptr) return {Value::State::pending, {}, {}, "extraction", {}, {}};
  const auto found = facts->find(name);
  if (found == facts->end()) return {Value::State::unknown, {}, {}, "extraction", {}, {}};
  return value_of(found->second);
}

Value value_named(const std::string& name, const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) {
  const ColumnSpec* column = spec.column(name);
  if (column == nullptr) return value_of_fact(name, patient, spec, facts);
  return value_of_column(static_cast<std::size_t>(column - spec.columns.data()), patient, spec, facts);
}

Truth truth_of(bool holds) { return holds ? Truth::yes : Truth::no; }

// The orders that two values may stand in, as far as they are known: some of -1, 0 and 1. None: they have no common order.
using Orders = std::vector<int>;

template <class T>
Orders order_of(const T& a, const T& b) {
  return {a < b ? -1 : b < a ? 1 : 0};
}

Orders orders_of(const Interval& a, const Interval& b) {
  Orders orders;
  if (a.low < b.high) orders.push_back(-1);
  const double low = std::max(a.low, b.low), high = std::min(a.high, b.high);
  const bool low_open = (a.low == low && a.low_open) || (b.low == low && b.low_open);
  const bool high_open = (a.high == high && a.high_open) || (b.high == high && b.high_open);
  if (low < high || (low == high && !low_open && !high_open)) orders.push_back(0);
  if (b.low < a.high) orders.push_back(1);
  return orders;
}

Orders orders_of(const Value& a, const Value& b) {
  if (a.rank && b.rank) return order_of(*a.rank, *b.rank);
  if (a.number.has_value() != b.number.has_value()) return {};
  if (!a.number) return order_of(a.text, b.text);
  const auto interval = [](const Value& v) { return v.interval.value_or(Interval{*v.number, *v.number, false, false}); };
  return orders_of(interval(a), interval(b));
}

bool holds(std::string_view comparison, int order) {
  const std::array<bool, 6> results{order == 0, order != 0, order <= 0, order >= 0, order<0, order> 0};
  return results.at(
      static_cast<std::size_t>(std::find(kComparisons.begin(), kComparisons.end(), comparison) - kComparisons.begin()));
}

// Yes or no when every order that is possible says so.
Truth truth_of(std::string_view comparison, const Orders& possible) {
  const auto that_hold = std::count_if(possible.begin(), possible.end(), [&](int order) { return holds(comparison, order); });
  if (possible.empty() || (that_hold > 0 && that_hold < std::ssize(possible))) return Truth::unknown;
  return truth_of(that_hold > 0);
}

}  // namespace

Value Expression::Node::value(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const {
  return kind == Kind::literal ? literal : value_named(word, patient, spec, facts);
}

Truth Expression::Node::evaluate(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const {
  if (kind == Kind::all_of || kind == Kind::any_of) {
    // Kleene: a false operand decides `and`, a true one `or`; pending outweighs unknown because it may still be
    // answered.
    const Truth deciding = kind == Kind::all_of ? Truth::no : Truth::yes;
    Truth result = kind == Kind::all_of ? Truth::yes : Truth::no;
    for (const auto& child : children) {
      const Truth truth = child->evaluate(patient, spec, facts);
      if (truth == deciding) return deciding;
      if (truth == Truth::pending || (truth == Truth::unknown && result != Truth::pending)) result = truth;
    }
    return result;
  }
  if (kind == Kind::negation) {
    const Truth truth = children.front()->evaluate(patient, spec, facts);
    return truth == Truth::yes ? Truth::no : truth == Truth::no ? Truth::yes : truth;
  }
  const Value left = kind == Kind::comparison || kind == Kind::member ? children.front()->value(patient, spec, facts)
                                                                      : value(patient, spec, facts);
  if (left.state != Value::State::known) return left.state == Value::State::pending ? Truth::pending : Truth::unknown;
  if (kind == Kind::name || kind == Kind::literal) return left.number ? truth_of(*left.number != 0) : Truth::unknown;
  bool any_unknown = false;
  for (std::size_t i = 1; i < children.size(); ++i) {
    const Value right = children[i]->value(patient, spec, facts);
    if (right.state == Value::State::pending) return Truth::pending;
    const Truth truth =
        right.state == Value::State::known ? truth_of(kind == Kind::comparison ? word : "==", orders_of(left, right)) : Truth::unknown;
    if (kind == Kind::comparison || truth == Truth::yes) return truth;
    any_unknown = any_unknown || truth == Truth::unknown;
  }
  return any_unknown ? Truth::unknown : Truth::no;
}

Truth Expression::evaluate(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const {
  return root_->evaluate(patient, spec, facts);
}

std::vector<std::string> Expression::names() const {
  std::vector<std::string> names;
  root_->collect(names);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string Expression::operands(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const {
  std::vector<std::string> parts;
  for (const std::string& name : names()) {
    const Value value = value_named(name, patient, spec, facts);
    parts.push_back(name + "=" +
                    (value.state == Value::State::known     ? value.text
                     : value.state == Value::State::pending ? "pending"
                                                            : "unknown"));
  }
  return join(parts, " ");
}

std::string Expression::sources(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const {
  std::vector<std::string> parts;
  for (const std::string& name : names()) {
    const std::string source = value_named(name, patient, spec, facts).source;
    if (!source.empty() && std::find(parts.begin(), parts.end(), source) == parts.end()) parts.push_back(source);
  }
  return join(parts, " ");
}

}  // namespace hepar
