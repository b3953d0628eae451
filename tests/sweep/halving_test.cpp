// SPDX-License-Identifier: Apache-2.0
#include "data/base/random.hpp"
#include "trainer/sweep/halving.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace hepar::sweep {
namespace {

double score(std::int64_t trial, int rung) { return Stream({7, static_cast<std::uint64_t>(trial), static_cast<std::uint64_t>(rung)}).uniform(); }

// A search by `workers` that finish in an order of their own; returns what was done, in the order in which it began.
struct Played {
  std::vector<Job> began;
  std::vector<TrialFacts> trials;
};
Played play(const Halving& halving, std::size_t n, std::size_t workers, std::uint64_t seed, double fails = 0, double dies = 0) {
  Played played{{}, std::vector<TrialFacts>(n)};
  std::vector<Job> running;
  Stream luck({seed});
  while (true) {
    const Decision decision = running.size() < workers ? next_job(halving, played.trials) : Decision{};
    if (decision.done) break;
    if (decision.job) {
      TrialFacts& trial = played.trials[static_cast<std::size_t>(decision.job->trial)];
      EXPECT_FALSE(trial.held);
      EXPECT_EQ(trial.rung(), decision.job->rung);
      trial.begun = trial.held = true;
      running.push_back(*decision.job);
      if (dies == 0) played.began.push_back(*decision.job);
      continue;
    }
    if (running.empty()) {
      ADD_FAILURE() << "nobody works and nothing is done";
      break;
    }
    const std::size_t pick = luck.below(running.size());
    const Job job = running[pick];
    running.erase(running.begin() + static_cast<std::ptrdiff_t>(pick));
    TrialFacts& trial = played.trials[static_cast<std::size_t>(job.trial)];
    trial.held = false;
    if (luck.chance(dies)) continue;  // begun stays: somebody takes it up again
    trial.begun = false;
    trial.failed = luck.chance(fails);
    if (!trial.failed) trial.scores.push_back(score(job.trial, job.rung));
  }
  return played;
}

// The paper's rule, written out on sets: top 1/eta of a rung's results, not yet promoted, highest rung first.
std::optional<Job> twin(const Halving& halving, const std::map<int, std::map<std::int64_t, double>>& results, const std::set<std::pair<std::int64_t, int>>& issued, std::int64_t n) {
  for (int rung = halving.rungs - 2; rung >= 0; --rung) {
    if (!results.contains(rung)) continue;
    std::vector<std::pair<double, std::int64_t>> best;
    for (const auto& [trial, value] : results.at(rung)) best.emplace_back(-value, trial);
    std::sort(best.begin(), best.end());
    best.resize(best.size() / static_cast<std::size_t>(halving.reduction));
    for (const auto& [value, trial] : best)
      if (!issued.contains({trial, rung + 1})) return Job{trial, rung + 1};
  }
  for (std::int64_t trial = 0; trial < n; ++trial)
    if (!issued.contains({trial, 0})) return Job{trial, 0};
  return std::nullopt;
}

TEST(Halving, DecidesLikeThePapersRuleAtAnyOrderOfResults) {
  const Halving halving{4, 3, false};
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    constexpr std::int64_t kTrials = 30;
    std::vector<TrialFacts> trials(kTrials);
    std::map<int, std::map<std::int64_t, double>> results;
    std::set<std::pair<std::int64_t, int>> issued;
    std::vector<Job> running;
    Stream luck({seed, 1});
    for (int turn = 0; turn < 200; ++turn) {
      if (running.size() < 5) {
        const std::optional<Job> expected = twin(halving, results, issued, kTrials);
        const Decision decision = next_job(halving, trials);
        if (!expected) break;  // the end of a finite search has rules of its own, tested below
        ASSERT_EQ(decision.job, expected) << "turn " << turn << ", seed " << seed;
        issued.emplace(expected->trial, expected->rung);
        running.push_back(*expected);
        trials[static_cast<std::size_t>(expected->trial)].begun = trials[static_cast<std::size_t>(expected->trial)].held = true;
        continue;
      }
      const std::size_t pick = luck.below(running.size());
      const Job job = running[pick];
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(pick));
      TrialFacts& trial = trials[static_cast<std::size_t>(job.trial)];
      trial.begun = trial.held = false;
      trial.scores.push_back(score(job.trial, job.rung));
      results[job.rung][job.trial] = score(job.trial, job.rung);
    }
  }
}

TEST(Halving, WithoutRungsEveryTrialIsDoneOnce) {
  const Played played = play({}, 9, 4, 1);
  EXPECT_EQ(played.began.size(), 9u);
  for (const TrialFacts& trial : played.trials) EXPECT_EQ(trial.rung(), 1);
}

TEST(Halving, OneWorkerRepeatsItself) {
  for (const bool waits : {false, true}) EXPECT_EQ(play({3, 3, waits}, 24, 1, 1).began, play({3, 3, waits}, 24, 1, 2).began);
}

TEST(Halving, WaitingMakesTheSurvivorsIndependentOfTheWorkers) {
  const auto rungs = [](const Played& played) {
    std::vector<int> reached;
    for (const TrialFacts& trial : played.trials) reached.push_back(trial.rung());
    return reached;
  };
  const std::vector<int> alone = rungs(play({3, 3, true}, 24, 1, 0));
  EXPECT_EQ(std::count(alone.begin(), alone.end(), 3), 2);
  EXPECT_EQ(std::count(alone.begin(), alone.end(), 2), 6);
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    EXPECT_EQ(rungs(play({3, 3, true}, 24, 1 + seed % 7, seed)), alone);
    EXPECT_EQ(rungs(play({3, 3, true}, 24, 1 + seed % 7, seed, 0, 0.3)), alone) << "with workers that die";
  }
}

TEST(Halving, SomebodyAlwaysComesToTheEnd) {
  for (const bool waits : {false, true})
    for (std::size_t n = 1; n <= 12; ++n)
      for (std::uint64_t seed = 0; seed < 10; ++seed) {
        const Played played = play({3, 3, waits}, n, 1 + seed % 4, seed);
        EXPECT_TRUE(std::any_of(played.trials.begin(), played.trials.end(), [](const TrialFacts& trial) { return trial.rung() == 3; })) << n << " trials, waits " << waits;
      }
}

TEST(Halving, FailuresAndDeathsNeverKeepTheOthersWaiting) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Played played = play({3, 2, seed % 2 == 0}, 17, 1 + seed % 5, seed, 0.3, 0.3);
    for (const TrialFacts& trial : played.trials) EXPECT_TRUE(trial.failed || trial.rung() > 0);
  }
}

TEST(Halving, ATrialWithoutAScoreIsNeverPromoted) {
  const Halving halving{2, 2, false};
  std::vector<TrialFacts> trials(4);
  for (TrialFacts& trial : trials) trial.scores = {std::nan("")};
  EXPECT_TRUE(next_job(halving, trials).done);
  trials[2].scores = {0.1};
  EXPECT_EQ(next_job(halving, trials).job, (Job{2, 1}));
}

TEST(Halving, WhatSomebodyLeftComesFirst) {
  std::vector<TrialFacts> trials(3);
  trials[1].begun = true;
  EXPECT_EQ(next_job({}, trials).job, (Job{1, 0}));
  trials[1].held = true;
  EXPECT_EQ(next_job({}, trials).job, (Job{0, 0}));
}

TEST(Halving, RungsAreSharesOfOneTraining) {
  EXPECT_DOUBLE_EQ(share_of({3, 3, false}, 0), 1.0 / 9);
  EXPECT_DOUBLE_EQ(share_of({3, 3, false}, 2), 1);
  EXPECT_DOUBLE_EQ(share_of({}, 0), 1);
}

}  // namespace
}  // namespace hepar::sweep
