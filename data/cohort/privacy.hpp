// SPDX-License-Identifier: Apache-2.0
// What `privacy: pseudonymise` means for tables: keys become keyed names, and no message or query repeats a cell. For the
// .cpp files of this room only.
#pragma once

#include "data/cohort/cohort.hpp"

#include <set>
#include <string>

namespace hepar {

// Ids and keys become the first 96 bits of HMAC-SHA256(secret of the key file, key), in hex. Values that queries quote go;
// their file and line stay.
void pseudonymise(Cohort& cohort);

// The same error, of which each quoted word that is none of `spoken` (names that cohort.yaml or this program made) is "...",
// and header names offered as a remedy are gone.
[[nodiscard]] Error without_cells(const Error& error, const std::set<std::string>& spoken);
// The names of a cohort's columns, values and tables.
[[nodiscard]] std::set<std::string> spoken_names(const CohortSpec& spec);

}  // namespace hepar
