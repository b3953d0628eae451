// SPDX-License-Identifier: Apache-2.0
// The frame of every HTML page that Hepar writes: one style for screen, phone, dark and print; no script, no request to anywhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hepar {

[[nodiscard]] std::string escaped(std::string_view text);    // for HTML and SVG
[[nodiscard]] std::string number(double value, int digits);  // "not known" for NaN and infinity
[[nodiscard]] std::string base64(std::string_view bytes);    // RFC 4648, for pictures within a page

// Arguments from here on are HTML.
[[nodiscard]] std::string section(const std::string& id, const std::string& title, const std::string& body);
// The first column names the row. On a phone `stacked` rows become cards; `sliding` ones (many columns of short numbers) slide
// sideways under their names.
enum class Narrow : std::uint8_t { stacked, sliding };
[[nodiscard]] std::string table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows, Narrow narrow = Narrow::stacked);

struct PageFrame {
  std::string first_bytes = "<!doctype html>";                  // so that a page of a kind is known again
  std::string title, lead, notice;
  std::vector<std::pair<std::string, std::string>> navigation;  // id of a section, words
  std::string body;
};
[[nodiscard]] std::string html_of(const PageFrame& frame);

}  // namespace hepar
