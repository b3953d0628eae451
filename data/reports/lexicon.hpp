// SPDX-License-Identifier: Apache-2.0
// The fixed, versioned liver-pathology lexicon: terms in Chinese and English, digits, units, punctuation. Nothing is fitted,
// and a word outside it becomes <other>: no free word leaves ingest.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hepar::reports {

inline constexpr std::string_view kLexiconVersion = "liver-pathology/1";
inline constexpr std::int32_t kOther = 0;  // id of <other>

// Terms in order of ids, after NFKC and case folding; term 0 is "<other>". New terms go to the end under a new version.
[[nodiscard]] std::span<const std::string_view> lexicon();

}  // namespace hepar::reports
