// SPDX-License-Identifier: Apache-2.0
// Report text after NFKC and case folding, with the way back to the characters as written.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hepar::reports {

struct NormalText {
  std::string text;                     // normalised, UTF-8
  std::vector<std::size_t> origin;      // for each byte of `text` and its end: character (code point) of the original
  std::vector<std::size_t> byte_of;     // for each character of the original and its end: its byte there
};
[[nodiscard]] NormalText normal_text(std::string_view utf8);

// Sentences as [begin, end) of normalised text: they end at 。 ； ; line ends and at a full stop before white space.
struct Span { std::size_t begin = 0, end = 0; };
[[nodiscard]] std::vector<Span> sentences_of(std::string_view normal);

}  // namespace hepar::reports
