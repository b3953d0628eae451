// SPDX-License-Identifier: Apache-2.0
// What a sweep tries: keys of an experiment and the values that each may take.
//   train.learning_rate: {log: [1.0e-4, 1.0e-2]}         train.weight_decay: {float: [0, 0.1], points: 3}
//   model.embedding: {int: [16, 64], step: 16}           model.vector.hidden: {log_int: [8, 256]}
//   model.bag.pooling: {choice: [mean, attention]}       model.bag.heads: {int: [1, 4], when: {model.bag.pooling: attention}}
#pragma once

#include "data/base/yaml.hpp"
#include "trainer/engine/experiment.hpp"

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace hepar::sweep {

enum class Kind { real, log_real, integer, log_integer, choice };

// A parameter takes part only where an earlier one has one of these values.
struct Condition {
  std::string key;
  std::vector<std::string> values;
};

struct Parameter {
  std::string key;  // of the experiment
  Kind kind = Kind::real;
  double low = 0, high = 1, step = 1;
  long long points = 0;  // of a grid; 0: all of an int, 5 of the others
  std::vector<std::string> choices;
  std::vector<Condition> when;

  [[nodiscard]] std::string at(double u) const;           // u in [0, 1); the text that an experiment reads
  [[nodiscard]] std::vector<std::string> grid() const;
};

// Key and value of the parameters that take part, in the order of the space.
using Settings = std::vector<std::pair<std::string, std::string>>;

class Space {
 public:
  // usage_error with file:line: no such key, a key that would change what is measured, values that the key does not take, a
  // condition on what does not stand before it.
  static Space read(const Yaml& section);

  [[nodiscard]] const std::vector<Parameter>& parameters() const { return parameters_; }
  [[nodiscard]] Settings at(std::span<const double> point) const;  // one number in [0, 1) a parameter
  [[nodiscard]] std::vector<Settings> grid() const;                // every combination once
  [[nodiscard]] std::string yaml() const;                          // the section again, one line a parameter

 private:
  void add(const Yaml& node, const std::string& key);
  [[nodiscard]] Settings taking_part(const std::vector<std::string>& values) const;
  std::vector<Parameter> parameters_;
};

// `base` with the settings applied.
[[nodiscard]] engine::Experiment with(const engine::Experiment& base, const Settings& settings);

}  // namespace hepar::sweep
