// SPDX-License-Identifier: Apache-2.0
// The part of `verify` (store.hpp) that a training depends on.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace hepar::store {

// Re-hashes shards and tables, without pictures and pages; returns problems as `verify` does.
[[nodiscard]] std::vector<std::string> verify_data(const std::filesystem::path& folder);

// How many files `verify` looks at.
[[nodiscard]] std::size_t hashed_files(const std::filesystem::path& folder);

}  // namespace hepar::store
