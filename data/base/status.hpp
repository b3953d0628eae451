// SPDX-License-Identifier: Apache-2.0
// OUT/status.json: what a run is doing or how it ended, for scripts (a launcher's exit code is lost with a node), and the
// fence between two jobs in one folder: after a network cut an old job may live on while its successor already runs.
#pragma once

#include "data/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace hepar {

struct Status {
  std::string state = "running";      // running | finished | stopped | failed
  ExitCode code = ExitCode::done;
  std::optional<std::int64_t> step = {}; // of a training
  int rank = 0;                       // that speaks
  std::string phase = {}, message = {};
  std::string host = {};              // filled in by StatusFile where it is empty
  std::int64_t generation = 0;        // likewise
};

// "class" of status.json: done, usage, input, store, training, rank, disk, stopped or bug.
[[nodiscard]] std::string status_class(ExitCode code);
// nullopt when there is none; store_error when it is no status.
[[nodiscard]] std::optional<Status> read_status(const std::filesystem::path& path);

// The status of a folder that this process works in. Copies keep the generation.
class StatusFile {
 public:
  explicit StatusFile(std::filesystem::path path) : path_(std::move(path)) {}

  // Takes the folder: from here on writers of earlier generations are superseded. Throws disk_error.
  void begin(Status status);
  // This process works for the one that began: another rank of it, or a later stage. 0: no generation is claimed.
  void join(std::int64_t generation) { generation_ = generation; }
  [[nodiscard]] std::int64_t generation() const { return generation_; }
  // Throws like `check`. Without `begin` (an array task among others) the generation on disk is kept.
  void publish(Status status);
  // Before anything is published: throws rank_failed when a later generation has begun. Safe from any thread.
  void check() const;
  [[nodiscard]] bool begun() const { return generation_ > 0; }

 private:
  std::filesystem::path path_;
  std::int64_t generation_ = 0;
};

}  // namespace hepar
