// SPDX-License-Identifier: Apache-2.0
// What has been extracted so far, durable at patient granularity: one append-only segment a writer, each record with its
// length and hash, so that a killed run loses at most the records that were not flushed.
#pragma once

#include "sharding/extract/extract.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace hepar::extract {

struct Record {
  std::filesystem::path segment;
  std::uint64_t at = 0, bytes = 0;   // of the payload
  std::string fingerprint;
  std::string result;                // hash of what was extracted, whatever it came from
  std::vector<std::int64_t> items;   // one a modality
  std::vector<Failure> failures;
};

// A segment that this process writes. Appends are flushed to disk every few seconds and at the end.
class SegmentWriter {
 public:
  explicit SegmentWriter(const std::filesystem::path& folder, int rank);
  SegmentWriter(const SegmentWriter&) = delete;
  ~SegmentWriter();
  void append(const Extracted& extracted, const std::string& fingerprint);
  void flush();

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  double flushed_seconds_ = 0;
};

// The newest good record of every patient, over all segments of a folder. A torn or damaged record ends its segment.
[[nodiscard]] std::map<std::string, Record> scan_segments(const std::filesystem::path& folder);
[[nodiscard]] Extracted load(const Record& record);  // store_error when it changed since the scan

}  // namespace hepar::extract
