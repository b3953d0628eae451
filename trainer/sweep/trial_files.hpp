// SPDX-License-Identifier: Apache-2.0
// A sweep as plain files on a file system that all workers see. No server and no lock: a worker claims a trial by the first
// file of the next generation's name; the claim ends when it is left, when its holder is known to be dead, or when it has
// not been touched for the time of a lease. Every other file has one writer: the holder of its trial.
#pragma once

#include "data/base/run_folder.hpp"
#include "trainer/sweep/halving.hpp"
#include "trainer/sweep/space.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace hepar::sweep {

// Who holds a lease, so that others can tell whether it lives: by process where they share its kernel, by the count of
// restarts where they are the same Slurm job, else by the age of its last touch.
struct Holder {
  std::string worker, host, job;  // job: "123" or "123_4", empty outside Slurm
  std::int64_t process = 0, process_start = 0, restart = 0;
  [[nodiscard]] static Holder here(std::string worker);
};

// A trial that this process holds. A thread of its own touches the file.
class Lease {
 public:
  Lease(SweepFolder folder, std::int64_t trial, std::int64_t generation, double seconds);
  Lease(const Lease&) = delete;
  ~Lease();
  [[nodiscard]] std::int64_t generation() const { return generation_; }
  [[nodiscard]] bool superseded() const;
  // Before each publication: rank_failed when a later generation holds the trial.
  void check() const;
  // The trial is free again. What this process has not published by now another will make.
  void leave(const std::string& why);

 private:
  SweepFolder folder_;
  std::int64_t trial_, generation_;
  std::jthread touching_;
};

class Ledger {
 public:
  Ledger(SweepFolder folder, std::vector<Settings> trials, Holder me, double lease_seconds);

  [[nodiscard]] std::vector<TrialFacts> facts();
  // Null when somebody else was first, or the job is no longer what is to be done.
  [[nodiscard]] std::unique_ptr<Lease> claim(const Job& job);
  [[nodiscard]] nlohmann::ordered_json record(std::int64_t trial, int rung) const;
  [[nodiscard]] std::optional<std::string> failure(std::int64_t trial) const;
  void publish_rung(const Job& job, const Lease& lease, nlohmann::ordered_json record) const;
  void publish_failure(const Job& job, const Lease& lease, const std::string& why) const;

 private:
  struct Seen;
  [[nodiscard]] Seen look(std::int64_t trial);
  [[nodiscard]] bool alive(const nlohmann::ordered_json& lease, double age) const;
  [[nodiscard]] double age_of(const std::filesystem::path& file) const;
  [[nodiscard]] std::int64_t newest_checkpoint(std::int64_t trial) const;
  [[nodiscard]] std::int64_t deaths(const Job& job, std::int64_t before, std::int64_t step) const;

  SweepFolder folder_;
  std::vector<Settings> trials_;
  Holder me_;
  double lease_seconds_;
  std::map<std::pair<std::int64_t, int>, double> scores_;  // records do not change
};

}  // namespace hepar::sweep
