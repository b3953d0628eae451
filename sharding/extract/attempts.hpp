// SPDX-License-Identifier: Apache-2.0
// How often each patient was read, for how long and with which result: lines of text beside the segments, one file a writer,
// so that a run that is killed leaves behind whom it was reading.
#pragma once

#include "sharding/extract/extract.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace hepar::extract {

struct Attempts {
  std::int64_t begun = 0, ended = 0;  // more begun than ended: the process died meanwhile
  double seconds = 0;                 // of the last that ended
  std::int64_t bytes = 0;             // of its source files
  std::string result;                 // "complete", or "MODALITY: reason; ..."
};
using AttemptsByKey = std::map<std::string, Attempts, std::less<>>;

class AttemptLog {
 public:
  AttemptLog(const std::filesystem::path& folder, std::int64_t generation, int rank);  // disk_error
  AttemptLog(const AttemptLog&) = delete;
  ~AttemptLog();
  void begin(const std::string& key);
  void end(const Extracted& extracted, double seconds, std::int64_t bytes);

 private:
  void write(const std::string& line) const;
  std::filesystem::path path_;
  int descriptor_ = -1;
};

// `page`, with the logs of `folder` added; what a kill left of a last line is passed over.
[[nodiscard]] AttemptsByKey read_attempts(const std::filesystem::path& page, const std::filesystem::path& folder);
// The page as text: patient_id, attempts, cut_off, seconds, bytes, result.
[[nodiscard]] std::string attempts_page(const AttemptsByKey& attempts);

}  // namespace hepar::extract
