// SPDX-License-Identifier: Apache-2.0
// Whether what a row names is there to be opened.
#pragma once

#include "data/cohort/feature.hpp"

#include <filesystem>
#include <string>

namespace hepar {

// missing_file, or unreadable for a pipe or device, which would keep its reader waiting; else present.
struct FileState {
  Reason reason = Reason::present;
  std::string detail;
};
[[nodiscard]] FileState file_state(const std::filesystem::path& path);

}  // namespace hepar
