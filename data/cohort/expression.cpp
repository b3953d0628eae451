// SPDX-License-Identifier: Apache-2.0
// The expressions of eligibility rules: a recursive-descent parser and Kleene evaluation.
#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "data/cohort/cells.hpp"
#include "data/cohort/eligibility.hpp"
#include "data/cohort/outcome.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace hepar {

namespace {

// A value of an operand: a number, a text, or a state without value.
struct Value {
  enum class State { known, unknown, pending } state = State::unknown;
  std::optional<double> number;
  std::string text;
  std::string source;
};

Value known_number(double number, std::string source) { return {Value::State::known, number, number_text(number), std::move(source)}; }
Value known_flag(bool flag, std::string source) { return {Value::State::known, flag ? 1.0 : 0.0, flag ? "true" : "false", std::move(source)}; }

Value value_of_column(const ColumnSpec& column, const Cell& cell) {
  Value value;
  value.source = column.from.empty() ? "table" : column.from.front();
  if (!cell.usable()) return value;
  value.state = Value::State::known;
  value.text = cell_text(column, cell);
  if (column.type != ColumnType::category) value.number = cell.value;
  return value;
}

Value value_of_fact(const std::string& name, const PatientRecord& patient, const Facts* facts) {
  if (name == "follow_up.complete") return known_flag(patient.has_follow_up, "follow_up");
  if (name == "follow_up.months") {
    const History history = history_of(patient);
    return history.known ? known_number(history.last_contact, "follow_up") : Value{};
  }
  Value value;
  if (facts == nullptr) {
    value.state = Value::State::pending;
    value.source = "extraction";
    return value;
  }
  const auto found = facts->find(name);
  if (found == facts->end() || found->second.state != Fact::State::known) return value;
  value.state = Value::State::known;
  value.text = found->second.text;
  value.source = found->second.source;
  value.number = value.text == "true" ? std::optional(1.0) : value.text == "false" ? std::optional(0.0) : parse_number(value.text);
  return value;
}

Truth truth_of(bool holds) { return holds ? Truth::yes : Truth::no; }

constexpr std::array<std::string_view, 6> kComparisons{"==", "!=", "<=", ">=", "<", ">"};

std::optional<int> three_way(const Value& a, const Value& b) {
  if (a.number && b.number) return *a.number < *b.number ? -1 : *a.number > *b.number ? 1 : 0;
  if (a.number.has_value() != b.number.has_value()) return std::nullopt;
  return a.text < b.text ? -1 : a.text > b.text ? 1 : 0;
}

bool holds(std::string_view comparison, int order) {
  const std::array<bool, 6> results{order == 0, order != 0, order <= 0, order >= 0, order < 0, order > 0};
  return results.at(static_cast<std::size_t>(std::find(kComparisons.begin(), kComparisons.end(), comparison) - kComparisons.begin()));
}

}  // namespace

struct Expression::Node {
  enum class Kind { all_of, any_of, negation, comparison, member, name, literal } kind = Kind::literal;
  std::vector<std::shared_ptr<const Node>> children;
  std::string word;  // comparison sign, or the name
  Value literal;

  [[nodiscard]] Value value(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const {
    if (kind == Kind::literal) return literal;
    if (spec.column(word) == nullptr) return value_of_fact(word, patient, facts);
    const auto index = static_cast<std::size_t>(spec.column(word) - spec.columns.data());
    const ColumnSpec& column = spec.columns[index];
    Value found = value_of_column(column, resolve_cells(patient, spec, facts)[index]);
    const bool from_extraction = std::any_of(column.from.begin(), column.from.end(), [](const std::string& source) { return source != "table"; });
    if (found.state == Value::State::unknown && facts == nullptr && from_extraction) found.state = Value::State::pending;
    return found;
  }

  [[nodiscard]] Truth evaluate(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const;
  void collect(std::vector<std::string>& names) const {
    if (kind == Kind::name) names.push_back(word);
    for (const auto& child : children) child->collect(names);
  }
};

Truth Expression::Node::evaluate(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const {
  if (kind == Kind::all_of || kind == Kind::any_of) {
    // Kleene: a false operand decides `and`, a true one `or`; pending outweighs unknown because it may still be answered.
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
  const Value left = kind == Kind::comparison || kind == Kind::member ? children.front()->value(patient, spec, facts) : value(patient, spec, facts);
  if (left.state != Value::State::known) return left.state == Value::State::pending ? Truth::pending : Truth::unknown;
  if (kind == Kind::name || kind == Kind::literal) return left.number ? truth_of(*left.number != 0) : Truth::unknown;
  bool any_unknown = false;
  for (std::size_t i = 1; i < children.size(); ++i) {
    const Value right = children[i]->value(patient, spec, facts);
    if (right.state == Value::State::pending) return Truth::pending;
    const std::optional<int> order = right.state == Value::State::known ? three_way(left, right) : std::nullopt;
    if (!order) {
      any_unknown = true;
      continue;
    }
    if (kind == Kind::comparison) return truth_of(holds(word, *order));
    if (*order == 0) return Truth::yes;
  }
  return any_unknown ? Truth::unknown : Truth::no;
}

// Recursive descent over the text; `or` binds loosest.
class ExpressionParser {
 public:
  using Node = Expression::Node;
  using NodePtr = std::shared_ptr<const Node>;
  ExpressionParser(const std::string& text, const CohortSpec& spec, const Place& place) : text_(text), spec_(spec), place_(place) {}

  NodePtr whole() {
    NodePtr root = either();
    skip();
    if (at_ < text_.size()) throw bad("cannot read '" + text_.substr(at_) + "'");
    return root;
  }

 private:
  [[nodiscard]] Error bad(const std::string& what) const {
    return usage_error("in the rule \"" + text_ + "\": " + what, place_, "use and, or, not, in, == != < <= > >=, numbers, 'text', column names");
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  static bool word_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-' || static_cast<unsigned char>(c) >= 0x80; }
  std::string peek_word() {
    skip();
    std::size_t end = at_;
    while (end < text_.size() && word_char(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }
  bool take_word(std::string_view word) {
    if (peek_word() != word) return false;
    at_ += word.size();
    return true;
  }
  bool take(std::string_view sign) {
    skip();
    if (text_.compare(at_, sign.size(), sign) != 0) return false;
    at_ += sign.size();
    return true;
  }
  static NodePtr group(Node::Kind kind, std::vector<NodePtr> children) {
    if (children.size() == 1 && kind != Node::Kind::negation) return children.front();
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->children = std::move(children);
    return node;
  }

  NodePtr either() {
    std::vector<NodePtr> parts{both()};
    while (take_word("or")) parts.push_back(both());
    return group(Node::Kind::any_of, std::move(parts));
  }
  NodePtr both() {
    std::vector<NodePtr> parts{single()};
    while (take_word("and")) parts.push_back(single());
    return group(Node::Kind::all_of, std::move(parts));
  }
  NodePtr single() {
    if (take_word("not")) return group(Node::Kind::negation, {single()});
    if (take("(")) {
      NodePtr inner = either();
      if (!take(")")) throw bad("a bracket is never closed");
      return inner;
    }
    NodePtr left = operand();
    auto node = std::make_shared<Node>();
    if (take_word("in")) {
      node->kind = Node::Kind::member;
      node->children.push_back(left);
      if (!take("[")) throw bad("'in' needs a list [a, b]");
      do node->children.push_back(operand()); while (take(","));
      if (!take("]")) throw bad("a list is never closed");
      check_values(*left, *node);
      return node;
    }
    for (const std::string_view sign : kComparisons) {
      if (!take(sign)) continue;
      node->kind = Node::Kind::comparison;
      node->word = sign;
      node->children = {left, operand()};
      check_values(*left, *node);
      return node;
    }
    return left;
  }
  NodePtr operand() {
    auto node = std::make_shared<Node>();
    skip();
    if (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"')) {
      const char quote = text_[at_];
      const std::size_t end = text_.find(quote, at_ + 1);
      if (end == std::string::npos) throw bad("a text is never closed");
      node->literal = {Value::State::known, std::nullopt, text_.substr(at_ + 1, end - at_ - 1), "rule"};
      at_ = end + 1;
      return node;
    }
    const std::string word = peek_word();
    if (word.empty()) throw bad(at_ < text_.size() ? "a name or value is expected at '" + text_.substr(at_) + "'" : "it ends too early");
    at_ += word.size();
    if (word == "true" || word == "false") {
      node->literal = known_flag(word == "true", "rule");
      return node;
    }
    if (const std::optional<double> number = parse_number(word)) {
      node->literal = known_number(*number, "rule");
      return node;
    }
    node->kind = Node::Kind::name;
    node->word = word;
    check_name(word);
    return node;
  }
  void check_name(const std::string& name) const {
    if (spec_.column(name) != nullptr) return;
    std::vector<std::string> names;
    for (const ColumnSpec& column : spec_.columns) names.push_back(column.name);
    for (const FactName& fact : known_facts(spec_)) names.push_back(fact.name);
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw usage_error("the rule \"" + text_ + "\" names '" + name + "', which is no column and no fact", place_, name_advice(name, names));
  }
  // A category compared with a text that it cannot have would silently exclude everybody.
  void check_values(const Node& left, const Node& whole) const {
    const ColumnSpec* column = left.kind == Node::Kind::name ? spec_.column(left.word) : nullptr;
    if (column == nullptr || column->type != ColumnType::category) return;
    for (std::size_t i = 1; i < whole.children.size(); ++i) {
      const Node& child = *whole.children[i];
      if (child.kind != Node::Kind::literal) continue;
      if (std::find(column->values.begin(), column->values.end(), child.literal.text) == column->values.end())
        throw usage_error("the rule \"" + text_ + "\" compares '" + column->name + "' with '" + child.literal.text + "'", place_, name_advice(child.literal.text, column->values));
    }
  }

  const std::string& text_;
  const CohortSpec& spec_;
  const Place& place_;
  std::size_t at_ = 0;
};

Expression Expression::parse(const std::string& text, const CohortSpec& spec, const Place& place) {
  Expression expression;
  expression.root_ = ExpressionParser(text, spec, place).whole();
  return expression;
}

Truth Expression::evaluate(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const { return root_->evaluate(patient, spec, facts); }

std::vector<std::string> Expression::names() const {
  std::vector<std::string> names;
  root_->collect(names);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string Expression::operands(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const {
  std::string out;
  for (const std::string& name : names()) {
    Node node;
    node.kind = Node::Kind::name;
    node.word = name;
    const Value value = node.value(patient, spec, facts);
    if (!out.empty()) out += " ";
    out += name + "=" + (value.state == Value::State::known ? value.text : value.state == Value::State::pending ? "pending" : "unknown");
  }
  return out;
}

}  // namespace hepar
