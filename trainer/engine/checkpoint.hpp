// SPDX-License-Identifier: Apache-2.0
// The state of a training on disk: checkpoints/step-N/{state.safetensors, state.json}, published whole (law 3).
#pragma once

#include "data/base/run_folder.hpp"
#include "data/base/status.hpp"
#include "trainer/engine/arena.hpp"

#include <atomic>
#include <cstdint>
#include <limits>
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

// The checkpoint with the lowest mean training loss over the steps since the one before it; step 0: none yet.
struct Best {
  std::int64_t step = 0;
  double loss = std::numeric_limits<double>::infinity();
};

// The same on every rank; nothing is per rank.
struct Cursor {
  std::int64_t step = 0;               // steps done
  std::int64_t updates = 0;            // optimiser updates (skipped steps make none)
  std::int64_t skipped = 0, skipped_in_a_row = 0;
  std::int64_t rollbacks = 0;          // to the anchor; each halves the learning rate
  std::vector<int> exponents;          // of the fixed point, a segment each
  std::string config_sha256, features_sha256, tables_sha256, machine;
  Spent spent;                         // the root's alone: for the bill
  double loss = std::numeric_limits<double>::infinity();  // mean since the checkpoint before; the root's alone, as is the best
  Best best{};
  std::int64_t reproducible_until = -1;  // the step from which another machine went on; -1: one machine computed all
};

// Writes checkpoints in the background: `save` copies and returns. One rank writes, without any collective.
class CheckpointWriter {
 public:
  // Before each publication `fence` is asked whether the folder still is this process's. `loaded`: the step of the checkpoint
  // that the training continues from (0: none). The newest `keep` of those known to be whole and the best stay; all others go.
  CheckpointWriter(RunFolder folder, StatusFile fence, std::int64_t loaded, std::size_t keep = 2, Best best = {})
      : folder_(std::move(folder)), fence_(std::move(fence)), keep_(keep), best_(best) {
    if (loaded > 0) whole_.push_back(loaded);
  }
  ~CheckpointWriter();
  void save(Arena& arena, const Cursor& cursor);      // waits when the one before is still being written
  bool try_save(Arena& arena, const Cursor& cursor);  // gives this one up instead, counts it and returns false
  void wait();                                        // until what was saved is on disk; throws its disk_error
  [[nodiscard]] double stall_seconds() const { return stall_seconds_; }
  [[nodiscard]] std::int64_t given_up() const { return given_up_; }
  [[nodiscard]] std::int64_t written() const { return written_; }  // all three after wait()
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  [[nodiscard]] Best best() const { return best_; }
  // What a checkpoint costs at most: its copy and the writing beside the computing; 0 before the first.
  [[nodiscard]] double cost_seconds() const { return cost_seconds_.load(); }

 private:
  void write(const Cursor& cursor);

  RunFolder folder_;
  StatusFile fence_;
  std::size_t keep_;
  std::vector<std::int64_t> whole_;  // ascending; the thread's while it runs
  Best best_;
  std::string buffer_;               // of the copy: kept, so that its pages are there the next time; the thread's while it runs
  std::thread thread_;
  std::atomic<bool> busy_{false};
  std::exception_ptr failure_;
  double stall_seconds_ = 0;
  std::atomic<double> cost_seconds_{0};
  std::int64_t given_up_ = 0, written_ = 0, bytes_ = 0;
};

// The interval between checkpoints that loses least when what ends the work comes once in `horizon` seconds (Young 1974, Daly
// 2006, first order), from half a minute to an hour.
[[nodiscard]] double young_daly(double cost_seconds, double horizon_seconds);

// The newest checkpoint whose content is whole, put into the arena; damaged ones are passed over and named in `notes`.
[[nodiscard]] std::optional<Cursor> load_newest(const RunFolder& folder, Arena& arena, std::vector<std::string>& notes);

}  // namespace hepar::engine
