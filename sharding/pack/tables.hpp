// SPDX-License-Identifier: Apache-2.0
// The tables of a store from a cohort and the facts that extraction found.
#pragma once

#include "data/cohort/cohort.hpp"
#include "data/cohort/eligibility.hpp"
#include "sharding/store/tables_file.hpp"

#include <map>
#include <string>
#include <vector>

namespace hepar::pack {

using FactsByKey = std::map<std::string, Facts, std::less<>>;

struct JudgedTables {
  store::TablesSpec spec;
  std::vector<store::TablesRow> rows;
  Flow flow;
};
[[nodiscard]] JudgedTables judge_tables(const Cohort& cohort, const FactsByKey& facts);

}  // namespace hepar::pack
