// SPDX-License-Identifier: Apache-2.0
// Statistics against twins written from their definitions, on random small data full of ties.
#include "data/base/random.hpp"
#include "trainer/statistics/concordance.hpp"
#include "trainer/statistics/held_out.hpp"
#include "trainer/statistics/pooling.hpp"
#include "trainer/statistics/prediction_error.hpp"
#include "trainer/statistics/scale.hpp"
#include "trainer/statistics/survival.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace hepar::statistics {
namespace {

struct Data {
  std::vector<double> time, score;
  std::vector<int> event;
  [[nodiscard]] Outcomes outcomes() const { return {time, event}; }
};

Data tied_data(std::uint64_t seed, std::size_t n) {
  Stream s({seed, n});
  Data data;
  for (std::size_t i = 0; i < n; ++i) {
    data.time.push_back(1 + static_cast<double>(s.below(8)));
    data.event.push_back(s.chance(0.6) ? 1 : 0);
    data.score.push_back(static_cast<double>(s.below(5)));
  }
  return data;
}

double survival_by_definition(const Data& data, double t) {
  double survival = 1;
  for (double u = 1; u <= t; ++u) {
    double at_risk = 0, deaths = 0;
    for (std::size_t i = 0; i < data.time.size(); ++i) {
      at_risk += data.time[i] >= u ? 1 : 0;
      deaths += data.time[i] == u && data.event[i] == 1 ? 1 : 0;
    }
    if (at_risk > 0) survival *= 1 - deaths / at_risk;
  }
  return survival;
}

// Censoring: events at a tied time have left the risk set.
double censoring_before(const Data& data, double t) {
  double g = 1;
  for (double u = 1; u < t; ++u) {
    double censored = 0, later = 0;
    for (std::size_t i = 0; i < data.time.size(); ++i) {
      censored += data.time[i] == u && data.event[i] == 0 ? 1 : 0;
      later += data.time[i] > u ? 1 : 0;
    }
    if (censored > 0) g *= 1 - censored / (later + censored);
  }
  return g;
}

class Twins : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Twins, HarrellCountsPairs) {
  const Data data = tied_data(GetParam(), 40);
  double good = 0, count = 0;
  for (std::size_t i = 0; i < 40; ++i)
    for (std::size_t j = 0; j < 40; ++j) {
      const bool later = data.time[j] > data.time[i] || (data.time[j] == data.time[i] && data.event[j] == 0);
      if (i == j || data.event[i] != 1 || !later) continue;
      count += 1;
      good += data.score[i] > data.score[j] ? 1 : data.score[i] == data.score[j] ? 0.5 : 0;
    }
  const Concordance c = harrell_c(data.outcomes(), data.score);
  EXPECT_NEAR(c.c, good / count, 1e-12);
  EXPECT_NEAR(c.concordant + c.discordant + c.tied_x, count, 1e-9);
  double sum = 0;
  for (const double b : c.influence) sum += b;
  EXPECT_NEAR(sum, 0, 1e-12) << "influence values sum to nothing";
}

TEST_P(Twins, AWeightOfTwoIsTwoCopies) {
  Data data = tied_data(GetParam(), 25);
  std::vector<double> weight(25, 1.0);
  weight[3] = 2;
  const Concordance weighted = harrell_c(data.outcomes(), data.score, {.weight = weight});
  data.time.push_back(data.time[3]);
  data.event.push_back(data.event[3]);
  data.score.push_back(data.score[3]);
  // The two copies are no pair when the patient had an event at that time, and a tied pair never counts when both did.
  if (data.event[3] == 1) EXPECT_NEAR(weighted.c, harrell_c(data.outcomes(), data.score).c, 1e-12);
}

TEST_P(Twins, UnoWeighsByCensoring) {
  const Data data = tied_data(GetParam(), 40);
  double good = 0, count = 0;
  const double tau = 6;
  for (std::size_t i = 0; i < 40; ++i)
    for (std::size_t j = 0; j < 40; ++j) {
      const bool later = data.time[j] > data.time[i] || (data.time[j] == data.time[i] && data.event[j] == 0);
      if (i == j || data.event[i] != 1 || data.time[i] > tau || !later) continue;
      const double g = censoring_before(data, data.time[i]);
      count += 1 / (g * g);
      good += (data.score[i] > data.score[j] ? 1 : data.score[i] == data.score[j] ? 0.5 : 0) / (g * g);
    }
  EXPECT_NEAR(uno_c(data.outcomes(), data.score, {.tau = tau}), good / count, 1e-12);
}

TEST_P(Twins, KaplanMeierMultipliesAndItsAreaIsTheRestrictedMean) {
  const Data data = tied_data(GetParam(), 40);
  const KaplanMeier curve = kaplan_meier(data.outcomes());
  double area = 0;
  for (double t = 0; t < 7; ++t) {
    EXPECT_NEAR(curve.at(t), survival_by_definition(data, t), 1e-12);
    area += survival_by_definition(data, t);
  }
  EXPECT_NEAR(restricted_mean(data.outcomes(), 7).value, area, 1e-12);
}

TEST_P(Twins, IncidencesAndSurvivalSumToOne) {
  Data data = tied_data(GetParam(), 60);
  for (std::size_t i = 0; i < data.event.size(); i += 3)
    if (data.event[i] == 1) data.event[i] = 2;
  const std::vector<double> times{1, 3, 5, 7};
  const Incidence incidence = cumulative_incidence(data.outcomes(), 2, times);
  Data any = data;
  for (int& e : any.event) e = e > 0 ? 1 : 0;
  for (std::size_t t = 0; t < times.size(); ++t) EXPECT_NEAR(incidence.cif[0][t] + incidence.cif[1][t] + survival_by_definition(any, times[t]), 1, 1e-12);
}

TEST_P(Twins, AucAndBrierFollowTheirDefinitions) {
  const Data data = tied_data(GetParam(), 40);
  const double t = 5;
  std::vector<double> risk;
  for (const double score : data.score) risk.push_back(0.1 + 0.15 * score);
  double pairs = 0, good = 0, brier = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    const double g = censoring_before(data, data.time[i]), g_t = censoring_before(data, t + 1);
    const bool is_case = data.event[i] == 1 && data.time[i] <= t;
    if (is_case) brier += (1 - risk[i]) * (1 - risk[i]) / g / 40;
    if (data.time[i] > t) brier += risk[i] * risk[i] / g_t / 40;
    if (!is_case) continue;
    for (std::size_t j = 0; j < 40; ++j) {
      if (data.time[j] <= t) continue;
      pairs += 1 / g;
      good += (risk[i] > risk[j] ? 1 : risk[i] == risk[j] ? 0.5 : 0) / g;
    }
  }
  EXPECT_NEAR(time_dependent_auc(data.outcomes(), risk, std::span(&t, 1)).auc[0], good / pairs, 1e-10);
  const Values view(risk);
  EXPECT_NEAR(brier_score(data.outcomes(), std::span(&view, 1), std::span(&t, 1)).brier[0], brier, 1e-10);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Twins, ::testing::Range<std::uint64_t>(1, 9));

TEST(Pooling, GivesDerSimonianAndLairdsClosedForm) {
  const std::vector<double> y{0.62, 0.70, 0.66, 0.75}, se{0.03, 0.04, 0.02, 0.05};
  double c1 = 0, c2 = 0, q = 0, mean = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const double w = 1 / (se[i] * se[i]);
    c1 += w;
    c2 += w * w;
    mean += w * y[i];
  }
  mean /= c1;
  for (std::size_t i = 0; i < 4; ++i) q += (y[i] - mean) * (y[i] - mean) / (se[i] * se[i]);
  const double tau2 = std::max(0.0, (q - 3) / (c1 - c2 / c1));
  EXPECT_NEAR(random_effects(y, se, {.method = Heterogeneity::dersimonian_laird}).tau2, tau2, 1e-12);
}

HeldOut fold(std::uint64_t seed, std::size_t n) {
  Stream s({seed, 7});
  HeldOut out{"rfs", 36, {}, {}, {}, {12, 24, 36}, std::vector<std::vector<double>>(3), {}};
  for (std::size_t i = 0; i < n; ++i) {
    const double risk = 0.2 + 0.6 * s.uniform(), time = 60 * s.uniform() * (1.2 - risk);
    out.months.push_back(time + 0.5);
    out.event.push_back(s.chance(0.7) ? 1 : 0);
    out.risk.push_back(risk);
    for (std::size_t m = 0; m < 3; ++m) out.survival[m].push_back(std::pow(1 - risk, (static_cast<double>(m) + 1) / 3));
  }
  return out;
}

TEST(HeldOut, SaysWhyNothingCanBeEstimated) {
  const Estimates estimates = held_out_metrics(fold(1, 12), {.min_events = 50, .bootstrap = 5});
  ASSERT_TRUE(estimates.contains("rfs.harrell_c"));
  for (const auto& [name, estimate] : estimates) EXPECT_NE(estimate.not_estimable.find("fewer than 50"), std::string::npos) << name;
}

TEST(HeldOut, DoesNotDependOnThreadsAndNeverHoldsANumberThatIsNone) {
  const HeldOut data = fold(2, 150);
  const Estimates one = held_out_metrics(data, {.bootstrap = 20, .threads = 1}), three = held_out_metrics(data, {.bootstrap = 20, .threads = 3});
  ASSERT_EQ(one.size(), three.size());
  for (const auto& [name, estimate] : one) {
    EXPECT_EQ(estimate.not_estimable, three.at(name).not_estimable) << name;
    if (!estimate.estimable()) continue;
    EXPECT_TRUE(std::isfinite(estimate.value)) << name;
    EXPECT_EQ(estimate.value, three.at(name).value) << name;
    if (std::isfinite(estimate.se)) EXPECT_EQ(estimate.se, three.at(name).se) << name;
  }
}

// A month needs its own events: those after it say nothing about it.
TEST(HeldOut, HoldsTheSmallestNumberOfEventsAtEveryMonth) {
  HeldOut data = fold(4, 60);
  int early = 0;
  for (std::size_t i = 0; i < data.months.size(); ++i)
    if (data.months[i] <= 12 && data.event[i] == 1 && ++early > 3) data.months[i] += 12;
  const Estimates estimates = held_out_metrics(data, {.bootstrap = 20});
  for (const char* statistic : {"auc", "brier", "ipa", "oe", "net_benefit"}) {
    const Estimate& first = estimates.at(std::string("rfs.") + statistic + ".12");
    EXPECT_EQ(first.not_estimable, "3 events by 12 months, fewer than 10") << statistic;
    EXPECT_EQ(first.events, 3) << statistic;
    EXPECT_TRUE(estimates.at(std::string("rfs.") + statistic + ".24").estimable()) << statistic;
  }
  EXPECT_TRUE(estimates.at("rfs.harrell_c").estimable());
  EXPECT_TRUE(held_out_differences(data, data, {.bootstrap = 10}).at("rfs.auc.12").not_estimable.ends_with("fewer than 10"));
}

// Uno's C to 13 months and to 36 are two quantities: a fold that is not followed to the horizon stays out of the pool.
TEST(HeldOut, SaysNothingOverTimeOfAFoldThatIsNotFollowedToTheHorizon) {
  const HeldOut whole = fold(4, 120);
  HeldOut early = whole;
  for (std::size_t i = 0; i < early.months.size(); ++i)
    if (early.months[i] > 26.5) {
      early.months[i] = 26.5;
      early.event[i] = 0;
    }
  const Estimates estimates = held_out_metrics(early, {.bootstrap = 10}), of_whole = held_out_metrics(whole, {.bootstrap = 10});
  for (const char* name : {"rfs.uno_c", "rfs.ibs"}) {
    EXPECT_EQ(estimates.at(name).not_estimable, "followed to 26 of 36 months") << name;
    EXPECT_EQ(held_out_differences(early, early, {.bootstrap = 10}).at(name).not_estimable, "followed to 26 of 36 months") << name;
    EXPECT_NE(pooled(std::vector<Estimates>{of_whole, estimates}).at(name).method.find("k = 1 of 2 folds"), std::string::npos) << name;
  }
  EXPECT_TRUE(estimates.at("rfs.auc.24").estimable()) << "months that are reached keep their figures";
  EXPECT_TRUE(of_whole.at("rfs.uno_c").method.starts_with("Uno C to 36 months"));
  EXPECT_TRUE(of_whole.at("rfs.ibs").method.starts_with("Brier score, trapezoid over months 12 to 36"));
  EXPECT_NEAR(of_whole.at("rfs.uno_c").value, uno_c({whole.months, whole.event}, whole.risk, {.tau = 36}), 1e-12);
}

TEST(HeldOut, JudgesRisksThatNobodyCanMeanByTheirOrderAlone) {
  const HeldOut data = fold(3, 120);
  HeldOut wild = data;
  wild.risks_unjudged = "too few events to fit";
  const Estimates all = held_out_metrics(data, {.bootstrap = 10}), order = held_out_metrics(wild, {.bootstrap = 10}), differences = held_out_differences(data, wild, {.bootstrap = 10});
  for (const auto& [name, estimate] : all) {
    ASSERT_TRUE(estimate.estimable()) << name << " tests nothing";
    const std::string statistic = name.substr(4, name.find('.', 4) - 4);
    const bool by_order = statistic == "harrell_c" || statistic == "uno_c" || statistic == "auc" || statistic == "median_follow_up";
    EXPECT_EQ(order.at(name).not_estimable, by_order ? "" : "too few events to fit") << name;
    if (differences.contains(name)) EXPECT_EQ(differences.at(name).not_estimable, by_order ? "" : "baseline: too few events to fit") << name;
  }
}

// Whatever a fold would have said is named with the reason when it could not be predicted.
TEST(HeldOut, NamesEveryFigureOfAFoldThatNobodyPredicted) {
  HeldOut data = fold(3, 120);
  const Estimates all = held_out_metrics(data, {.bootstrap = 2}), differences = held_out_differences(data, data, {.bootstrap = 2});
  data.risk.clear();
  data.survival.clear();
  const Estimates none = unpredicted_metrics(data, "not trained"), no_difference = unpredicted_differences(data, "not trained");
  ASSERT_EQ(none.size(), all.size());
  ASSERT_EQ(no_difference.size(), differences.size());
  for (const auto& [name, estimate] : differences) EXPECT_EQ(no_difference.at(name).not_estimable, "not trained") << name;
  for (const auto& [name, estimate] : all) {
    EXPECT_EQ(none.at(name).not_estimable, "not trained") << name;
    EXPECT_EQ(none.at(name).events, estimate.events) << name;
    EXPECT_EQ(none.at(name).n, 120) << name;
  }
}

// With a nearly perfect order and few patients a plain interval would pass 1.
TEST(HeldOut, KeepsIntervalsWhereTheStatisticCanLie) {
  HeldOut data = fold(6, 22);
  for (std::size_t i = 0; i < data.months.size(); ++i) {
    data.months[i] = 2.0 + 2.5 * static_cast<double>(i);
    data.event[i] = i % 4 == 3 ? 0 : 1;
    data.risk[i] = 0.75 - 0.03 * static_cast<double>(i) + (i % 5 == 2 ? 0.15 : 0);
    for (std::size_t m = 0; m < 3; ++m) data.survival[m][i] = std::pow(1 - data.risk[i], (static_cast<double>(m) + 1) / 3);
  }
  const Estimates estimates = held_out_metrics(data, {.min_events = 3, .bootstrap = 50});
  int plain_beyond = 0;
  for (const char* name : {"rfs.harrell_c", "rfs.uno_c", "rfs.auc.12", "rfs.auc.24", "rfs.auc.36", "rfs.brier.12", "rfs.brier.36", "rfs.ibs", "rfs.ici", "rfs.ipa.36"}) {
    const Estimate& estimate = estimates.at(name);
    if (!estimate.estimable()) continue;
    const bool below_only = std::string_view(name).starts_with("rfs.ipa");
    EXPECT_TRUE(below_only || estimate.low > 0) << name << " " << estimate.low;
    EXPECT_LT(estimate.high, 1) << name;
    EXPECT_LE(estimate.low, estimate.value) << name;
    EXPECT_GE(estimate.high, estimate.value) << name;
    plain_beyond += estimate.value + 1.96 * estimate.se > 1 ? 1 : 0;
  }
  EXPECT_GT(plain_beyond, 0) << "the example tests nothing";
}

TEST(Scale, GoesThereAndBackWithTheSlopeOfTheWayBack) {
  for (const Scale scale : {Scale::plain, Scale::logit, Scale::log, Scale::log_rest}) {
    const Transform& transform = transform_of(scale);
    for (const double y : {0.05, 0.4, 0.93}) {
      const double x = transform.to(y), step = 1e-6;
      EXPECT_NEAR(transform.back(x), y, 1e-14);
      EXPECT_NEAR((transform.back(x + step) - transform.back(x - step)) / (2 * step), transform.slope(y), 1e-8);
    }
  }
}

TEST(HeldOut, FindsNoDifferenceFromItself) {
  const HeldOut data = fold(3, 120);
  for (const auto& [name, estimate] : held_out_differences(data, data, {.bootstrap = 10}))
    if (estimate.estimable()) EXPECT_EQ(estimate.value, 0) << name;
}

// Two folds that agree have a Hartung-Knapp interval of no width, which stands as the formula has it; the normal one beside it
// is that of twice as many patients.
TEST(HeldOut, PoolsFoldsThatAgreeWithBothIntervals) {
  const Estimates one = held_out_metrics(fold(3, 120), {.bootstrap = 10});
  const Estimate pool = pooled(std::vector<Estimates>{one, one}).at("rfs.harrell_c"), of_one = one.at("rfs.harrell_c");
  EXPECT_EQ(pool.k, 2);
  EXPECT_NE(pool.method.find("k = 2 of 2 folds; fewer than 5 folds, hardly informative"), std::string::npos) << pool.method;
  EXPECT_NEAR(pool.high - pool.low, 0, 1e-9);
  const Transform& logit = transform_of(Scale::logit);
  const double half = (logit.to(pool.normal_high) - logit.to(pool.normal_low)) / 2;
  EXPECT_NEAR(half, 1.959964 * of_one.se / logit.slope(of_one.value) / std::sqrt(2.0), 1e-6);
  EXPECT_NEAR(logit.to(pool.normal_high) - half, logit.to(of_one.value), 1e-9);
}

TEST(HeldOut, PoolsWhatIsEstimableAndSaysHowMuch) {
  std::vector<Estimates> folds;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) folds.push_back(held_out_metrics(fold(seed, 120), {.bootstrap = 10}));
  folds.push_back(held_out_metrics(fold(9, 5), {.bootstrap = 10}));
  const Estimates all = pooled(folds);
  const Estimate& c = all.at("rfs.harrell_c");
  ASSERT_TRUE(c.estimable()) << c.not_estimable;
  EXPECT_NE(c.method.find("k = 4 of 5 folds"), std::string::npos) << c.method;
  EXPECT_LT(all.at("rfs.harrell_c_prediction").low, c.low);
  EXPECT_GT(c.value, 0.5);
  const Estimate single = pooled(std::vector<Estimates>{folds.front(), folds.back()}).at("rfs.harrell_c");
  EXPECT_NE(single.method.find("k = 1 of 2 folds, nothing to pool"), std::string::npos) << single.method;
  EXPECT_EQ(single.low, folds.front().at("rfs.harrell_c").low);
}

}  // namespace
}  // namespace hepar::statistics
