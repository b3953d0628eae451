// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/request.hpp"

#include "data/base/error.hpp"
#include "data/base/table.hpp"
#include "data/base/text.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::statistics {
namespace {

std::string in_quotes(std::string_view name) { return "'" + std::string(name) + "'"; }

template <class T>
const T& option_as(const Request& request, std::string_view name, const char* kind) {
  const auto found = request.options.find(name);
  if (found == request.options.end()) throw usage_error("option " + in_quotes(name) + " is missing");
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) throw usage_error("option " + in_quotes(name) + " must be " + kind);
  return *value;
}

}  // namespace

Values Request::column(std::string_view role) const {
  const auto found = roles.find(role);
  if (found == roles.end()) throw usage_error("column role " + in_quotes(role) + " is missing");
  if (found->second.size() != 1) throw usage_error("column role " + in_quotes(role) + " takes one column");
  return found->second[0];
}

Values Request::column_or_none(std::string_view role) const { return has(role) ? column(role) : Values{}; }

std::vector<Values> Request::columns(std::string_view role) const {
  const auto found = roles.find(role);
  if (found == roles.end() || found->second.empty()) throw usage_error("column role " + in_quotes(role) + " is missing");
  return {found->second.begin(), found->second.end()};
}

std::vector<int> Request::codes(std::string_view role, int last) const {
  std::vector<int> out;
  for (const double value : column(role)) {
    if (value != std::floor(value) || value < 0 || value > last) {
      const std::string upper = last == std::numeric_limits<int>::max() ? "…" : std::to_string(last);
      throw usage_error("column role " + in_quotes(role) + " holds " + number_text(value) + " where a code 0 to " + upper + " is needed");
    }
    out.push_back(static_cast<int>(value));
  }
  return out;
}

std::vector<int> Request::labels(std::string_view role) const {
  return has(role) ? dense_codes(column(role)) : std::vector<int>{};
}

Values Request::weights() const {
  const Values weight = column_or_none("weight");
  double total = weight.empty() ? 1 : 0;
  for (const double w : weight) {
    if (!(w >= 0)) throw usage_error("a weight is negative");
    total += w;
  }
  if (!(total > 0)) throw usage_error("all weights are 0");
  return weight;
}

OutcomeTable Request::outcomes() const {
  const Values time = column("time");
  return {{time.begin(), time.end()}, codes("event")};
}

OutcomeTable Request::single_outcomes() const {
  OutcomeTable table = outcomes();
  for (int& event : table.event) event = event == 1 ? 1 : 0;
  return table;
}

double Request::number(std::string_view option) const { return option_as<double>(*this, option, "a number"); }

double Request::number(std::string_view option, double otherwise) const { return asks(option) ? number(option) : otherwise; }

int Request::whole(std::string_view option, int low) const {
  const double value = number(option);
  if (value != std::floor(value) || value < low || value > 1e9) {
    throw usage_error("option " + in_quotes(option) + " must be a whole number of at least " + std::to_string(low));
  }
  return static_cast<int>(value);
}

Numbers Request::numbers(std::string_view option) const {
  Numbers values = option_as<Numbers>(*this, option, "a list of numbers");
  if (values.empty()) throw usage_error("option " + in_quotes(option) + " is an empty list");
  return values;
}

Numbers Request::ascending(std::string_view option) const {
  Numbers values = numbers(option);
  if (std::adjacent_find(values.begin(), values.end(), std::greater_equal<>()) != values.end()) {
    throw usage_error("option " + in_quotes(option) + " must ascend");
  }
  return values;
}

NumberRows Request::number_rows(std::string_view option) const {
  return option_as<NumberRows>(*this, option, "a list of lists of numbers");
}

std::size_t Request::choice(std::string_view option, std::initializer_list<std::string_view> choices) const {
  if (!asks(option)) return 0;
  const auto& text = option_as<std::string>(*this, option, "text");
  const auto* const found = std::find(choices.begin(), choices.end(), text);
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  const std::vector<std::string> known(choices.begin(), choices.end());
  throw usage_error("option " + in_quotes(option) + " has no value " + in_quotes(text) + name_advice(text, known));
}

namespace {

struct Allowed {
  std::vector<std::string> names;
  std::vector<std::string> required;
};

Allowed allowed_of(std::string_view list) {
  Allowed out;
  for (std::string name : split(list, ' ')) {
    if (name.empty()) continue;
    const bool optional = name.back() == '?';
    if (optional) name.pop_back();
    if (!optional) out.required.push_back(name);
    out.names.push_back(std::move(name));
  }
  return out;
}

template <class Map>
void check_names(const Map& given, const Allowed& allowed, const std::string& what) {
  for (const auto& [name, value] : given) {
    if (std::find(allowed.names.begin(), allowed.names.end(), name) == allowed.names.end()) {
      throw usage_error("unknown " + what + " " + in_quotes(name) + name_advice(name, allowed.names));
    }
  }
  for (const std::string& name : allowed.required) {
    if (given.find(name) == given.end()) throw usage_error(what + " " + in_quotes(name) + " is missing");
  }
}

}  // namespace

const std::vector<Method>& methods() {
  static const std::vector<Method> kMethods = [] {
    std::vector<Method> all;
    for (const auto part : {survival_methods, regression_methods, prediction_methods, pooling_methods, causal_methods, discrete_methods}) {
      for (const Method& method : part()) all.push_back(method);
    }
    return all;
  }();
  return kMethods;
}

Result evaluate(std::string_view name, const Request& request) {
  const auto found = std::find_if(methods().begin(), methods().end(), [&](const Method& m) { return m.name == name; });
  if (found == methods().end()) {
    std::vector<std::string> known;
    for (const Method& method : methods()) known.emplace_back(method.name);
    throw usage_error("unknown method " + in_quotes(name) + name_advice(name, known));
  }
  check_names(request.roles, allowed_of(found->roles), "column role");
  const Allowed options = allowed_of(found->options);
  check_names(request.options, options, "option");
  if (request.train && std::find(options.names.begin(), options.names.end(), "train") == options.names.end()) {
    throw usage_error("unknown option 'train'" + name_advice("train", options.names));
  }
  if (!request.roles.empty() && request.rows == 0) throw input_error("no complete rows are left");
  return found->evaluate(request);
}

}  // namespace hepar::statistics
