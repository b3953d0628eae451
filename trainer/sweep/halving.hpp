// SPDX-License-Identifier: Apache-2.0
// Which trial goes on: a pure function of what is known of the trials (asynchronous successive halving, Li et al. 2020).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hepar::sweep {

struct Halving {
  int rungs = 1;           // 1: every trial is trained to its end
  double reduction = 3;    // one of so many goes on
  bool waits = false;      // true: a rung is decided when all of it is known, so that no order of workers can change it
};

// Share of a training after which rung `rung` is scored: reduction^(rung - last).
[[nodiscard]] double share_of(const Halving& halving, int rung);

struct TrialFacts {
  std::vector<double> scores = {};  // of its finished rungs; higher is better, NaN: not estimable
  bool failed = false;              // for good; it counts as the worst of the rung that it was on
  bool begun = false;               // a rung that is not finished
  bool held = false;                // by a living worker
  [[nodiscard]] int rung() const { return static_cast<int>(scores.size()); }  // the one it is on, or would go to
};

struct Job {
  std::int64_t trial = 0;
  int rung = 0;
  friend bool operator==(const Job&, const Job&) = default;
};

struct Decision {
  std::optional<Job> job = {};
  bool done = false;  // nothing is left; neither: others hold what is left, ask again
};

// In this order: a rung that somebody left, a promotion (highest rung first, best score first), the next new trial.
[[nodiscard]] Decision next_job(const Halving& halving, std::span<const TrialFacts> trials);

}  // namespace hepar::sweep
