// SPDX-License-Identifier: Apache-2.0
#include "tests/statistics/gehan.hpp"
#include "tests/statistics/tied_data.hpp"
#include "trainer/statistics/survival.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace hepar::statistics {
namespace {

OutcomeTable gehan(double treated) {
  OutcomeTable out;
  for (std::size_t i = 0; i < kGehanWeeks.size(); ++i) {
    if (kGehanTreated[i] != treated) continue;
    out.time.push_back(kGehanWeeks[i]);
    out.event.push_back(kGehanRelapse[i]);
  }
  return out;
}

double product_limit(const TiedData& data, double t, Values weight) {
  std::vector<double> times = data.time;
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  double s = 1;
  for (const double u : times) {
    if (u > t) break;
    double n = 0, d = 0;
    for (std::size_t i = 0; i < data.size(); ++i) {
      if (data.time[i] >= u) n += weight[i];
      if (data.time[i] == u && data.event[i] == 1) d += weight[i];
    }
    if (n > 0) s *= 1 - d / n;
  }
  return s;
}

TEST(KaplanMeier, GivesTheTextbookCurveOfTheLeukaemiaTrial) {
  // Collett, Modelling Survival Data; Klein & Moeschberger table 4.1B: 6-MP arm.
  const KaplanMeier curve = kaplan_meier(gehan(1).view());
  EXPECT_NEAR(curve.at(6), 0.857, 5e-4);
  EXPECT_NEAR(curve.se_at(6), 0.0764, 5e-5);
  EXPECT_NEAR(curve.at(10), 0.7529, 5e-5);
  EXPECT_NEAR(curve.se_at(10), 0.0963, 5e-5);
  EXPECT_NEAR(curve.at(23), 0.4482, 5e-5);
  EXPECT_NEAR(curve.se_at(23), 0.1346, 5e-5);
  EXPECT_EQ(curve.at(35), curve.at(23));
  EXPECT_EQ(survival_quantile(curve, 0.5, Interval::log_log, 0.95).quantile, 23);
  EXPECT_EQ(survival_quantile(kaplan_meier(gehan(0).view()), 0.5, Interval::log_log, 0.95).quantile, 8);
}

TEST(KaplanMeier, IsTheProductOverEventTimes) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const TiedData data = tied_data(seed, 40);
    const std::vector<double> ones(data.size(), 1.0);
    const KaplanMeier plain = kaplan_meier(data.outcomes()), weighted = kaplan_meier(data.outcomes(), data.weight);
    for (double t = 0; t < 14; t += 0.5) {
      EXPECT_NEAR(plain.at(t), product_limit(data, t, ones), 1e-13);
      EXPECT_NEAR(weighted.at(t), product_limit(data, t, data.weight), 1e-13);
    }
  }
}

TEST(KaplanMeier, RobustVarianceIsTheDerivativeByTheWeights) {
  const TiedData data = tied_data(2, 30);
  const double t = 5;
  double variance = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    constexpr double kStep = 1e-6;
    std::vector<double> up = data.weight, down = data.weight;
    up[i] *= 1 + kStep;  // the weight times what a change of the patient's own count does
    down[i] *= 1 - kStep;
    const double slope = (std::log(product_limit(data, t, up)) - std::log(product_limit(data, t, down))) / (2 * kStep);
    variance += slope * slope;
  }
  EXPECT_NEAR(robust_variances(data.outcomes(), data.weight, std::span(&t, 1))[0], variance, 1e-7);
}

TEST(SurvivalLimits, HoldTheirOwnDefinitions) {
  const Limits plain = survival_limits(0.6, 0.01, Interval::plain, 0.95), log = survival_limits(0.6, 0.01, Interval::log, 0.95),
               log_log = survival_limits(0.6, 0.01, Interval::log_log, 0.95);
  EXPECT_NEAR(plain.upper - 0.6, 0.6 - plain.lower, 1e-14);
  EXPECT_NEAR(log.upper * log.lower, 0.36, 1e-14);
  const auto cloglog = [](double s) { return std::log(-std::log(s)); };
  EXPECT_NEAR(cloglog(log_log.lower) - cloglog(0.6), cloglog(0.6) - cloglog(log_log.upper), 1e-12);
  EXPECT_TRUE(std::isnan(survival_limits(0, 1, Interval::plain, 0.95).lower));
  EXPECT_TRUE(std::isnan(survival_limits(1, 0, Interval::log_log, 0.95).lower));
  EXPECT_EQ(survival_limits(1, 0, Interval::plain, 0.95).upper, 1);
}

TEST(CensoringCurve, LetsTiedEventsLeaveFirst) {
  const std::vector<double> time{2, 2, 2, 5};
  const std::vector<int> event{1, 0, 2, 0};
  const StepCurve g = censoring_curve({time, event});
  EXPECT_EQ(g.before(2), 1);
  EXPECT_EQ(g.at(2), 0.5);  // the event and the competing event of that time are out of the risk set
  EXPECT_EQ(g.before(5), 0.5);
  EXPECT_EQ(g.at(5), 0);
  EXPECT_EQ(median_follow_up({time, event}), 2);
}

TEST(LogRank, GivesThePublishedTestOfTheLeukaemiaTrial) {
  const std::vector<int> group(kGehanTreated.begin(), kGehanTreated.end());
  const LogRank test = log_rank({kGehanWeeks, kGehanRelapse}, group);
  EXPECT_NEAR(test.chisq, 16.79, 5e-3);  // R survival survdiff
  EXPECT_NEAR(test.expected[1], 19.25, 5e-3);
  EXPECT_NEAR(test.expected[0], 10.75, 5e-3);
  EXPECT_EQ(test.observed, (std::vector<double>{21, 9}));
  EXPECT_NEAR(test.p, 4.17e-5, 5e-7);
}

TEST(LogRank, ForTwoGroupsIsTheSumOfHypergeometricTables) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const TiedData data = tied_data(seed, 60);
    std::vector<int> group;
    for (const double x : data.x2) group.push_back(static_cast<int>(x));
    double difference = 0, variance = 0;
    for (int s = 0; s < 3; ++s) {
      for (double u = 1; u < 14; ++u) {
        double n = 0, n1 = 0, d = 0, d1 = 0;
        for (std::size_t i = 0; i < data.size(); ++i) {
          if (data.stratum[i] != s || data.time[i] < u) continue;
          n += 1;
          n1 += group[i];
          if (data.time[i] != u || data.event[i] != 1) continue;
          d += 1;
          d1 += group[i];
        }
        if (d == 0) continue;
        difference += d1 - d * n1 / n;
        if (n > 1) variance += d * (n1 / n) * (1 - n1 / n) * (n - d) / (n - 1);
      }
    }
    EXPECT_NEAR(log_rank(data.outcomes(), group, data.stratum).chisq, difference * difference / variance, 1e-10);
  }
}

TEST(LogRank, IsUndefinedWithOneGroup) {
  const TiedData data = tied_data(1, 20);
  const std::vector<int> one(data.size(), 0);
  EXPECT_TRUE(std::isnan(log_rank(data.outcomes(), one).chisq));
  EXPECT_TRUE(std::isnan(log_rank(data.outcomes(), one).p));
}

TEST(RestrictedMean, IsTheAreaUnderTheCurve) {
  const TiedData data = tied_data(9, 50);
  const std::vector<double> ones(data.size(), 1.0);
  for (const double tau : {0.5, 3.0, 6.5, 20.0}) {
    double area = 0;
    constexpr int kCells = 20000;
    const KaplanMeier curve = kaplan_meier(data.outcomes());
    for (int k = 0; k < kCells; ++k) area += curve.at((k + 0.5) * tau / kCells) * tau / kCells;
    EXPECT_NEAR(restricted_mean(data.outcomes(), tau).value, area, 2e-3);
  }
  EXPECT_EQ(restricted_mean(data.outcomes(), 0.5).value, 0.5);
  EXPECT_EQ(restricted_mean(data.outcomes(), 0.5).se, 0);
}

TEST(CumulativeIncidence, SharesOutWhatSurvivalLoses) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const TiedData data = tied_data(seed, 60, 3);
    std::vector<int> any;
    for (const int e : data.event) any.push_back(e > 0 ? 1 : 0);
    const KaplanMeier all = kaplan_meier({data.time, any});
    const std::vector<double> times{0.5, 2, 4.5, 7, 30};
    const Incidence incidence = cumulative_incidence(data.outcomes(), 3, times);
    for (std::size_t j = 0; j < times.size(); ++j) {
      double sum = 0;
      for (std::size_t c = 0; c < 3; ++c) sum += incidence.cif[c][j];
      EXPECT_NEAR(sum + all.at(times[j]), 1, 1e-12);
      EXPECT_NEAR(incidence.cif[0][j], incidence_at(data.outcomes(), times[j]), 1e-13);
    }
  }
}

TEST(CumulativeIncidence, StandardErrorIsTheDerivativeByTheWeights) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const TiedData data = tied_data(seed, 40, 2);
    const double t = 5;
    double variance = 0;
    for (std::size_t i = 0; i < data.size(); ++i) {
      constexpr double kStep = 1e-6;
      std::vector<double> up(data.size(), 1.0), down(data.size(), 1.0);
      up[i] += kStep;
      down[i] -= kStep;
      const double slope = (incidence_at(data.outcomes(), t, up) - incidence_at(data.outcomes(), t, down)) / (2 * kStep);
      variance += slope * slope;
    }
    EXPECT_NEAR(cumulative_incidence(data.outcomes(), 2, std::span(&t, 1)).se[0][0], std::sqrt(variance), 1e-7);
    EXPECT_NEAR(observed_risk(data.outcomes(), t).se, std::sqrt(variance), 1e-7);
  }
}

TEST(Outcomes, CutAtTheHorizonKeepAnEventExactlyThere) {
  const std::vector<double> time{5, 36, 36, 40};
  const std::vector<int> event{1, 1, 0, 1};
  const OutcomeTable cut = censored_at({time, event}, 36);
  EXPECT_EQ(cut.time, (std::vector<double>{5, 36, 36, 36}));
  EXPECT_EQ(cut.event, (std::vector<int>{1, 1, 0, 0}));
}

}  // namespace
}  // namespace hepar::statistics
