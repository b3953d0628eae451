// SPDX-License-Identifier: Apache-2.0
#include "data/reports/normal_text.hpp"

#include "data/base/text.hpp"

#include <algorithm>

namespace hepar::reports {

NormalText normal_text(std::string_view utf8) {
  NormalText normal;
  std::size_t character = 0;
  for (std::size_t at = 0; at < utf8.size(); ++character) {
    const auto lead = static_cast<unsigned char>(utf8[at]);
    const std::size_t bytes = std::min<std::size_t>(lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4, utf8.size() - at);
    // ASCII needs no library; one character at a time keeps the way back.
    std::string one = bytes == 1 ? std::string(1, static_cast<char>(lead >= 'A' && lead <= 'Z' ? lead + 32 : lead)) : fold_case(nfkc(utf8.substr(at, bytes)));
    if (one == "\xc2\xa0" || one == "\xe3\x80\x80") one = " ";
    normal.byte_of.push_back(at);
    normal.origin.insert(normal.origin.end(), one.size(), character);
    normal.text += one;
    at += bytes;
  }
  normal.origin.push_back(character);
  normal.byte_of.push_back(utf8.size());
  return normal;
}

std::vector<Span> sentences_of(std::string_view normal) {
  std::vector<Span> spans;
  std::size_t begin = 0;
  const auto close = [&](std::size_t end, std::size_t next) {
    if (end > begin) spans.push_back({begin, end});
    begin = next;
  };
  for (std::size_t at = 0; at < normal.size(); ++at) {
    if (normal.substr(at, 3) == "。") close(at, at + 3);
    if (normal[at] == ';' || normal[at] == '\n' || normal[at] == '\r') close(at, at + 1);
    if (normal[at] == '.' && (at + 1 == normal.size() || normal[at + 1] == ' ' || normal[at + 1] == '\n')) close(at, at + 1);
  }
  close(normal.size(), normal.size());
  return spans;
}

}  // namespace hepar::reports
