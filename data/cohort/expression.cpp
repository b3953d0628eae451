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

// A value of an operand: a number, a text, or a state without value. Categories also carry their rank in the declared
// order, and so do the literals that they are compared with.
struct Value {
  enum class State { known, unknown, pending } state = State::unknown;
  std::optional<double> number;
  std::string text;
  std::string source;
  std::optional<double> rank;
};

Value known_number(double number, std::string source) {
  return {Value::State::known, number, number_text(number), std::move(source), {}};
}
Value known_flag(bool flag, std::string source) {
  return {Value::State::known, flag ? 1.0 : 0.0, flag ? "true" : "false", std::move(source), {}};
}

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
  (column.type == ColumnType::category ? value.rank : value.number) = cell.value;
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
  if (facts == nullptr) return {Value::State::pending, {}, {}, "extraction", {}};
  const auto found = facts->find(name);
  if (found == facts->end()) return {Value::State::unknown, {}, {}, "extraction", {}};
  return value_of(found->second);
}

Value value_named(const std::string& name, const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) {
  const ColumnSpec* column = spec.column(name);
  if (column == nullptr) return value_of_fact(name, patient, spec, facts);
  return value_of_column(static_cast<std::size_t>(column - spec.columns.data()), patient, spec, facts);
}

Truth truth_of(bool holds) { return holds ? Truth::yes : Truth::no; }

constexpr std::array<std::string_view, 6> kComparisons{"==", "!=", "<=", ">=", "<", ">"};
bool orders(std::string_view comparison) { return comparison != "==" && comparison != "!="; }

template <class T>
int order_of(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

// nullopt: the two have no common order, which is as good as unknown.
std::optional<int> three_way(const Value& a, const Value& b) {
  if (a.rank && b.rank) return order_of(*a.rank, *b.rank);
  if (a.number && b.number) return order_of(*a.number, *b.number);
  if (a.number.has_value() != b.number.has_value()) return std::nullopt;
  return order_of(a.text, b.text);
}

bool holds(std::string_view comparison, int order) {
  const std::array<bool, 6> results{order == 0, order != 0, order <= 0, order >= 0, order<0, order> 0};
  return results.at(
      static_cast<std::size_t>(std::find(kComparisons.begin(), kComparisons.end(), comparison) - kComparisons.begin()));
}

}  // namespace

struct Expression::Node {
  enum class Kind { all_of, any_of, negation, comparison, member, name, literal } kind = Kind::literal;
  std::vector<std::shared_ptr<const Node>> children;
  std::string word;  // comparison sign, or the name
  Value literal;

  [[nodiscard]] Value value(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const {
    return kind == Kind::literal ? literal : value_named(word, patient, spec, facts);
  }

  [[nodiscard]] Truth evaluate(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const;
  void collect(std::vector<std::string>& names) const {
    if (kind == Kind::name) names.push_back(word);
    for (const auto& child : children) child->collect(names);
  }
};

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
  using MutableNode = std::shared_ptr<Node>;
  ExpressionParser(const std::string& text, const CohortSpec& spec, const Place& place)
      : text_(text), spec_(spec), place_(place) {}

  NodePtr whole() {
    NodePtr root = either();
    skip();
    if (at_ < text_.size()) throw bad("cannot read '" + text_.substr(at_) + "'");
    return root;
  }

 private:
  [[nodiscard]] Error bad(const std::string& what) const {
    return usage_error("in the rule \"" + text_ + "\": " + what, place_,
                       "use and, or, not, in, == != < <= > >=, numbers, 'text', column names");
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  static bool word_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-' ||
           static_cast<unsigned char>(c) >= 0x80;
  }
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
    const MutableNode left = operand();
    auto node = std::make_shared<Node>();
    if (take_word("in")) {
      node->kind = Node::Kind::member;
      node->children.push_back(left);
      if (!take("[")) throw bad("'in' needs a list [a, b]");
      do node->children.push_back(operand());
      while (take(","));
      if (!take("]")) throw bad("a list is never closed");
      check_types(*node, "==");
      return node;
    }
    for (const std::string_view sign : kComparisons) {
      if (!take(sign)) continue;
      node->kind = Node::Kind::comparison;
      node->word = sign;
      node->children = {left, operand()};
      check_types(*node, sign);
      return node;
    }
    const ColumnSpec* column = column_of(*left);
    if (column != nullptr && column->type != ColumnType::flag)
      throw bad("'" + column->name + "' is no flag: compare it with a value");
    if (left->kind == Node::Kind::literal && left->literal.text != "true" && left->literal.text != "false")
      throw bad("a value stands alone");
    return left;
  }
  MutableNode operand() {
    auto node = std::make_shared<Node>();
    skip();
    if (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"')) {
      const char quote = text_[at_];
      const std::size_t end = text_.find(quote, at_ + 1);
      if (end == std::string::npos) throw bad("a text is never closed");
      node->literal = {Value::State::known, std::nullopt, text_.substr(at_ + 1, end - at_ - 1), "rule", {}};
      at_ = end + 1;
      return node;
    }
    const std::string word = peek_word();
    if (word.empty())
      throw bad(at_ < text_.size() ? "a name or value is expected at '" + text_.substr(at_) + "'"
                                   : "it ends too early");
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
      throw usage_error("the rule \"" + text_ + "\" names '" + name + "', which is no column and no fact", place_,
                        name_advice(name, names));
  }
  [[nodiscard]] const ColumnSpec* column_of(const Node& node) const {
    return node.kind == Node::Kind::name ? spec_.column(node.word) : nullptr;
  }

  // A category compared with a text that it cannot have, or a number with a text, would silently exclude everybody.
  void check_types(Node& whole, std::string_view sign) const {
    const auto category = std::find_if(whole.children.begin(), whole.children.end(), [&](const NodePtr& child) {
      const ColumnSpec* column = column_of(*child);
      return column != nullptr && column->type == ColumnType::category;
    });
    if (category != whole.children.end()) return check_category(whole, *column_of(**category));
    const bool any_text = std::any_of(whole.children.begin(), whole.children.end(), [](const NodePtr& child) {
      return child->kind == Node::Kind::literal && !child->literal.number;
    });
    if (!any_text) return;
    if (orders(sign)) throw bad("texts have no order");
    for (const NodePtr& child : whole.children)
      if (const ColumnSpec* column = column_of(*child)) throw bad("'" + column->name + "' is no text");
  }
  void check_category(Node& whole, const ColumnSpec& column) const {
    for (NodePtr& child : whole.children) {
      const ColumnSpec* other = column_of(*child);
      if (other != nullptr && other->values != column.values)
        throw bad("'" + column.name + "' and '" + other->name + "' do not have the same values");
      if (child->kind != Node::Kind::literal) continue;
      const auto found = std::find(column.values.begin(), column.values.end(), child->literal.text);
      if (found == column.values.end())
        throw usage_error(
            "the rule \"" + text_ + "\" compares '" + column.name + "' with '" + child->literal.text + "'", place_,
            name_advice(child->literal.text, column.values));
      auto ranked = std::make_shared<Node>(*child);
      ranked->literal.rank = static_cast<double>(found - column.values.begin());
      child = ranked;
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
