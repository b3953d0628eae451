// SPDX-License-Identifier: Apache-2.0
#include "data/base/table.hpp"

#include "data/base/files.hpp"
#include "data/base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

namespace hepar {

namespace {

struct Record {
  std::vector<std::string> fields;
  int line = 1;
};

// The first of these that the header line holds outside quotes.
constexpr std::string_view kSeparators = ",;\t";

char separator_of(std::string_view text) {
  std::array<bool, kSeparators.size()> seen{};
  bool quoted = false, any = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n' && any) break;
    any = any || (c != '\n' && c != '\r');
    if (const std::size_t which = kSeparators.find(c); which != std::string_view::npos) seen[which] = true;
  }
  const auto first = std::find(seen.begin(), seen.end(), true);
  return first == seen.end() ? kSeparators.front() : kSeparators[static_cast<std::size_t>(first - seen.begin())];
}

// As old Macintoshes wrote: the whole table would be its header.
bool lines_end_in_cr(std::string_view text) {
  bool quoted = false, any = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') quoted = !quoted;
    if (quoted) continue;
    if (text[at] == '\n' && any) return false;
    const bool line_end = text[at] == '\r' && at + 1 < text.size() && text[at + 1] != '\n' && text[at + 1] != '\r';
    if (line_end && any) return true;
    any = any || (text[at] != '\n' && text[at] != '\r');
  }
  return false;
}

// Splits decoded text into records; RFC 4180, with LF or CRLF, blank lines skipped.
std::vector<Record> records_of(const std::string& text, const std::string& file, char separator) {
  const std::string ends{separator, '\n'};
  const std::string blanks = separator == '\t' ? " \r" : " \t\r";
  std::vector<Record> records;
  int line = 1;
  for (std::size_t at = 0; at < text.size();) {
    Record record{{}, line};
    bool blank = true;
    for (bool more = true; more;) {
      std::string field;
      if (at < text.size() && text[at] == '"') {
        const int opened = line;
        blank = false;
        for (++at;; ++at) {
          if (at >= text.size()) throw input_error("a quote is never closed", {file, opened}, "add the missing '\"'");
          if (text[at] == '\n') ++line;
          if (text[at] != '"') {
            field += text[at];
          } else if (at + 1 < text.size() && text[at + 1] == '"') {
            field += text[++at];
          } else {
            ++at;
            break;
          }
        }
        const std::size_t next = text.find_first_not_of(blanks, at);
        if (next != std::string::npos && text[next] != separator && text[next] != '\n')
          throw input_error("text follows a closed quote", {file, line}, "double the quotes inside a quoted field");
        at = next == std::string::npos ? text.size() : next;
      } else {
        const std::size_t end = std::min(text.find_first_of(ends, at), text.size());
        field = trim(std::string_view(text).substr(at, end - at));
        if (!field.empty()) blank = false;
        at = end;
      }
      record.fields.push_back(std::string(trim(field)));
      more = at < text.size() && text[at] == separator;
      if (more) ++at;
    }
    if (at < text.size()) ++at;  // the line feed
    ++line;
    if (!(blank && record.fields.size() == 1)) records.push_back(std::move(record));
  }
  return records;
}

}  // namespace

Table Table::read(const std::filesystem::path& path) { return parse(read_file(path), path); }

Table Table::parse(std::string_view bytes, const std::filesystem::path& path) {
  Table table;
  table.path_ = path;
  const std::string file = path.string();
  std::optional<Decoded> decoded = decode_text(bytes);
  if (!decoded) throw input_error("is neither UTF-8, UTF-16 nor GB18030 text", {file}, "save it as UTF-8 CSV");
  table.encoding_ = decoded->encoding;
  table.separator_ = separator_of(decoded->text);
  if (lines_end_in_cr(decoded->text)) throw input_error("its lines end in a carriage return alone", {file, 1}, "save it with LF or CR LF as line ends");
  std::vector<Record> records = records_of(decoded->text, file, table.separator_);
  if (records.empty()) throw input_error("is empty", {file}, "give a table with a header line");
  table.header_ = std::move(records.front().fields);
  std::set<std::string> seen;
  for (const std::string& name : table.header_) {
    if (!name.empty() && !seen.insert(name).second)
      throw input_error("the column '" + name + "' stands twice in the header", {file, records.front().line}, "rename or remove one");
  }
  for (std::size_t i = 1; i < records.size(); ++i) {
    if (records[i].fields.size() != table.header_.size())
      throw input_error("has " + std::to_string(records[i].fields.size()) + " fields where the header has " + std::to_string(table.header_.size()),
                        {file, records[i].line}, "check separators and quotes on this line");
    table.cells_.push_back(std::move(records[i].fields));
    table.lines_.push_back(records[i].line);
  }
  return table;
}

std::optional<std::size_t> Table::column(std::string_view name) const {
  const auto found = std::find(header_.begin(), header_.end(), name);
  if (found == header_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - header_.begin());
}

std::size_t Table::require(std::string_view name) const {
  if (const std::optional<std::size_t> found = column(name)) return *found;
  throw input_error("has no column '" + std::string(name) + "'", {path_.string(), 1}, name_advice(name, header_));
}

const std::string& Table::at(std::size_t row, std::size_t column) const { return cells_.at(row).at(column); }

Place Table::place(std::size_t row) const { return {path_.string(), lines_.at(row)}; }

std::string csv_line(const std::vector<std::string>& fields) {
  if (fields.size() == 1 && fields.front().empty()) return "\"\"\n";  // an empty line would be skipped
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += ',';
    const bool quote = fields[i].find_first_of(",\"\r\n") != std::string::npos || trim(fields[i]) != fields[i];
    if (!quote) {
      line += fields[i];
      continue;
    }
    line += '"';
    for (const char c : fields[i]) {
      if (c == '"') line += '"';
      line += c;
    }
    line += '"';
  }
  return line + '\n';
}

std::string number_text(double value) {
  if (std::isnan(value)) return {};
  std::array<char, 40> text{};
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), result.ptr};
}

}  // namespace hepar
