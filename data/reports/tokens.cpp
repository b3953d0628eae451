// SPDX-License-Identifier: Apache-2.0
#include "data/reports/tokens.hpp"

#include "data/base/text.hpp"
#include "data/reports/lexicon.hpp"

#include <algorithm>
#include <cctype>
#include <unordered_map>

namespace hepar::reports {

namespace {

struct Index {
  std::unordered_map<std::string_view, std::int32_t> ids;
  std::size_t longest = 1;
};

const Index& index() {
  static const Index kIndex = [] {
    Index made;
    for (std::size_t i = 1; i < lexicon().size(); ++i) {
      made.ids[lexicon()[i]] = static_cast<std::int32_t>(i);
      made.longest = std::max(made.longest, lexicon()[i].size());
    }
    return made;
  }();
  return kIndex;
}

bool letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

std::size_t character_bytes(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

// The end of a Latin word: letters, then letters, digits and inner hyphens ("ki-67", "edmondson-steiner").
std::size_t word_end(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() &&
         (letter(text[end]) || digit(text[end]) || (text[end] == '-' && end + 1 < text.size() && (letter(text[end + 1]) || digit(text[end + 1])))))
    ++end;
  return end;
}

class Tokens {
 public:
  void known(std::int32_t id) { ids_.push_back(id); }
  void other() {
    if (ids_.empty() || ids_.back() != kOther) ids_.push_back(kOther);  // a run of unknown words says no more than one
  }
  [[nodiscard]] std::vector<std::int32_t> take() { return std::move(ids_); }

 private:
  std::vector<std::int32_t> ids_;
};

void add_word(std::string_view word, Tokens& tokens) {
  if (const auto found = index().ids.find(word); found != index().ids.end()) return tokens.known(found->second);
  // A hyphenated word may be known by its parts.
  if (word.find('-') != std::string_view::npos) {
    for (const std::string& part : split(word, '-')) add_word(part, tokens);
    return;
  }
  const bool number = !word.empty() && std::all_of(word.begin(), word.end(), &digit);
  if (!number) return tokens.other();
  for (const char c : word) tokens.known(index().ids.at(std::string_view(&c, 1)));
}

}  // namespace

std::vector<std::int32_t> tokens_of(std::string_view utf8) {
  const std::string text = fold_case(nfkc(utf8));
  Tokens tokens;
  for (std::size_t at = 0; at < text.size();) {
    if (trim(std::string_view(text).substr(at, character_bytes(text[at]))).empty()) {
      at += character_bytes(text[at]);
      continue;
    }
    if (letter(text[at])) {
      const std::size_t end = word_end(text, at);
      add_word(std::string_view(text).substr(at, end - at), tokens);
      at = end;
      continue;
    }
    bool found = false;
    for (std::size_t length = std::min(index().longest, text.size() - at); length > 0 && !found; --length) {
      const auto term = index().ids.find(std::string_view(text).substr(at, length));
      if (term == index().ids.end()) continue;
      tokens.known(term->second);
      at += length;
      found = true;
    }
    if (found) continue;
    tokens.other();
    at += character_bytes(text[at]);
  }
  return tokens.take();
}

std::string language_of(std::string_view utf8) {
  std::size_t chinese = 0, latin = 0;
  for (std::size_t at = 0; at < utf8.size();) {
    const std::size_t bytes = character_bytes(utf8[at]);
    if (bytes == 3 && static_cast<unsigned char>(utf8[at]) >= 0xe4 && static_cast<unsigned char>(utf8[at]) <= 0xe9) ++chinese;
    if (letter(utf8[at]) && (at == 0 || !letter(utf8[at - 1]))) ++latin;
    at += bytes;
  }
  return chinese > latin ? "zh" : "en";
}

}  // namespace hepar::reports
