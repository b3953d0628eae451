// SPDX-License-Identifier: Apache-2.0
// What is no file of data.
#pragma once

#include <filesystem>

namespace hepar {

// A pipe, socket or device: opening one may wait for ever, and none holds a file of data. A link is what it points to.
[[nodiscard]] bool is_special(const std::filesystem::path& path);

}  // namespace hepar
