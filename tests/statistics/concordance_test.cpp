// SPDX-License-Identifier: Apache-2.0
#include "tests/statistics/tied_data.hpp"
#include "trainer/statistics/concordance.hpp"
#include "trainer/statistics/pooling.hpp"
#include "trainer/statistics/survival.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace hepar::statistics {
namespace {

// Every pair, by the words of clinical.md section 10.
Concordance by_pairs(const TiedData& data, Values score, const ConcordanceOptions& options) {
  Concordance out;
  const std::size_t n = data.size();
  const auto w = [&](std::size_t i) { return options.weight.empty() ? 1.0 : options.weight[i]; };
  const auto lead = [&](std::size_t i) { return options.event_weight.empty() ? 1.0 : options.event_weight[i]; };
  std::vector<double> plus(n), all(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      if (i == j || data.event[i] != 1 || data.time[i] > options.tau) continue;
      if (!options.strata.empty() && options.strata[i] != options.strata[j]) continue;
      const double pair = w(i) * w(j) * lead(i);
      const bool tied = std::abs(score[i] - score[j]) <= options.tie_tolerance;
      if (data.time[j] == data.time[i] && data.event[j] == 1) {
        if (i < j) (score[i] == score[j] ? out.tied_xy : out.tied_y) += w(i) * w(j);
        continue;
      }
      if (data.time[j] < data.time[i]) continue;
      const double gain = tied ? 0.5 : score[j] < score[i] ? 1 : 0;
      (tied ? out.tied_x : gain == 1 ? out.concordant : out.discordant) += pair;
      for (const std::size_t member : {i, j}) {
        plus[member] += pair * gain;
        all[member] += pair;
      }
    }
  }
  const double comparable = out.concordant + out.discordant + out.tied_x;
  out.c = (out.concordant + out.tied_x / 2) / comparable;
  std::vector<double> b(options.cluster.empty() ? n : static_cast<std::size_t>(largest_code(options.cluster) + 1));
  for (std::size_t i = 0; i < n; ++i) {
    b[options.cluster.empty() ? i : static_cast<std::size_t>(options.cluster[i])] += (plus[i] - out.c * all[i]) / comparable;
  }
  out.se = std::sqrt(std::inner_product(b.begin(), b.end(), b.begin(), 0.0));
  return out;
}

void expect_same(const Concordance& fast, const Concordance& slow) {
  EXPECT_NEAR(fast.c, slow.c, 1e-12);
  EXPECT_NEAR(fast.se, slow.se, 1e-12);
  EXPECT_NEAR(fast.concordant, slow.concordant, 1e-9);
  EXPECT_NEAR(fast.discordant, slow.discordant, 1e-9);
  EXPECT_NEAR(fast.tied_x, slow.tied_x, 1e-9);
  EXPECT_NEAR(fast.tied_y, slow.tied_y, 1e-9);
  EXPECT_NEAR(fast.tied_xy, slow.tied_xy, 1e-9);
}

TEST(HarrellC, CountsThePairsThatADoubleLoopCounts) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const TiedData data = tied_data(seed, 20 + seed * 3);
    ConcordanceOptions options;
    expect_same(harrell_c(data.outcomes(), data.score, options), by_pairs(data, data.score, options));
    options.tau = 4;
    expect_same(harrell_c(data.outcomes(), data.score, options), by_pairs(data, data.score, options));
    options.weight = data.weight;
    expect_same(harrell_c(data.outcomes(), data.score, options), by_pairs(data, data.score, options));
    options.strata = data.stratum;
    expect_same(harrell_c(data.outcomes(), data.score, options), by_pairs(data, data.score, options));
    options.cluster = data.cluster;
    expect_same(harrell_c(data.outcomes(), data.score, options), by_pairs(data, data.score, options));
    options.event_weight = data.x2;
    options.tie_tolerance = 1;
    expect_same(harrell_c(data.outcomes(), data.score, options), by_pairs(data, data.score, options));
  }
}

TEST(HarrellC, AWeightIsTheSameAsThatManyCopies) {
  const TiedData data = tied_data(5, 40);
  std::vector<double> counts(data.size()), score;
  OutcomeTable copies;
  for (std::size_t i = 0; i < data.size(); ++i) {
    counts[i] = static_cast<double>(i % 4);
    for (std::size_t k = 0; k < i % 4; ++k) {
      copies.time.push_back(data.time[i]);
      copies.event.push_back(data.event[i]);
      score.push_back(data.score[i]);
    }
  }
  ConcordanceOptions options;
  options.weight = counts;
  EXPECT_NEAR(harrell_c(data.outcomes(), data.score, options).c, harrell_c(copies.view(), score).c, 1e-14);
}

TEST(HarrellC, IsTurnedRoundByTheSignOfTheScoreAndBlindToAMonotoneChange) {
  const TiedData data = tied_data(8, 80);
  std::vector<double> negative, stretched;
  for (const double s : data.score) {
    negative.push_back(-s);
    stretched.push_back(std::exp(3 * s));
  }
  const Concordance c = harrell_c(data.outcomes(), data.score);
  EXPECT_NEAR(harrell_c(data.outcomes(), negative).c, 1 - c.c, 1e-14);
  EXPECT_EQ(harrell_c(data.outcomes(), stretched).c, c.c);
  EXPECT_EQ(harrell_c(data.outcomes(), stretched).se, c.se);
}

TEST(HarrellC, IsUndefinedWithoutComparablePairs) {
  const std::vector<double> time{3, 3, 3}, score{1, 2, 3};
  const std::vector<int> events{1, 1, 1}, none{0, 0, 0};
  EXPECT_TRUE(std::isnan(harrell_c({time, events}, score).c));
  EXPECT_TRUE(std::isnan(harrell_c({time, none}, score).c));
  EXPECT_TRUE(std::isnan(harrell_c({time, none}, score).se));
  EXPECT_EQ(harrell_c({time, events}, score).tied_y, 3);
}

TEST(HarrellC, StandardErrorIsTheDerivativeByTheWeights) {
  const TiedData data = tied_data(3, 30);
  double sum = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    constexpr double kStep = 1e-5;
    std::vector<double> up(data.size(), 1.0), down(data.size(), 1.0);
    up[i] += kStep;
    down[i] -= kStep;
    const PreparedConcordance prepared(data.outcomes(), data.score);
    const double slope = (prepared.c(up) - prepared.c(down)) / (2 * kStep);
    sum += slope * slope;
  }
  EXPECT_NEAR(harrell_c(data.outcomes(), data.score).se, std::sqrt(sum), 1e-8);
}

TEST(HarrellCDifference, UsesThatBothScoresSawTheSamePatients) {
  const TiedData data = tied_data(4, 90);
  const ConcordanceDifference same = harrell_c_difference(data.outcomes(), data.score, data.score);
  EXPECT_EQ(same.difference, 0);
  EXPECT_NEAR(same.se, 0, 1e-9);
  const ConcordanceDifference d = harrell_c_difference(data.outcomes(), data.score, data.other);
  double variance = 0;
  for (std::size_t i = 0; i < data.size(); ++i) variance += std::pow(d.first.influence[i] - d.second.influence[i], 2);
  EXPECT_NEAR(d.se, std::sqrt(variance), 1e-12);
}

TEST(UnoC, WeighsEveryPairByTheEarlierEvent) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const TiedData data = tied_data(seed, 50);
    const StepCurve g = censoring_curve(data.outcomes());
    for (const Convention convention : {Convention::left, Convention::sksurv}) {
      const bool left = convention == Convention::left;
      double up = 0, down = 0;
      for (std::size_t i = 0; i < data.size(); ++i) {
        if (data.event[i] != 1 || (left ? data.time[i] > 6 : data.time[i] >= 6)) continue;
        const double at = left ? g.before(data.time[i]) : g.at(data.time[i]);
        for (std::size_t j = 0; j < data.size(); ++j) {
          if (data.time[j] < data.time[i] || (data.time[j] == data.time[i] && data.event[j] == 1)) continue;
          const double gain = data.score[j] == data.score[i] ? 0.5 : data.score[j] < data.score[i] ? 1 : 0;
          up += gain / (at * at);
          down += 1 / (at * at);
        }
      }
      EXPECT_NEAR(uno_c(data.outcomes(), data.score, {6, convention, nullptr, {}}), up / down, 1e-12);
    }
  }
}

TEST(UnoC, IsHarrellsWhenNobodyIsCensored) {
  TiedData data = tied_data(6, 60);
  data.event.assign(data.size(), 1);
  EXPECT_NEAR(uno_c(data.outcomes(), data.score, {}), harrell_c(data.outcomes(), data.score).c, 1e-14);
}

TEST(UnoC, IsUndefinedWhereTrainingHadNoFollowUp) {
  const TiedData data = tied_data(6, 60);
  StepCurve gone;
  gone.time = {1.5};
  gone.value = {0};
  EXPECT_TRUE(std::isnan(uno_c(data.outcomes(), data.score, {10, Convention::left, &gone, {}})));
}

TEST(PreparedConcordance, AgreesWithTheWholeComputationUnderAnyWeights) {
  const TiedData data = tied_data(11, 120);
  const PreparedConcordance prepared(data.outcomes(), data.score, 7);
  for (std::uint64_t r = 0; r < 10; ++r) {
    const std::vector<double> counts = bootstrap_counts(data.size(), 1, r);
    ConcordanceOptions options;
    options.weight = counts;
    options.tau = 7;
    EXPECT_NEAR(prepared.c(counts), harrell_c(data.outcomes(), data.score, options).c, 1e-13);
  }
}

}  // namespace
}  // namespace hepar::statistics
