// SPDX-License-Identifier: Apache-2.0
// The parser of rules: recursive descent, and the checks of names, types and values that a typing error would slip through.
#include "data/base/text.hpp"
#include "data/cohort/column_kinds.hpp"
#include "data/cohort/expression_node.hpp"

#include <algorithm>
#include <cctype>

namespace hepar {

using namespace rules;

namespace {

bool orders(std::string_view comparison) { return comparison != "==" && comparison != "!="; }

}  // namespace

// Recursive descent over the text; `or` binds loosest.
class ExpressionParser {
 public:
  using Node = Expression::Node;
  using NodePtr = std::shared_ptr<const Node>;
  using MutableNode = std::shared_ptr<Node>;
  ExpressionParser(const std::string& text, const CohortSpec& spec, const Place& place)
      : text_(text), spec_(spec), place_(place), facts_(known_facts(spec)) {}

  NodePtr whole() {
    NodePtr root = either();
    skip();
    if (at_ < text_.size()) throw bad("cannot read '" + text_.substr(at_) + "'");
    return root;
  }

 private:
  [[nodiscard]] Error bad(const std::string& what) const {
    constexpr std::size_t kShown = 200;
    const std::string shown = text_.size() <= kShown ? text_ : text_.substr(0, text_.find(' ', kShown / 2)).substr(0, kShown) + " …";
    return usage_error("in the rule \"" + shown + "\": " + what, place_,
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
    constexpr int kDeepest = 64;  // this parser and what walks its tree call themselves
    if (++depth_ > kDeepest) throw bad("brackets and not are nested too deeply");
    NodePtr node = term();
    --depth_;
    return node;
  }
  NodePtr term() {
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
    if (column != nullptr && !kind_of(*column).stands_alone)
      throw bad("'" + column->name + "' is no flag: compare it with a value");
    const FactName* fact = fact_of(*left);
    if (fact != nullptr && fact->type != FactName::Type::flag) throw bad("'" + fact->name + "' is no flag: compare it with a value");
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
      node->literal = {Value::State::known, std::nullopt, text_.substr(at_ + 1, end - at_ - 1), "rule", {}, {}};
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
    for (const FactName& fact : facts_) names.push_back(fact.name);
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw usage_error("the rule \"" + text_ + "\" names '" + name + "', which is no column and no fact", place_,
                        name_advice(name, names));
  }
  [[nodiscard]] const ColumnSpec* column_of(const Node& node) const {
    return node.kind == Node::Kind::name ? spec_.column(node.word) : nullptr;
  }
  [[nodiscard]] const FactName* fact_of(const Node& node) const {
    if (node.kind != Node::Kind::name || spec_.column(node.word) != nullptr) return nullptr;
    const auto found = std::find_if(facts_.begin(), facts_.end(), [&](const FactName& fact) { return fact.name == node.word; });
    return found == facts_.end() ? nullptr : &*found;
  }

  // A category compared with a text that it cannot have, or a number with a text, would silently exclude everybody.
  void check_types(Node& whole, std::string_view sign) const {
    const auto category = std::find_if(whole.children.begin(), whole.children.end(), [&](const NodePtr& child) {
      const ColumnSpec* column = column_of(*child);
      return column != nullptr && kind_of(*column).levels;
    });
    if (category != whole.children.end()) return check_category(whole, *column_of(**category));
    for (const NodePtr& child : whole.children)
      if (const FactName* fact = fact_of(*child)) return check_fact(whole, *fact, sign);
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

  // A fact compared with what it can never be would decide for everybody.
  void check_fact(const Node& whole, const FactName& fact, std::string_view sign) const {
    if (fact.type == FactName::Type::text && orders(sign)) throw bad("'" + fact.name + "' is a text, and texts have no order");
    for (const NodePtr& child : whole.children) {
      const FactName* other = fact_of(*child);
      const ColumnSpec* column = column_of(*child);
      const bool number = other != nullptr ? other->type == FactName::Type::number : column != nullptr && kind_of(*column).quantity;
      if ((other != nullptr || column != nullptr) && number != (fact.type == FactName::Type::number))
        throw bad("'" + fact.name + "' and '" + child->word + "' cannot be compared: one is a number, the other is not");
      if (child->kind != Node::Kind::literal) continue;
      const std::string& said = child->literal.text;
      if (fact.type == FactName::Type::text && fact.values.empty()) continue;
      const bool flag = said == "true" || said == "false", named = std::find(fact.values.begin(), fact.values.end(), said) != fact.values.end();
      if (named && orders(sign)) throw bad("'" + said + "' has no order");
      if (named || (fact.type == FactName::Type::flag ? flag : fact.type == FactName::Type::number && child->literal.number && !flag)) continue;
      std::vector<std::string> known = fact.values;
      if (fact.type == FactName::Type::flag) known = {"true", "false"};
      throw usage_error("the rule \"" + text_ + "\" compares '" + fact.name + "' with '" + said + "', which it never is", place_,
                        known.empty() ? "compare it with a number" : name_advice(said, known));
    }
  }

  const std::string& text_;
  const CohortSpec& spec_;
  const Place& place_;
  std::vector<FactName> facts_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

Expression Expression::parse(const std::string& text, const CohortSpec& spec, const Place& place) {
  Expression expression;
  expression.root_ = ExpressionParser(text, spec, place).whole();
  return expression;
}

}  // namespace hepar
