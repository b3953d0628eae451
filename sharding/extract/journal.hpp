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
  std::string segment;               // its file name in the folder
  std::int64_t generation = 0;       // of the segment: the newer one holds
  std::uint64_t at = 0, bytes = 0;   // of the payload
  std::uint64_t xxh3 = 0;            // likewise
  std::string fingerprint;
  std::string result;                // hash of features, facts and failures, whatever they came from
  std::vector<std::int64_t> items;   // one a modality
  std::vector<Failure> failures;
  std::vector<std::string> previews; // names of their files
};

// A segment that this process writes. Appends are flushed to disk every few seconds and at the end.
class SegmentWriter {
 public:
  // `generation` is the same on all ranks of a run, and larger than that of every run before it.
  SegmentWriter(const std::filesystem::path& folder, std::int64_t generation, int rank);
  SegmentWriter(const SegmentWriter&) = delete;
  ~SegmentWriter();
  // What a scan would find of it, so that nobody needs to read it again.
  [[nodiscard]] Record append(const Extracted& extracted, const std::string& fingerprint);
  void flush();

 private:
  std::filesystem::path path_;
  std::int64_t generation_;
  int descriptor_ = -1;
  std::uint64_t written_ = 0;
  double flushed_seconds_ = 0;
};

// The newest good record of every patient, over all segments of a folder: that of the highest generation. A torn or
// damaged record ends its segment. disk_error when the folder cannot be listed.
[[nodiscard]] std::map<std::string, Record> scan_segments(const std::filesystem::path& folder);
[[nodiscard]] Extracted load(const std::filesystem::path& folder, const Record& record);  // store_error when its bytes are not those that were written

}  // namespace hepar::extract
