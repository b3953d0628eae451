// SPDX-License-Identifier: Apache-2.0
// Report text in the one spelling that the rules know, with the way back to the characters as written: NFKC and case
// folding, simplified characters, entities of HTML, one kind of dash and of space, no line breaks inside a phrase, and of
// options printed beside boxes only the ticked ones.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hepar::reports {

struct NormalText {
  std::u16string text;
  std::vector<std::size_t> origin;   // for each unit of `text` and its end: character (code point) of the original
  std::vector<std::size_t> byte_of;  // for each character of the original and its end: its byte there
};
[[nodiscard]] NormalText normal_text(std::string_view utf8);

}  // namespace hepar::reports
