// SPDX-License-Identifier: Apache-2.0
// How cohort.yaml is read, in parts: for the .cpp files of this room only.
#pragma once

#include "data/base/text.hpp"
#include "data/base/yaml.hpp"
#include "data/cohort/spec.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace hepar::spec_parts {

template <class T>
struct Named {
  const char* name;
  T value;
};

// The value that a key's text names, or a usage error with the nearest known name.
template <class T, std::size_t N>
T choose(const Yaml& node, const std::array<Named<T>, N>& known) {
  const std::string text = node.text();
  std::vector<std::string> names;
  for (const auto& entry : known) {
    if (text == entry.name) return entry.value;
    names.emplace_back(entry.name);
  }
  throw node.error("is '" + text + "'", name_advice(text, names));
}

[[nodiscard]] ColumnSpec read_column(const std::string& name, const Yaml& node);
[[nodiscard]] ModalitySpec read_modality(const std::string& name, const Yaml& node, const CohortSpec& spec);
[[nodiscard]] RuleSpec read_rule(const Yaml& node);
[[nodiscard]] EndpointSpec read_endpoint(const std::string& name, const Yaml& node);
[[nodiscard]] StrategySpec read_strategies(const Yaml& node);

// Names become HDF5 groups, CSV headers and words of rules: letters (of any script), digits, '_' and '-'.
void check_name(const std::string& name, const Yaml& node);
// What only the whole document can tell: sources of columns, image names, rules (parsed here, so that a wrong one is
// found before any table is read), endpoints without follow-up.
void check_whole(const CohortSpec& spec);

}  // namespace hepar::spec_parts
