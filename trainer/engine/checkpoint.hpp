// SPDX-License-Identifier: Apache-2.0
// The state of a training on disk: checkpoints/step-N/{state.safetensors, state.json}, published whole (law 3).
#pragma once

#include "data/base/run_folder.hpp"
#include "data/base/status.hpp"
#include "trainer/engine/arena.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace hepar::engine {

// What all sessions of a training took together.
struct Spent {
  double seconds = 0;
  std::int64_t sessions = 0;
};

// The same on every rank; nothing is per rank.
struct Cursor {
  std::int64_t step = 0;               // steps done
  std::int64_t updates = 0;            // optimiser updates (skipped steps make none)
  std::int64_t skipped = 0, skipped_in_a_row = 0;
  std::vector<int> exponents;          // of the fixed point, a segment each
  std::string config_sha256, features_sha256, tables_sha256, machine;
  Spent spent;                         // the root's alone: for the bill
  std::int64_t reproducible_until = -1;  // the step from which another machine went on; -1: one machine computed all
};

// Writes checkpoints in the background: `save` copies and returns. One rank writes, without any collective.
class CheckpointWriter {
 public:
  // Before each publication `fence` is asked whether the folder still is this process's. `loaded`: the step of the checkpoint
  // that the training continues from (0: none). The newest `keep` of those known to be whole stay; all others go.
  CheckpointWriter(RunFolder folder, StatusFile fence, std::int64_t loaded, std::size_t keep = 2) : folder_(std::move(folder)), fence_(std::move(fence)), keep_(keep) {
    if (loaded > 0) whole_.push_back(loaded);
  }
  ~CheckpointWriter();
  void save(Arena& arena, const Cursor& cursor);  // waits only when the one before is still being written
  void wait();                                    // until what was saved is on disk; throws its disk_error
  [[nodiscard]] double stall_seconds() const { return stall_seconds_; }
  [[nodiscard]] std::int64_t written() const { return written_; }  // both after wait()
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

 private:
  RunFolder folder_;
  StatusFile fence_;
  std::size_t keep_;
  std::vector<std::int64_t> whole_;  // ascending; the thread's while it runs
  std::thread thread_;
  std::exception_ptr failure_;
  double stall_seconds_ = 0;
  std::int64_t written_ = 0, bytes_ = 0;
};

// The newest checkpoint whose content is whole, put into the arena; damaged ones are passed over and named in `notes`.
[[nodiscard]] std::optional<Cursor> load_newest(const RunFolder& folder, Arena& arena, std::vector<std::string>& notes);

}  // namespace hepar::engine
