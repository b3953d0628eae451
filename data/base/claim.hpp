// SPDX-License-Identifier: Apache-2.0
// A file that exactly one of many processes, on any hosts that see its folder, can create.
#pragma once

#include <filesystem>
#include <string_view>

namespace hepar {

// Publishes `path`, whole and durable, where there is no such file yet; false, and nothing changed, when there is one.
[[nodiscard]] bool claim(const std::filesystem::path& path, std::string_view bytes);

}  // namespace hepar
