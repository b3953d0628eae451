// SPDX-License-Identifier: Apache-2.0
#include "trainer/sweep/halving.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::sweep {

namespace {

using Trials = std::span<const TrialFacts>;

bool finished(const TrialFacts& trial, int rung) { return trial.rung() > rung; }
bool lost(const TrialFacts& trial, int rung) { return trial.failed && trial.rung() == rung; }
// Somebody has taken it beyond the rung, whatever came of it.
bool promoted(const TrialFacts& trial, int rung) { return trial.rung() > rung + 1 || (trial.rung() == rung + 1 && (trial.begun || trial.failed)); }

struct Rung {
  std::int64_t results = 0, promoted = 0;
  std::int64_t ranked = 0;  // results with a score: only these can go on
};

Rung look_at(Trials trials, int rung) {
  Rung seen;
  for (const TrialFacts& trial : trials) {
    seen.results += finished(trial, rung) || lost(trial, rung) ? 1 : 0;
    seen.promoted += promoted(trial, rung) ? 1 : 0;
    seen.ranked += finished(trial, rung) && std::isfinite(trial.scores[static_cast<std::size_t>(rung)]) ? 1 : 0;
  }
  return seen;
}

// How many may go on from a rung of which all is known; the last survivor always does.
std::int64_t quota(const Halving& halving, std::int64_t results) { return static_cast<std::int64_t>(std::floor(static_cast<double>(results) / halving.reduction + 1e-9)); }

// Nobody else will come to this rung.
bool complete(const Halving& halving, Trials trials, int rung) {
  if (rung == 0) return std::all_of(trials.begin(), trials.end(), [](const TrialFacts& trial) { return finished(trial, 0) || lost(trial, 0); });
  if (!complete(halving, trials, rung - 1)) return false;
  const Rung before = look_at(trials, rung - 1), here = look_at(trials, rung);
  const std::int64_t expected = std::min(before.ranked, std::max<std::int64_t>(1, quota(halving, before.results)));
  return here.results == before.promoted && before.promoted >= expected;
}

std::optional<Job> promotion(const Halving& halving, Trials trials, int rung) {
  std::vector<std::int64_t> ranked;
  for (std::size_t i = 0; i < trials.size(); ++i)
    if (finished(trials[i], rung) && std::isfinite(trials[i].scores[static_cast<std::size_t>(rung)])) ranked.push_back(static_cast<std::int64_t>(i));
  const auto score = [&](std::int64_t trial) { return trials[static_cast<std::size_t>(trial)].scores[static_cast<std::size_t>(rung)]; };
  std::stable_sort(ranked.begin(), ranked.end(), [&](std::int64_t a, std::int64_t b) { return score(a) > score(b); });
  const Rung seen = look_at(trials, rung);
  const bool whole = complete(halving, trials, rung);
  if (halving.waits && !whole) return std::nullopt;
  std::int64_t allowed = quota(halving, seen.results);
  if (whole && allowed == 0) allowed = 1;
  for (std::int64_t place = 0; place < std::min<std::int64_t>(allowed, static_cast<std::int64_t>(ranked.size())); ++place) {
    const TrialFacts& trial = trials[static_cast<std::size_t>(ranked[static_cast<std::size_t>(place)])];
    if (!promoted(trial, rung) && !trial.held && !trial.failed) return Job{ranked[static_cast<std::size_t>(place)], rung + 1};
  }
  return std::nullopt;
}

}  // namespace

double share_of(const Halving& halving, int rung) { return std::pow(halving.reduction, rung - (halving.rungs - 1)); }

Decision next_job(const Halving& halving, std::span<const TrialFacts> trials) {
  for (std::size_t i = 0; i < trials.size(); ++i)
    if (trials[i].begun && !trials[i].held && !trials[i].failed) return {Job{static_cast<std::int64_t>(i), trials[i].rung()}, false};
  for (int rung = halving.rungs - 2; rung >= 0; --rung)
    if (const std::optional<Job> job = promotion(halving, trials, rung)) return {job, false};
  for (std::size_t i = 0; i < trials.size(); ++i)
    if (trials[i].rung() == 0 && !trials[i].begun && !trials[i].held && !trials[i].failed) return {Job{static_cast<std::int64_t>(i), 0}, false};
  return {std::nullopt, std::none_of(trials.begin(), trials.end(), [](const TrialFacts& trial) { return trial.held; })};
}

}  // namespace hepar::sweep
