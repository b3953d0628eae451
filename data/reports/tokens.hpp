// SPDX-License-Identifier: Apache-2.0
// Text to lexicon ids: NFKC, case folding, then the longest term for Chinese and the whole word for Latin script.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hepar::reports {

[[nodiscard]] std::vector<std::int32_t> tokens_of(std::string_view utf8);
// "zh" when Chinese characters outnumber Latin words, else "en".
[[nodiscard]] std::string language_of(std::string_view utf8);

}  // namespace hepar::reports
