// SPDX-License-Identifier: Apache-2.0
#include "sharding/extract/attempts.hpp"

#include "data/base/files.hpp"
#include "data/base/table.hpp"
#include "data/base/text.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

namespace hepar::extract {

namespace {

const std::vector<std::string> kLogHeader{"event", "patient_id", "seconds", "bytes", "result"};
const std::vector<std::string> kPageHeader{"patient_id", "attempts", "cut_off", "seconds", "bytes", "result"};

std::string result_of(const Extracted& extracted) {
  std::string text;
  for (const Failure& failure : extracted.failures) text += (text.empty() ? "" : "; ") + failure.modality + ": " + failure.reason;
  return text.empty() ? "complete" : text;
}

// A table that may end in the middle of a line; nothing when not even its header is whole.
std::optional<Table> whole_lines(const fs::path& file) {
  const std::string bytes = read_file(file);
  const std::size_t end = bytes.rfind('\n');
  return end == std::string::npos ? std::nullopt : std::optional(Table::parse(std::string_view(bytes).substr(0, end + 1), file));
}

double number_at(const Table& table, std::size_t row, std::size_t column) { return parse_number(table.at(row, column)).value_or(0); }

void add_page(const fs::path& page, AttemptsByKey& attempts) {
  std::error_code missing;
  if (!fs::exists(page, missing)) return;
  const std::optional<Table> table = whole_lines(page);
  if (!table || table->header() != kPageHeader) return;
  for (std::size_t row = 0; row < table->rows(); ++row) {
    Attempts& one = attempts[table->at(row, 0)];
    one.begun = static_cast<std::int64_t>(number_at(*table, row, 1));
    one.ended = one.begun - static_cast<std::int64_t>(number_at(*table, row, 2));
    one.seconds = number_at(*table, row, 3);
    one.bytes = static_cast<std::int64_t>(number_at(*table, row, 4));
    one.result = table->at(row, 5);
  }
}

void add_log(const fs::path& file, AttemptsByKey& attempts) {
  const std::optional<Table> table = whole_lines(file);
  if (!table || table->header() != kLogHeader) return;
  for (std::size_t row = 0; row < table->rows(); ++row) {
    Attempts& one = attempts[table->at(row, 1)];
    if (table->at(row, 0) == "begin") {
      ++one.begun;
      continue;
    }
    ++one.ended;
    one.seconds = number_at(*table, row, 2);
    one.bytes = static_cast<std::int64_t>(number_at(*table, row, 3));
    one.result = table->at(row, 4);
  }
}

}  // namespace

AttemptLog::AttemptLog(const fs::path& folder, std::int64_t generation, int rank)
    : path_(folder / fmt::format("{:08d}-rank-{}-{}.csv", generation, rank, ::getpid())) {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw disk_error("cannot create", {path_.string()});
  write(csv_line(kLogHeader));
}

AttemptLog::~AttemptLog() { ::close(descriptor_); }

void AttemptLog::begin(const std::string& key) { write(csv_line({"begin", key, "", "", ""})); }

void AttemptLog::end(const Extracted& extracted, double seconds, std::int64_t bytes) {
  write(csv_line({"end", extracted.features.key, fmt::format("{:.3f}", seconds), std::to_string(bytes), result_of(extracted)}));
}

void AttemptLog::write(const std::string& line) const {
  if (::write(descriptor_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) throw disk_error("cannot write", {path_.string()});
}

AttemptsByKey read_attempts(const fs::path& page, const fs::path& folder) {
  AttemptsByKey attempts;
  add_page(page, attempts);
  for (const fs::path& file : entries_of(folder)) add_log(file, attempts);
  return attempts;
}

std::string attempts_page(const AttemptsByKey& attempts) {
  std::string page = csv_line(kPageHeader);
  for (const auto& [key, one] : attempts)
    page += csv_line(
        {key, std::to_string(one.begun), std::to_string(one.begun - one.ended), fmt::format("{:.3f}", one.seconds), std::to_string(one.bytes), one.result});
  return page;
}

}  // namespace hepar::extract
