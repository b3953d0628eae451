// SPDX-License-Identifier: Apache-2.0
// tables.h5: what the cohort's tables say of every patient, rewritten alone when a table is corrected.
#pragma once

#include "sharding/store/spec_json.hpp"

#include <filesystem>
#include <vector>

namespace hepar::store {

// A patient's row and what the file holds beside it for people and later tools.
struct TablesRow {
  PatientRow row;
  std::optional<double> recurrence_day, recurrence_free_day, death_day, last_contact_day;
  // First start and last stop by kind: tace, systemic, other.
  std::array<std::optional<double>, 3> start_day, stop_day;
};

void write_tables(const std::filesystem::path& path, const TablesSpec& spec, const std::vector<TablesRow>& rows);

struct Tables {
  TablesSpec spec;
  std::vector<PatientRow> rows;
};
[[nodiscard]] Tables read_tables(const std::filesystem::path& path);

}  // namespace hepar::store
