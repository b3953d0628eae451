// SPDX-License-Identifier: Apache-2.0
// tables.h5: everything of a store that comes from tables and rules, apart from features, small and quick to rewrite.
#pragma once

#include "sharding/store/store.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace hepar::store {

struct Tables {
  std::vector<ColumnSpec> columns;
  std::vector<EndpointSpec> endpoints;   // empty: predict-only
  StrategySpec strategies;
  std::vector<RuleSpec> rules;
  bool has_histories = false;
  std::vector<PatientRow> rows;          // ordered by key
};

[[nodiscard]] std::string tables_image(const Tables& tables);  // the bytes of the file
[[nodiscard]] Tables read_tables(const std::filesystem::path& path);  // store_error

}  // namespace hepar::store
