// SPDX-License-Identifier: Apache-2.0
// Relative effects of treatments: what was put into a simulated cohort comes out, and no more.
#include "trainer/statistics/effect_model.hpp"
#include "data/base/random.hpp"
#include "trainer/statistics/discrete.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace hepar::statistics {
namespace {

struct Treated {
  OutcomeTable outcomes;
  std::vector<int> arm;
  std::vector<double> x;
};

// Log hazard ratio of arm 1: main + change * x, x standard normal and prognostic; treated by x.
Treated treated_cohort(std::int64_t n, double main, double change, std::uint64_t seed) {
  Treated out;
  for (std::int64_t i = 0; i < n; ++i) {
    Stream s({seed, static_cast<std::uint64_t>(i)});
    const double x = s.normal();
    const int arm = s.chance(1 / (1 + std::exp(-0.8 * x))) ? 1 : 0;
    const double event = s.exponential() / (0.03 * std::exp(0.6 * x + (arm == 1 ? main + change * x : 0))), censored = 60 * s.uniform();
    out.outcomes.time.push_back(std::min(event, censored));
    out.outcomes.event.push_back(event <= censored ? 1 : 0);
    out.arm.push_back(arm);
    out.x.push_back(x);
  }
  return out;
}

TEST(EffectModel, FindsTheEffectWhoeverWasTreated) {
  const Treated cohort = treated_cohort(6000, -0.5, 0, 1);
  const std::vector<Values> columns{cohort.x};
  const EffectModel model = effect_model(cohort.outcomes.view(), cohort.arm, 2, columns);
  ASSERT_TRUE(model.problem.empty()) << model.problem;
  const std::vector<double> x{0.3};
  const EffectModel::LogRatio ratio = model.log_ratio(1, x);
  EXPECT_NEAR(ratio.value, -0.5, 3 * ratio.se);
  EXPECT_NEAR(ratio.se, 0.035, 0.01);
  EXPECT_EQ(model.log_ratio(0, x).value, 0);
}

TEST(EffectModel, LetsAnEffectDependOnRiskOnlyWhenTheTestSaysSo) {
  const Treated differing = treated_cohort(6000, -0.3, -0.4, 2);
  const std::vector<Values> columns{differing.x};
  const EffectModel model = effect_model(differing.outcomes.view(), differing.arm, 2, columns);
  ASSERT_TRUE(model.heterogeneous);
  const std::vector<double> low{-1.0}, high{1.0};
  EXPECT_NEAR(model.log_ratio(1, low).value, 0.1, 0.2);
  EXPECT_NEAR(model.log_ratio(1, high).value, -0.7, 0.2);
  int found = 0;
  for (std::uint64_t seed = 10; seed < 50; ++seed) {
    const Treated same = treated_cohort(400, -0.3, 0, seed);
    const std::vector<Values> own{same.x};
    found += effect_model(same.outcomes.view(), same.arm, 2, own).heterogeneous ? 1 : 0;
  }
  EXPECT_LE(found, 7);  // 5 % of 40, and chance
}

TEST(EffectModel, SaysWhatCannotBeEstimated) {
  Treated cohort = treated_cohort(200, 0, 0, 3);
  std::vector<Values> columns{cohort.x};
  EXPECT_NE(effect_model(cohort.outcomes.view(), cohort.arm, 3, columns).not_estimable[2], "");  // never seen
  std::vector<int> nobody(200, 1);
  EXPECT_NE(effect_model(cohort.outcomes.view(), nobody, 2, columns).problem, "");
  std::vector<double> constant(200, 1.0);
  columns.push_back(constant);
  const std::vector<double> x{0, 1};
  EXPECT_TRUE(std::isfinite(effect_model(cohort.outcomes.view(), cohort.arm, 2, columns).log_ratio(1, x).value));
  for (int& event : cohort.outcomes.event) event = 0;
  EXPECT_NE(effect_model(cohort.outcomes.view(), cohort.arm, 2, columns).problem, "");
}

TEST(MonthsGained, AreTheAreaBetweenTheCurves) {
  const std::vector<double> cuts{0, 12, 24, 36}, survival{0.8, 0.6, 0.5};
  EXPECT_EQ(months_gained(cuts, survival, 0), 0);
  EXPECT_GT(months_gained(cuts, survival, -0.2), 0);
  const std::vector<double> halved{std::sqrt(0.8), std::sqrt(0.6), std::sqrt(0.5)};
  EXPECT_NEAR(months_gained(cuts, survival, std::log(0.5)), curve_area(cuts, halved, 36) - curve_area(cuts, survival, 36), 1e-12);
}

}  // namespace
}  // namespace hepar::statistics
