// SPDX-License-Identifier: Apache-2.0
#include "data/reports/pattern.hpp"

#include <unicode/regex.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace hepar::reports {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kShorthands{
    {{"‹", "(?<![a-z0-9])"}, {"›", "(?![a-z0-9])"}, {"@n", R"((\d+(?:\.\d+)?))"}}};

std::string written_out(std::string_view expression) {
  std::string text(expression);
  for (const auto& [shorthand, meaning] : kShorthands)
    for (std::size_t at = text.find(shorthand); at != std::string::npos; at = text.find(shorthand, at + meaning.size()))
      text.replace(at, shorthand.size(), meaning);
  return text;
}

Span span_of(icu::RegexMatcher& matcher, int group, UErrorCode& status) {
  const int32_t begin = matcher.start(group, status), end = matcher.end(group, status);
  return begin < 0 ? Span{} : Span{static_cast<std::size_t>(begin), static_cast<std::size_t>(end)};
}

Match match_of(icu::RegexMatcher& matcher, UErrorCode& status) {
  Match match;
  const int groups = std::min<int>(matcher.groupCount(), static_cast<int>(Match::kGroups) - 1);
  for (int group = 0; group <= groups; ++group) match.groups[static_cast<std::size_t>(group)] = span_of(matcher, group, status);
  match.whole = match.groups[0];
  return match;
}

}  // namespace

struct Pattern::Compiled {
  std::unique_ptr<icu::RegexPattern> pattern;

  // Calls `visit(matcher, status)` with a matcher over `within`; a match that ICU gives up counts as none.
  template <class Visit>
  void over(std::u16string_view text, const Span& within, Visit visit) const {
    UErrorCode status = U_ZERO_ERROR;
    const icu::UnicodeString alias(false, text.data(), static_cast<int32_t>(text.size()));
    const std::unique_ptr<icu::RegexMatcher> matcher(pattern->matcher(alias, status));
    if (U_FAILURE(status)) return;
    matcher->region(static_cast<int64_t>(within.begin), static_cast<int64_t>(within.end), status);
    if (U_SUCCESS(status)) visit(*matcher, status);
  }
};

Pattern::Pattern(std::string_view expression) {
  UErrorCode status = U_ZERO_ERROR;
  UParseError where{};
  const std::string text = written_out(expression);
  auto compiled = std::make_unique<Compiled>();
  compiled->pattern.reset(icu::RegexPattern::compile(icu::UnicodeString::fromUTF8(text), 0, where, status));
  if (U_FAILURE(status)) throw std::logic_error("cannot read the pattern '" + text + "' at " + std::to_string(where.offset));
  compiled_ = std::move(compiled);
}

Pattern::Pattern(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

std::optional<Match> Pattern::find(std::u16string_view text, Span within) const {
  std::optional<Match> found;
  compiled_->over(text, within, [&](icu::RegexMatcher& matcher, UErrorCode& status) {
    if (matcher.find(status) && U_SUCCESS(status)) found = match_of(matcher, status);
  });
  return found;
}

std::optional<Match> Pattern::starts(std::u16string_view text, Span within) const {
  std::optional<Match> found;
  compiled_->over(text, within, [&](icu::RegexMatcher& matcher, UErrorCode& status) {
    if (matcher.lookingAt(status) && U_SUCCESS(status)) found = match_of(matcher, status);
  });
  return found;
}

std::vector<Match> Pattern::all(std::u16string_view text, Span within) const {
  std::vector<Match> found;
  compiled_->over(text, within, [&](icu::RegexMatcher& matcher, UErrorCode& status) {
    while (matcher.find(status) && U_SUCCESS(status)) found.push_back(match_of(matcher, status));
  });
  return found;
}

}  // namespace hepar::reports
