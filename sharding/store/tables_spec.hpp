// SPDX-License-Identifier: Apache-2.0
// What the columns, endpoints, strategies and rules of tables.h5 mean, as the JSON text kept in its /spec.
#pragma once

#include "sharding/store/tables_file.hpp"

#include <string>

namespace hepar::store {

[[nodiscard]] std::string spec_text(const Tables& tables);
void read_spec(const std::string& text, Tables& tables);  // throws nlohmann's exceptions on text that it did not write

}  // namespace hepar::store
