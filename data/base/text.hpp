// SPDX-License-Identifier: Apache-2.0
// Text as hospitals write it: encodings, full-width forms, numbers, dates, and the nearest known name for a typing error.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hepar {

struct Decoded {
  std::string text;      // UTF-8 without byte-order mark
  std::string encoding;  // "UTF-8", "UTF-16LE", "UTF-16BE" or "GB18030"
};
// Order: byte-order mark, strict UTF-8, strict GB18030. nullopt when none of them reads the bytes without replacement.
[[nodiscard]] std::optional<Decoded> decode_text(std::string_view bytes);

[[nodiscard]] std::string nfkc(std::string_view utf8);        // full-width digits and letters become ASCII
[[nodiscard]] std::string fold_case(std::string_view utf8);   // Unicode case folding
[[nodiscard]] std::string_view trim(std::string_view text);   // ASCII white space, U+00A0 and U+3000
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);
[[nodiscard]] std::string join(std::span<const std::string> parts, std::string_view separator);

[[nodiscard]] std::optional<double> parse_number(std::string_view text);       // whole text, locale-free, finite
[[nodiscard]] std::optional<long long> parse_integer(std::string_view text);   // whole text

// Days since 1970-01-01. `pattern` is "iso" (YYYY-MM-DD, optionally with a time) or a strptime pattern; the whole text
// must match and the date must exist.
[[nodiscard]] std::optional<long> parse_date(std::string_view text, std::string_view pattern);

// The known name with the smallest edit distance, if it is near enough to be a typing error; else empty.
[[nodiscard]] std::string nearest_name(std::string_view name, std::span<const std::string> known);
// "; did you mean 'x'?" when there is a near name, else "; known: a, b, c" (cut after twelve).
[[nodiscard]] std::string name_advice(std::string_view name, std::span<const std::string> known);

}  // namespace hepar
