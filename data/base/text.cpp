// SPDX-License-Identifier: Apache-2.0
#include "data/base/text.hpp"

#include "data/base/composed.hpp"

#include <unicode/casemap.h>
#include <unicode/normalizer2.h>
#include <unicode/ucnv.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>
#include <memory>
#include <numeric>

namespace hepar {

namespace {

bool is_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : (lead & 0xf0) == 0xe0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
    if (length == 0 || i + length > bytes.size()) return false;
    for (std::size_t j = 1; j < length; ++j)
      if ((static_cast<unsigned char>(bytes[i + j]) & 0xc0) != 0x80) return false;
    const unsigned char second = length > 1 ? static_cast<unsigned char>(bytes[i + 1]) : 0;
    const bool overlong_or_surrogate = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                                       (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
    if (overlong_or_surrogate) return false;
    i += length;
  }
  return true;
}

// nullopt when a byte sequence has no meaning in the encoding.
std::optional<std::string> decode_strictly(std::string_view bytes, const char* encoding) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, decltype(&ucnv_close)> converter(ucnv_open(encoding, &status), &ucnv_close);
  if (U_FAILURE(status)) return std::nullopt;
  ucnv_setToUCallBack(converter.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &status);
  std::u16string units(bytes.size() + 1, u'\0');
  const int32_t length = ucnv_toUChars(converter.get(), units.data(), static_cast<int32_t>(units.size()), bytes.data(),
                                       static_cast<int32_t>(bytes.size()), &status);
  if (U_FAILURE(status)) return std::nullopt;
  std::string utf8;
  icu::UnicodeString(units.data(), length).toUTF8String(utf8);
  return utf8;
}

struct Mark {
  std::string_view bytes;
  const char* encoding;
};
constexpr std::array<Mark, 3> kMarks{{{"\xef\xbb\xbf", "UTF-8"}, {"\xff\xfe", "UTF-16LE"}, {"\xfe\xff", "UTF-16BE"}}};

bool same_letter(char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b)); }

// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment), without regard to case.
std::size_t typing_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  std::iota(last.begin(), last.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same_letter(a[i - 1], b[j - 1]) ? 0 : 1)});
      if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1])) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

std::string normalised(std::string_view utf8, const icu::Normalizer2* (*form)(UErrorCode&)) {
  const bool ascii = std::all_of(utf8.begin(), utf8.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii) return std::string(utf8);
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = form(status);
  if (U_FAILURE(status)) return std::string(utf8);
  std::string out;
  normalizer->normalize(icu::UnicodeString::fromUTF8({utf8.data(), static_cast<int32_t>(utf8.size())}), status).toUTF8String(out);
  return out;
}

}  // namespace

std::optional<Decoded> decode_text(std::string_view bytes) {
  for (const Mark& mark : kMarks) {
    if (!bytes.starts_with(mark.bytes)) continue;
    const std::string_view body = bytes.substr(mark.bytes.size());
    std::optional<std::string> text = decode_strictly(body, mark.encoding);
    if (!text) return std::nullopt;
    return Decoded{*std::move(text), mark.encoding};
  }
  if (bytes.find('\0') != std::string_view::npos) return std::nullopt;
  if (is_utf8(bytes)) return Decoded{std::string(bytes), "UTF-8"};
  if (std::optional<std::string> text = decode_strictly(bytes, "gb18030")) return Decoded{*std::move(text), "GB18030"};
  return std::nullopt;
}

std::string nfkc(std::string_view utf8) { return normalised(utf8, &icu::Normalizer2::getNFKCInstance); }
std::string composed(std::string_view utf8) { return normalised(utf8, &icu::Normalizer2::getNFCInstance); }

std::string fold_case(std::string_view utf8) {
  std::string out;
  icu::UnicodeString::fromUTF8({utf8.data(), static_cast<int32_t>(utf8.size())}).foldCase().toUTF8String(out);
  return out;
}

std::string_view trim(std::string_view text) {
  static constexpr std::array<std::string_view, 9> kSpaces{" ", "\t", "\r", "\n", "\v", "\f", "\xc2\xa0", "\xe3\x80\x80", "\xef\xbb\xbf"};
  const auto strip = [&](auto&& has, auto&& drop) {
    for (bool again = true; again;) {
      again = false;
      for (const std::string_view space : kSpaces)
        while (!text.empty() && has(space)) {
          drop(space.size());
          again = true;
        }
    }
  };
  strip([&](std::string_view s) { return text.starts_with(s); }, [&](std::size_t n) { text.remove_prefix(n); });
  strip([&](std::string_view s) { return text.ends_with(s); }, [&](std::size_t n) { text.remove_suffix(n); });
  return text;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += separator;
    text += parts[i];
  }
  return text;
}

std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<long long> parse_integer(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<long> parse_date(std::string_view text, std::string_view pattern) {
  const std::string value(text);
  std::tm parts{};
  const char* rest = nullptr;
  if (pattern == "iso") {
    rest = ::strptime(value.c_str(), "%Y-%m-%d", &parts);
    if (rest != nullptr && (*rest == 'T' || *rest == ' ')) {
      std::tm time{};
      const char* after = ::strptime(rest + 1, "%H:%M:%S", &time);
      if (after == nullptr) after = ::strptime(rest + 1, "%H:%M", &time);
      rest = after;
    }
  } else {
    rest = ::strptime(value.c_str(), std::string(pattern).c_str(), &parts);
  }
  if (rest == nullptr || *rest != '\0') return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(parts.tm_year + 1900), std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
                                         std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

std::string nearest_name(std::string_view name, std::span<const std::string> known) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = typing_distance(name, candidate);
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = candidate;
  }
  return best;
}

std::string name_advice(std::string_view name, std::span<const std::string> known) {
  const std::string near = nearest_name(name, known);
  if (!near.empty()) return "did you mean '" + near + "'?";
  const std::size_t shown = std::min<std::size_t>(known.size(), 12);
  return "known: " + join(known.first(shown), ", ") + (shown < known.size() ? ", …" : "");
}

}  // namespace hepar
