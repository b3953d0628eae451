// SPDX-License-Identifier: Apache-2.0
#include "trainer/sweep/space.hpp"

#include "data/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace hepar::sweep {

namespace {

constexpr long long kGridPoints = 5;

struct KindName {
  const char* name;
  Kind kind;
};
constexpr std::array<KindName, 5> kKinds{{{"float", Kind::real}, {"log", Kind::log_real}, {"int", Kind::integer}, {"log_int", Kind::log_integer}, {"choice", Kind::choice}}};

// Who is asked and what is measured must be the same for all trials; the others change no result.
constexpr std::array<std::string_view, 6> kNotSearched{"validation.", "resources.", "endpoints", "predict_at", "mode", "train.checkpoint_every"};

// A name that ends with a dot stands for all keys behind it.
bool searched(std::string_view key) {
  return std::none_of(kNotSearched.begin(), kNotSearched.end(), [&](std::string_view fixed) { return fixed.ends_with('.') ? key.starts_with(fixed) : key == fixed; });
}

bool whole(Kind kind) { return kind == Kind::integer || kind == Kind::log_integer; }
bool logarithmic(Kind kind) { return kind == Kind::log_real || kind == Kind::log_integer; }

// Four digits: what a person reads in the table is what the trial had.
std::string number_with_four_digits(double value) { return fmt::format("{:.4g}", value); }

// A scalar, or a list as flow text, as an option's row reads it.
std::string value_text(const Yaml& node) {
  if (!node.is_list()) return node.text();
  const std::vector<std::string> parts = node.texts();
  return "[" + join(parts, ", ") + "]";
}

// The kind that a map names, or null when it is a group of keys.
const KindName* kind_in(const Yaml& node) {
  for (const KindName& known : kKinds)
    if (node.has(known.name)) return &known;
  return nullptr;
}

void read_range(Parameter& parameter, const Yaml& range) {
  const std::vector<double> ends = range.numbers();
  if (ends.size() != 2 || !(ends[0] < ends[1])) throw range.error("must be two numbers, the smaller first");
  parameter.low = ends[0];
  parameter.high = ends[1];
  if (logarithmic(parameter.kind) && !(parameter.low > 0)) throw range.error("must begin above 0 on a logarithmic scale");
  if (whole(parameter.kind) && (parameter.low != std::floor(parameter.low) || parameter.high != std::floor(parameter.high))) throw range.error("must be whole numbers");
}

void check_values(const Parameter& parameter, const Yaml& node) {
  engine::Experiment probe;
  std::vector<Row> rows = engine::rows(probe);
  const std::vector<std::string> ends = parameter.kind == Kind::choice ? parameter.choices : std::vector<std::string>{parameter.at(0), parameter.at(std::nextafter(1.0, 0.0))};
  for (const std::string& value : ends) {
    try {
      apply_assignment(parameter.key + "=" + value, rows);
    } catch (const Error& error) {
      throw error.within(node.place().text());
    }
  }
}

}  // namespace

std::string Parameter::at(double u) const {
  if (kind == Kind::choice) return choices[std::min(choices.size() - 1, static_cast<std::size_t>(u * static_cast<double>(choices.size())))];
  if (kind == Kind::integer) {
    const double count = std::floor((high - low) / step) + 1;
    return fmt::format("{}", std::llround(low + step * std::min(count - 1, std::floor(u * count))));
  }
  // A whole number stands for the interval around it.
  const double from = kind == Kind::log_integer ? low - 0.5 : low, to = kind == Kind::log_integer ? high + 0.5 : high;
  const double value = logarithmic(kind) ? std::exp(std::log(from) + u * (std::log(to) - std::log(from))) : from + u * (to - from);
  if (kind == Kind::log_integer) return fmt::format("{}", std::llround(std::clamp(value, low, high)));
  return number_with_four_digits(std::clamp(value, low, high));
}

std::vector<std::string> Parameter::grid() const {
  if (kind == Kind::choice) return choices;
  std::vector<std::string> values;
  if (kind == Kind::integer && points == 0) {
    for (double value = low; value <= high; value += step) values.push_back(fmt::format("{}", std::llround(value)));
    return values;
  }
  const long long count = points > 0 ? points : kGridPoints;
  for (long long i = 0; i < count; ++i) {
    const double share = count > 1 ? static_cast<double>(i) / static_cast<double>(count - 1) : 0.5;
    const double value = logarithmic(kind) ? std::exp(std::log(low) + share * (std::log(high) - std::log(low))) : low + share * (high - low);
    const std::string text = whole(kind) ? fmt::format("{}", std::llround(value)) : number_with_four_digits(value);
    if (values.empty() || values.back() != text) values.push_back(text);
  }
  return values;
}

Space Space::read(const Yaml& section) {
  Space space;
  space.add(section, "");
  if (space.parameters_.empty()) throw section.error("names nothing to try", "give such as train.learning_rate: {log: [1.0e-4, 1.0e-2]}");
  return space;
}

void Space::add(const Yaml& node, const std::string& key) {
  if (!node.is_map()) throw node.error("must be a map", "give such as {log: [1.0e-4, 1.0e-2]} or {choice: [a, b]}");
  const KindName* kind = key.empty() ? nullptr : kind_in(node);
  if (kind == nullptr) {
    for (const auto& [name, child] : node.items()) add(child, key.empty() ? name : key + "." + name);
    return;
  }
  node.allow({kind->name, "step", "points", "when"});
  engine::Experiment probe;
  std::vector<std::string> known;
  for (const Row& row : engine::rows(probe)) known.push_back(row.name);
  if (std::find(known.begin(), known.end(), key) == known.end()) throw usage_error("unknown key '" + key + "' of an experiment", node.place(), name_advice(key, known));
  if (!searched(key)) throw usage_error("'" + key + "' is not searched: trials would not be comparable", node.place(), "set it for all trials, beside space");
  Parameter parameter;
  parameter.key = key;
  parameter.kind = kind->kind;
  const Yaml values = node.at(kind->name);
  if (parameter.kind == Kind::choice) {
    for (const Yaml& choice : values.list()) parameter.choices.push_back(value_text(choice));
    if (parameter.choices.empty()) throw values.error("is empty");
  } else {
    read_range(parameter, values);
  }
  if (const auto step = node.find("step")) {
    if (parameter.kind != Kind::integer || step->integer() < 1) throw step->error("must be a whole number of at least 1, of an int");
    parameter.step = static_cast<double>(step->integer());
  }
  if (const auto points = node.find("points")) {
    if (parameter.kind == Kind::choice || points->integer() < 1) throw points->error("must be a whole number of at least 1, of a range");
    parameter.points = points->integer();
  }
  if (const auto when = node.find("when"))
    for (const auto& [name, allowed] : when->items()) {
      const bool stands_before = std::any_of(parameters_.begin(), parameters_.end(), [&, wanted = name](const Parameter& p) { return p.key == wanted; });
      if (!stands_before) throw allowed.error("is no parameter of the space before '" + key + "'", "name one that stands above it");
      parameter.when.push_back({name, allowed.texts()});
    }
  check_values(parameter, node);
  parameters_.push_back(std::move(parameter));
}

// Without those whose condition does not hold; a condition on one that takes no part does not hold.
Settings Space::taking_part(const std::vector<std::string>& values) const {
  Settings settings;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const bool holds = std::all_of(parameters_[i].when.begin(), parameters_[i].when.end(), [&](const Condition& condition) {
      return std::any_of(settings.begin(), settings.end(), [&](const auto& setting) {
        return setting.first == condition.key && std::find(condition.values.begin(), condition.values.end(), setting.second) != condition.values.end();
      });
    });
    if (holds) settings.emplace_back(parameters_[i].key, values[i]);
  }
  return settings;
}

Settings Space::at(std::span<const double> point) const {
  std::vector<std::string> values;
  for (std::size_t i = 0; i < parameters_.size(); ++i) values.push_back(parameters_[i].at(point[i]));
  return taking_part(values);
}

std::vector<Settings> Space::grid() const {
  std::vector<std::vector<std::string>> columns;
  for (const Parameter& parameter : parameters_) columns.push_back(parameter.grid());
  std::vector<Settings> all;
  std::vector<std::size_t> digit(columns.size(), 0);
  while (true) {
    std::vector<std::string> values;
    for (std::size_t i = 0; i < columns.size(); ++i) values.push_back(columns[i][digit[i]]);
    Settings settings = taking_part(values);
    if (std::find(all.begin(), all.end(), settings) == all.end()) all.push_back(std::move(settings));
    std::size_t i = columns.size();  // the last parameter runs fastest
    while (i > 0 && ++digit[i - 1] == columns[i - 1].size()) digit[--i] = 0;
    if (i == 0) return all;
  }
}

std::string Space::yaml() const {
  std::string text = "space:\n";
  for (const Parameter& parameter : parameters_) {
    const auto named = std::find_if(kKinds.begin(), kKinds.end(), [&](const KindName& known) { return known.kind == parameter.kind; });
    const std::string values = parameter.kind == Kind::choice ? join(parameter.choices, ", ") : fmt::format("{}, {}", parameter.low, parameter.high);
    text += fmt::format("  {}: {{{}: [{}]", parameter.key, named->name, values);
    if (parameter.step != 1) text += fmt::format(", step: {}", parameter.step);
    if (parameter.points != 0) text += fmt::format(", points: {}", parameter.points);
    if (!parameter.when.empty()) {
      std::vector<std::string> conditions;
      for (const Condition& condition : parameter.when) conditions.push_back(condition.key + ": [" + join(condition.values, ", ") + "]");
      text += ", when: {" + join(conditions, ", ") + "}";
    }
    text += "}\n";
  }
  return text;
}

engine::Experiment with(const engine::Experiment& base, const Settings& settings) {
  engine::Experiment experiment = base;
  std::vector<Row> rows = engine::rows(experiment);
  for (const auto& [key, value] : settings) apply_assignment(key + "=" + value, rows);
  return experiment;
}

}  // namespace hepar::sweep
