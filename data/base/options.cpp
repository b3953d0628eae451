// SPDX-License-Identifier: Apache-2.0
#include "data/base/options.hpp"

#include "data/base/table.hpp"
#include "data/base/text.hpp"

#include <algorithm>
#include <cmath>

namespace hepar {

namespace {

// A limit as people write it: 100000, not 1e+05.
std::string limit_text(double limit) { return std::abs(limit) < 1e15 && limit == std::trunc(limit) ? std::to_string(static_cast<long long>(limit)) : number_text(limit); }

std::string range_text(const Range& range) {
  const bool low = range.low > -std::numeric_limits<double>::infinity(), high = range.high < std::numeric_limits<double>::infinity();
  if (low && high) return " from " + limit_text(range.low) + " to " + limit_text(range.high);
  if (low) return " of at least " + limit_text(range.low);
  if (high) return " of at most " + limit_text(range.high);
  return "";
}

// A scalar as YAML flow text: quoted when plain style could read as something else.
std::string scalar_text(const std::string& text) {
  const bool plain = !text.empty() && text.find_first_of(":#,[]{}&*!|>'\"%@`\n\t\r\\") == std::string::npos && trim(text) == text && text != "null" && text != "~" &&
                     !text.starts_with('-') && !text.starts_with('?');
  if (plain) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n' || c == '\t' || c == '\r') {
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

Row start(std::string name, std::string unit, std::string help, std::string kind) {
  Row made;
  made.name = std::move(name);
  made.unit = std::move(unit);
  made.help = std::move(help);
  made.kind = std::move(kind);
  return made;
}

std::vector<std::string> names_of(const std::vector<Row>& rows) {
  std::vector<std::string> names;
  for (const Row& row : rows) names.push_back(row.name);
  return names;
}

// A group stands where a value is expected, or a value where its keys are.
Error group_error(const std::string& name, const std::string& value, const std::vector<Row>& rows, const Place& where) {
  std::vector<std::string> keys;
  for (const Row& row : rows)
    if (row.name.starts_with(name + ".")) keys.push_back(row.name);
  const std::size_t shown = std::min<std::size_t>(keys.size(), 12);
  return usage_error("'" + name + "' is a group of keys and takes no value" + (value.empty() ? "" : " '" + value + "'"), where,
                     "give one of " + join(std::span(keys).first(shown), ", ") + (shown < keys.size() ? ", …" : ""));
}

Row& row_named(std::vector<Row>& rows, const std::string& name, const Place& where) {
  for (Row& row : rows)
    if (row.name == name) return row;
  std::vector<std::string> known = names_of(rows);
  for (const Row& row : rows)  // a wrong group is as near to a group as a wrong leaf to a leaf
    if (const std::size_t dot = row.name.find('.'); dot != std::string::npos) known.push_back(row.name.substr(0, dot));
  throw usage_error("unknown key '" + name + "'", where, name_advice(name, known));
}

bool is_prefix(const std::string& key, const std::vector<Row>& rows) {
  return std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return row.name.starts_with(key + "."); });
}

void apply_node(const Yaml& node, std::vector<Row>& rows) {
  if (is_prefix(node.key(), rows)) {
    if (!node.is_map() && !node.is_null()) throw group_error(node.key(), node.is_scalar() ? node.text() : "", rows, node.place());
    for (const auto& [name, value] : node.items()) apply_node(value, rows);
    return;
  }
  Row& row = row_named(rows, node.key(), node.place());
  if (node.is_null()) throw node.error("has no value", "give " + row.kind + " or remove the key");
  if (row.set_list) {
    row.set_list(node.texts(), node.place());
  } else {
    row.set(node.text(), node.place());
  }
  row.origin = node.place().text();
}

// The rows whose names begin with `prefix`, nested; keys that share a parent stand together wherever their rows stand.
std::string nested(const std::vector<const Row*>& rows, std::size_t prefix, std::size_t depth) {
  std::string text;
  std::vector<std::string> done;
  for (const Row* row : rows) {
    const std::size_t dot = row->name.find('.', prefix);
    const std::string key = row->name.substr(prefix, dot == std::string::npos ? dot : dot - prefix);
    const std::string indent(2 * depth, ' ');
    if (dot == std::string::npos) {
      text += indent + key + ": " + row->get() + "\n";
      continue;
    }
    if (std::find(done.begin(), done.end(), key) != done.end()) continue;
    done.push_back(key);
    std::vector<const Row*> children;
    for (const Row* other : rows)
      if (other->name.compare(0, dot + 1, row->name, 0, dot + 1) == 0) children.push_back(other);
    text += indent + key + ":\n" + nested(children, dot + 1, depth + 1);
  }
  return text;
}

}  // namespace

Row row(std::string name, double& member, Range range, std::string unit, std::string help) {
  Row made = start(std::move(name), std::move(unit), std::move(help), "number" + range_text(range));
  const std::string expected = "a " + made.kind;
  made.set = [&member, range, expected, id = made.name](const std::string& text, const Place& where) {
    const std::optional<double> value = parse_number(text);
    if (!value || *value < range.low || *value > range.high) throw usage_error("'" + id + "' is '" + text + "'", where, "give " + expected);
    member = *value;
  };
  made.get = [&member] { return number_text(member); };
  return made;
}

Row row(std::string name, long long& member, Range range, std::string unit, std::string help) {
  Row made = start(std::move(name), std::move(unit), std::move(help), "whole number" + range_text(range));
  const std::string expected = "a " + made.kind;
  made.set = [&member, range, expected, id = made.name](const std::string& text, const Place& where) {
    const std::optional<long long> value = parse_integer(text);
    if (!value || static_cast<double>(*value) < range.low || static_cast<double>(*value) > range.high)
      throw usage_error("'" + id + "' is '" + text + "'", where, "give " + expected);
    member = *value;
  };
  made.get = [&member] { return std::to_string(member); };
  return made;
}

Row row(std::string name, bool& member, std::string help) {
  Row made = start(std::move(name), "", std::move(help), "true or false");
  made.flag_only = true;
  made.set = [&member, id = made.name](const std::string& text, const Place& where) {
    if (text != "true" && text != "false") throw usage_error("'" + id + "' is '" + text + "'", where, "give true or false");
    member = text == "true";
  };
  made.get = [&member] { return std::string(member ? "true" : "false"); };
  return made;
}

Row row(std::string name, std::string& member, std::string help) {
  Row made = start(std::move(name), "", std::move(help), "text");
  made.set = [&member](const std::string& text, const Place&) { member = text; };
  made.get = [&member] { return scalar_text(member); };
  return made;
}

Row row(std::string name, std::string& member, std::vector<std::string> choices, std::string help) {
  Row made = start(std::move(name), "", std::move(help), join(choices, " | "));
  made.set = [&member, choices, id = made.name](const std::string& text, const Place& where) {
    if (std::find(choices.begin(), choices.end(), text) == choices.end())
      throw usage_error("'" + id + "' is '" + text + "'", where, name_advice(text, choices));
    member = text;
  };
  made.get = [&member] { return scalar_text(member); };
  return made;
}

Row row(std::string name, std::vector<std::string>& member, std::string help) {
  Row made = start(std::move(name), "", std::move(help), "list");
  made.set_list = [&member](const std::vector<std::string>& texts, const Place&) { member = texts; };
  made.set = [&member](const std::string& text, const Place&) {
    std::string_view body = trim(text);
    if (body.starts_with('[') && body.ends_with(']')) body = body.substr(1, body.size() - 2);
    member.clear();
    if (trim(body).empty()) return;
    for (const std::string& part : split(body, ',')) member.emplace_back(trim(part));
  };
  made.get = [&member] {
    std::vector<std::string> texts;
    for (const std::string& text : member) texts.push_back(scalar_text(text));
    return "[" + join(texts, ", ") + "]";
  };
  return made;
}

Row row(std::string name, std::vector<std::string>& member, std::vector<std::string> choices, std::string help) {
  Row made = row(std::move(name), member, std::move(help));
  const auto check = [&member, choices, id = made.name](const Place& where) {
    for (const std::string& text : member)
      if (std::find(choices.begin(), choices.end(), text) == choices.end()) throw usage_error("'" + id + "' names '" + text + "'", where, name_advice(text, choices));
  };
  made.set_list = [set = made.set_list, check](const std::vector<std::string>& texts, const Place& where) {
    set(texts, where);
    check(where);
  };
  made.set = [set = made.set, check](const std::string& text, const Place& where) {
    set(text, where);
    check(where);
  };
  return made;
}

Row required(Row row) {
  row.required = true;
  return row;
}

Row positional(Row row) {
  row.positional = true;
  return row;
}

void apply(const Yaml& document, std::vector<Row>& rows, const std::vector<std::string>& ignored) {
  for (const auto& [name, value] : document.items())
    if (std::find(ignored.begin(), ignored.end(), name) == ignored.end()) apply_node(value, rows);
}

void apply_assignment(const std::string& assignment, std::vector<Row>& rows) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0)
    throw usage_error("'--set " + assignment + "' is no assignment", {}, "write --set key.path=value");
  const std::string name(trim(std::string_view(assignment).substr(0, equals)));
  const std::string value(trim(std::string_view(assignment).substr(equals + 1)));
  if (is_prefix(name, rows)) throw group_error(name, value, rows, {"--set"});
  Row& row = row_named(rows, name, {"--set"});
  row.set(value, {"--set"});
  row.origin = "--set";
}

std::string resolved_yaml(const std::vector<Row>& rows) {
  std::vector<const Row*> all;
  for (const Row& row : rows) all.push_back(&row);
  return nested(all, 0, 0);
}

}  // namespace hepar
