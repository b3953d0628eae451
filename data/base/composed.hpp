// SPDX-License-Identifier: Apache-2.0
// One spelling in bytes for what looks the same: "é" may be one character or an e and an accent, by the system that wrote it.
#pragma once

#include <string>
#include <string_view>

namespace hepar {

[[nodiscard]] std::string composed(std::string_view utf8);  // Unicode normal form C; widths and all else stay

}  // namespace hepar
