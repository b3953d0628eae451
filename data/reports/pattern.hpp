// SPDX-License-Identifier: Apache-2.0
// Regular expressions over normalised report text (UTF-16). Places are absolute in that text.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace hepar::reports {

struct Span {
  std::size_t begin = 0, end = 0;
  [[nodiscard]] std::size_t size() const { return end - begin; }
  [[nodiscard]] bool holds(const Span& other) const { return begin <= other.begin && other.end <= end; }
};

struct Match {
  static constexpr std::size_t kGroups = 8;
  Span whole;
  std::array<Span, kGroups> groups;  // groups[0] is the whole; one that took no part is empty
};

// ICU's syntax, in UTF-8, with three shorthands: ‹ and › are the edges of a Latin word or number (a Chinese character is
// no part of one), @n is a decimal number in a group. An expression that cannot be read throws std::logic_error.
class Pattern {
 public:
  explicit Pattern(std::string_view expression);
  Pattern(Pattern&&) noexcept;
  ~Pattern();

  [[nodiscard]] std::optional<Match> find(std::u16string_view text, Span within) const;
  [[nodiscard]] std::optional<Match> starts(std::u16string_view text, Span within) const;  // at within.begin only
  [[nodiscard]] std::vector<Match> all(std::u16string_view text, Span within) const;
  [[nodiscard]] bool in(std::u16string_view text, Span within) const { return find(text, within).has_value(); }

 private:
  struct Compiled;
  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace hepar::reports
