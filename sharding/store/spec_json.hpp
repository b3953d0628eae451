// SPDX-License-Identifier: Apache-2.0
// The parts of a cohort's specification that a store carries, as JSON.
#pragma once

#include "sharding/store/store.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace hepar::store {

// Everything that decides what the tables mean: columns, endpoints, strategies, rules, and which columns a vector holds.
struct TablesSpec {
  std::vector<ColumnSpec> columns;
  std::vector<EndpointSpec> endpoints;
  StrategySpec strategies;
  std::vector<RuleSpec> rules;
  std::vector<StoredModality> vectors;
};

[[nodiscard]] nlohmann::ordered_json to_json(const TablesSpec& spec);
[[nodiscard]] TablesSpec tables_spec_from(const nlohmann::ordered_json& json);

[[nodiscard]] nlohmann::ordered_json to_json(const StoredModality& modality);
[[nodiscard]] StoredModality modality_from(const nlohmann::ordered_json& json);

}  // namespace hepar::store
