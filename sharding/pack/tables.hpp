// SPDX-License-Identifier: Apache-2.0
// The cohort's tables and rules as the rows of tables.h5, once the facts of extraction are known.
#pragma once

#include "data/cohort/cohort.hpp"
#include "sharding/store/tables_file.hpp"

#include <map>
#include <string>

namespace hepar::pack {

using FactsByKey = std::map<std::string, Facts, std::less<>>;

struct JudgedTables {
  store::Tables tables;
  Flow flow;
};
// Conflicts between tables and facts join `cohort.queries`.
[[nodiscard]] JudgedTables judge_tables(Cohort& cohort, const FactsByKey& facts);

// The cohort's vectors as stored modalities.
[[nodiscard]] std::vector<store::StoredModality> vectors_of(const CohortSpec& cohort);

}  // namespace hepar::pack
