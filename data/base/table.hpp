// SPDX-License-Identifier: Apache-2.0
// A CSV table (RFC 4180; UTF-8 with or without byte-order mark, UTF-16 or GB18030; LF or CRLF) that knows its lines. Fields are
// separated by commas, or by what spreadsheets write instead (';' where the comma is the decimal sign, tabs): the header decides.
#pragma once

#include "data/base/error.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hepar {

class Table {
 public:
  // Throws input_error with file:line: absent, empty, no header, undecodable, an unclosed quote, a row with another
  // number of fields, a header name twice. Header names and fields are trimmed of outer white space, not changed else.
  static Table read(const std::filesystem::path& path);
  static Table parse(std::string_view bytes, const std::filesystem::path& path);

  [[nodiscard]] std::size_t rows() const { return lines_.size(); }
  [[nodiscard]] const std::vector<std::string>& header() const { return header_; }
  [[nodiscard]] std::optional<std::size_t> column(std::string_view name) const;
  [[nodiscard]] std::size_t require(std::string_view name) const;  // input_error with the nearest known name
  [[nodiscard]] const std::string& at(std::size_t row, std::size_t column) const;
  [[nodiscard]] Place place(std::size_t row) const;  // file and the line the row starts on
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] const std::string& encoding() const { return encoding_; }
  [[nodiscard]] char separator() const { return separator_; }

 private:
  std::filesystem::path path_;
  std::string encoding_;
  char separator_ = ',';
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> cells_;
  std::vector<int> lines_;
};

// One CSV line with the quotes that RFC 4180 asks for, ending in LF.
[[nodiscard]] std::string csv_line(const std::vector<std::string>& fields);
// The shortest decimal text that reads back as the same double ("" for NaN).
[[nodiscard]] std::string number_text(double value);

}  // namespace hepar
