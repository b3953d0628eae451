// SPDX-License-Identifier: Apache-2.0
// What `hepar inspect` says of an image file or folder.
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>

namespace hepar::program {

// The keys readable, usable, reason, notes and series of the contract.
[[nodiscard]] nlohmann::ordered_json image_summary(const std::filesystem::path& path);

}  // namespace hepar::program
