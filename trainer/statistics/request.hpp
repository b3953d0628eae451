// SPDX-License-Identifier: Apache-2.0
// One entry of a statistics spec, already in memory: columns by role, options by name. No JSON, no files: the command
// reads those.
#pragma once

#include "trainer/statistics/outcomes.hpp"

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hepar::statistics {

using Numbers = std::vector<double>;
using NumberRows = std::vector<Numbers>;
using Option = std::variant<double, std::string, Numbers, NumberRows>;

// Everything a method may ask for. All accessors throw usage_error that names the option or role.
class Request {
 public:
  std::map<std::string, std::vector<Numbers>, std::less<>> roles;  // complete rows; one or several columns a role
  std::map<std::string, Option, std::less<>> options;
  std::optional<OutcomeTable> train;  // where G is to be estimated instead
  std::size_t rows = 0;

  [[nodiscard]] bool has(std::string_view role) const { return roles.find(role) != roles.end(); }
  [[nodiscard]] bool asks(std::string_view option) const { return options.find(option) != options.end(); }
  [[nodiscard]] Values column(std::string_view role) const;            // exactly one column
  [[nodiscard]] Values column_or_none(std::string_view role) const;    // empty when the role is not given
  [[nodiscard]] std::vector<Values> columns(std::string_view role) const;
  [[nodiscard]] std::vector<int> codes(std::string_view role, int last = std::numeric_limits<int>::max()) const;  // whole, 0 … last
  [[nodiscard]] std::vector<int> labels(std::string_view role) const;  // dense by ascending value; empty when not given
  [[nodiscard]] Values weights() const;                                // finite, >= 0; empty when not given
  [[nodiscard]] OutcomeTable outcomes() const;                         // roles time and event; codes as they are
  [[nodiscard]] OutcomeTable single_outcomes() const;                  // any code but 1 becomes 0

  [[nodiscard]] double number(std::string_view option) const;
  [[nodiscard]] double number(std::string_view option, double otherwise) const;
  [[nodiscard]] int whole(std::string_view option, int low) const;     // whole number >= low
  [[nodiscard]] Numbers numbers(std::string_view option) const;        // at least one
  [[nodiscard]] Numbers ascending(std::string_view option) const;      // strictly
  [[nodiscard]] NumberRows number_rows(std::string_view option) const;
  // Index into `choices`; the first one when the option is not given.
  [[nodiscard]] std::size_t choice(std::string_view option, std::initializer_list<std::string_view> choices) const;
};

using Field = std::variant<double, Numbers, NumberRows, std::vector<std::pair<std::string, Numbers>>>;
using Result = std::vector<std::pair<std::string, Field>>;

// A method: what it takes ("time event weight?": a question mark marks what may be absent), and what it does.
struct Method {
  std::string_view name;
  std::string_view roles;
  std::string_view options;
  Result (*evaluate)(const Request& request);
};

// In the order of the reference page.
[[nodiscard]] const std::vector<Method>& methods();
// Checks names of roles and options, then evaluates. Throws usage_error.
[[nodiscard]] Result evaluate(std::string_view method, const Request& request);
// The parts of the table, one a subject.
[[nodiscard]] std::vector<Method> survival_methods();
[[nodiscard]] std::vector<Method> regression_methods();
[[nodiscard]] std::vector<Method> prediction_methods();
[[nodiscard]] std::vector<Method> pooling_methods();
[[nodiscard]] std::vector<Method> causal_methods();
[[nodiscard]] std::vector<Method> discrete_methods();

}  // namespace hepar::statistics
