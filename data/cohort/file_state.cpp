// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/file_state.hpp"

#include "data/base/special.hpp"

namespace hepar {

FileState file_state(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return {Reason::missing_file, "no such file"};
  if (is_special(path)) return {Reason::unreadable, "a pipe or device, not a file"};
  return {};
}

}  // namespace hepar
