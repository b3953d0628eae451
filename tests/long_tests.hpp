// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <string_view>

namespace hepar {

// tools/check sets HEPAR_LONG to 0, with --long to 1.
inline bool long_tests() {
  const char* const value = std::getenv("HEPAR_LONG");
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace hepar
