// SPDX-License-Identifier: Apache-2.0
// The analysis of recommended against given treatment: its pieces against twins and published values, and both nulls.
#include "data/base/random.hpp"
#include "trainer/statistics/causal.hpp"
#include "trainer/statistics/null_studies.hpp"
#include "trainer/statistics/quantile.hpp"
#include "trainer/statistics/survival.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace hepar::statistics {
namespace {

TEST(EValue, AgreesWithItsPaper) {
  // VanderWeele & Ding 2017: RR 3.9 (1.8 to 8.7).
  const EValue e = e_value(3.9, 1.8, 8.7, true);
  EXPECT_NEAR(e.estimate, 7.26, 0.005);
  EXPECT_NEAR(e.limit, 3.0, 0.005);
  EXPECT_EQ(e_value(0.8, 0.6, 1.1, true).limit, 1);
  EXPECT_NEAR(e_value(1 / 3.9, 1 / 8.7, 1 / 1.8, true).estimate, 7.26, 0.005);
}

TEST(Power, SchoenfeldsEventsGiveEightyPercent) {
  EXPECT_NEAR(log_rank_power(0.7, 247, 0.5), 0.80, 0.002);
  EXPECT_NEAR(detectable_hazard_ratio(247, 0.5), 0.70, 0.001);
  EXPECT_TRUE(std::isnan(detectable_hazard_ratio(0, 0.5)));
}

TEST(RobustRestrictedMean, IsTheJackknifeOfItsWeights) {
  const StudyCohort cohort = confounded_cohort(60, 5, 0);
  std::vector<double> weight;
  for (std::size_t i = 0; i < 60; ++i) weight.push_back(0.5 + static_cast<double>(i % 7) / 5);
  const auto area = [&](const std::vector<double>& w) { return restricted_mean(cohort.outcomes.view(), 20, w).value; };
  double variance = 0;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    std::vector<double> more = weight, less = weight;
    more[i] += 1e-5;
    less[i] -= 1e-5;
    const double slope = (area(more) - area(less)) / 2e-5;
    variance += weight[i] * weight[i] * slope * slope;
  }
  const MeanTime robust = robust_restricted_mean(cohort.outcomes.view(), 20, weight);
  EXPECT_NEAR(robust.se, std::sqrt(variance), 1e-7);
  EXPECT_EQ(robust.value, area(weight));
  // A cluster of everybody: influences sum to (almost) nothing.
  const std::vector<int> all(60, 0);
  EXPECT_LT(robust_restricted_mean(cohort.outcomes.view(), 20, weight, all).se, 1e-9);
}

TEST(ArmScores, WhereNobodyIsLostAreTheAipwOfPolicyValue) {
  StudyCohort cohort = confounded_cohort(400, 6, 0);
  for (int& event : cohort.outcomes.event) event = 1;
  const std::vector<Values> x(cohort.covariates.begin(), cohort.covariates.end());
  const ArmScores scores = arm_scores({cohort.outcomes.view(), cohort.given, 2, x, cohort.fold, 24, 0});
  const std::vector<Values> ps(scores.propensity.begin(), scores.propensity.end()), m(scores.expected.begin(), scores.expected.end());
  const std::vector<int> all(400, 1), none(400, 0);
  const PolicyValue twin = policy_value({cohort.outcomes.view(), cohort.given, ps, m, {all, none}}, 24, PolicyEstimator::aipw, true);
  const Estimate value = mean_estimate(policy_scores(scores, all), 24, ""),
                 difference = mean_difference(policy_scores(scores, all), policy_scores(scores, none), 24, "");
  EXPECT_NEAR(value.value, twin.value[0], 1e-9);
  EXPECT_NEAR(value.se, twin.se[0], 1e-9);
  EXPECT_NEAR(difference.value, twin.difference[0], 1e-9);
  EXPECT_NEAR(difference.se, twin.se_difference[0], 1e-9);
}

// Then the mean is the area under Kaplan-Meier, and a score the patient's influence on it.
TEST(ArmScores, WithoutCovariatesHaveTheErrorOfTheCurve) {
  const StudyCohort cohort = confounded_cohort(2000, 12, 0);
  const ArmScores scores = arm_scores({cohort.outcomes.view(), cohort.given, 2, {}, cohort.fold, 24});
  for (const int arm : {0, 1}) {
    const std::vector<std::size_t> rows = rows_with(cohort.given, arm);
    const MeanTime curve = robust_restricted_mean(select(cohort.outcomes.view(), rows).view(), 24, {});
    const Estimate own = mean_estimate(select(scores.as_observed, rows), 24, "");
    EXPECT_NEAR(own.value, curve.value, 0.02);
    EXPECT_NEAR(own.se / curve.se, 1, 0.02);
  }
}

// Of whoever is followed longest nobody knows the end: weights alone would lose that patient's share.
TEST(ArmScores, OfAnArmThatIsNotEvaluableFollowItsOwnCurve) {
  StudyCohort cohort = confounded_cohort(400, 9, 0);
  for (std::size_t i = 0; i < 15; ++i) {
    cohort.given[i] = 2;
    cohort.outcomes.event[i] = cohort.outcomes.time[i] < 16 ? cohort.outcomes.event[i] : 0;
    cohort.outcomes.time[i] = std::min(cohort.outcomes.time[i], 16.0);
  }
  const std::vector<Values> x(cohort.covariates.begin(), cohort.covariates.end());
  const ArmScores scores = arm_scores({cohort.outcomes.view(), cohort.given, 3, x, cohort.fold, 24});
  ASSERT_FALSE(scores.evaluable(2));
  const std::vector<std::size_t> rows = rows_with(cohort.given, 2);
  const MeanTime curve = restricted_mean(select(cohort.outcomes.view(), rows).view(), 24);
  EXPECT_NEAR(mean(select(scores.as_observed, rows)), curve.value, 0.1);  // the curve is kept at 72 points
}

TEST(ArmScores, SayWhichArmIsNotEvaluable) {
  const StudyCohort cohort = confounded_cohort(400, 7, 0);
  const std::vector<Values> x(cohort.covariates.begin(), cohort.covariates.end());
  const ArmScores scores = arm_scores({cohort.outcomes.view(), cohort.given, 3, x, cohort.fold, 24});
  EXPECT_FALSE(scores.evaluable(2));
  EXPECT_EQ(scores.not_evaluable[2], "0 patients had it, fewer than 20");
  const std::vector<int> policy(400, 2);
  EXPECT_NE(policy_problem(scores, policy).find("400 patients"), std::string::npos);
  for (const double score : random_scores(scores)) EXPECT_TRUE(std::isfinite(score));
  const std::vector<int> as_observed(400, kAsObserved);
  for (const double score : policy_scores(scores, as_observed)) EXPECT_TRUE(std::isfinite(score));
  const Overlap overlap = overlap_of(scores, x);
  EXPECT_LT(overlap.smd_after[0], overlap.smd_before[0] / 3);
}

// Who is treated is who is sicker, and so of a quarter of the patients nobody alike was.
TEST(ArmScores, GiveNoValueToAPolicyWithoutOverlap) {
  StudyCohort cohort = confounded_cohort(600, 7, 0);
  for (std::size_t i = 0; i < cohort.given.size(); ++i) cohort.given[i] = cohort.covariates[0][i] > 0 ? 1 : 0;
  const std::vector<Values> x(cohort.covariates.begin(), cohort.covariates.end());
  const ArmScores scores = arm_scores({cohort.outcomes.view(), cohort.given, 2, x, cohort.fold, 24});
  ASSERT_TRUE(scores.evaluable(0) && scores.evaluable(1));
  std::int64_t floored = 0;
  for (const double p : scores.propensity[1]) floored += p < 0.02 ? 1 : 0;
  EXPECT_EQ(arm_problem(scores, 1), "no overlap: " + std::to_string(floored) + " of 600 patients have a propensity under 0.02");
  EXPECT_EQ(overlap_of(scores, x).floored[1], floored);
  EXPECT_EQ(policy_problem(scores, cohort.given), "") << "what was given to each can be evaluated";
  EXPECT_NE(random_problem(scores), "");
  EXPECT_EQ(best_single_arm(scores), -1);
  for (int& arm : cohort.recommended) arm = 1;
  const Consistency none = consistency(cohort);
  EXPECT_NE(none.model_value.not_estimable.find("no overlap: "), std::string::npos) << none.model_value.value;
}

// Thirty were treated so, and one of them speaks for almost everybody.
TEST(ArmScores, GiveNoValueToAPolicyOnWhichFewWeigh) {
  ArmScores scores;
  scores.floor = 0.02;
  scores.not_evaluable = {"", ""};
  scores.treatment.assign(200, 0);
  std::fill_n(scores.treatment.begin(), 30, 1);
  scores.propensity.assign(2, std::vector<double>(200, 0.5));
  EXPECT_EQ(arm_problem(scores, 1), "");
  EXPECT_NEAR(policy_overlap(scores, std::vector<int>(200, 1)).ess, 30, 1e-9);
  scores.propensity[1][0] = 1e-9;
  EXPECT_NEAR(policy_overlap(scores, std::vector<int>(200, 1)).ess, 108.0 * 108 / (2500 + 29 * 4), 1e-9);
  EXPECT_EQ(arm_problem(scores, 1), "no overlap: those who were treated so have an effective sample size of 4.5, under 20");
  EXPECT_EQ(policy_problem(scores, std::vector<int>(200, kAsObserved)), "") << "as treated, everybody counts once";
}

TEST(ArmScores, KeepAValueAndItsIntervalWithinWhatIsPossible) {
  const std::vector<double> high{20, 45, 38, 25, 31}, beyond{30, 60, 50, 40}, low{-20, 25, 3, -4, 6};
  for (const std::vector<double>& scores : {high, low}) {
    const Estimate value = mean_estimate(scores, 33, "");
    EXPECT_GT(value.low, 0);
    EXPECT_LT(value.low, value.value);
    EXPECT_LT(value.value, value.high);
    EXPECT_LT(value.high, 33);
  }
  EXPECT_EQ(mean_estimate(beyond, 33, "").not_estimable, "its scores have a mean of 45.0 months, which lies outside 0 to 33");
  const Estimate difference = mean_difference(high, low, 33, "");
  EXPECT_GT(difference.low, -33);
  EXPECT_LT(difference.high, 33);
  const Estimate same = mean_difference(high, high, 33, "");
  EXPECT_EQ(same.value, 0);
  EXPECT_EQ(same.high, 0);
  // Far from the limits it is the normal interval.
  std::vector<double> middle;
  for (int i = 0; i < 400; ++i) middle.push_back(16.5 + (i % 2 == 0 ? 5 : -5));
  const Estimate normal = mean_estimate(middle, 33, "");
  EXPECT_NEAR(normal.high - normal.value, 1.96 * normal.se, 0.001);
}

TEST(Nulls, ImmortalTimeIsSeenByTheNaiveAnalysisAlone) {
  const NullStudy null = null_of_start_delays({8, 2000, 1, 2});
  EXPECT_LT(null.naive, 0.88);
  EXPECT_NEAR(null.adjusted, 1.0, 4 * null.adjusted_error);
  EXPECT_NEAR(null.weighted, 1.0, 4 * null.weighted_error);
}

TEST(Nulls, AgreementWithATreatAllModelIsConfoundedAndThePolicyValueIsNot) {
  const NullStudy null = null_of_confounding({8, 2000, 1, 2});
  EXPECT_GT(null.unadjusted, 1.3);
  EXPECT_NEAR(null.weighted, 1.0, 4 * null.weighted_error);
  EXPECT_NEAR(null.policy_difference, 0, 0.6);
  EXPECT_GE(null.policy_covers, 0.75);
}

// A policy that is fixed, the evaluated patients drawn again a thousand times.
TEST(Policies, TheIntervalOfAValueCoversIt) {
  double truth = 0;
  constexpr int kDraws = 2000000;
  for (int i = 0; i < kDraws; ++i) {
    Stream s({99, static_cast<std::uint64_t>(i)});
    const double hazard = 0.02 * std::exp(0.47 * (s.normal() + s.normal()));
    truth += -std::expm1(-24 * hazard) / hazard / kDraws;
  }
  int covered = 0;
  constexpr int kReplicates = 1000;
  for (int r = 0; r < kReplicates; ++r) {
    const StudyCohort cohort = confounded_cohort(600, 77, static_cast<std::uint64_t>(r));
    const std::vector<Values> x(cohort.covariates.begin(), cohort.covariates.end());
    const Estimate value = mean_estimate(policy_scores(arm_scores({cohort.outcomes.view(), cohort.given, 2, x, cohort.fold, 24}), cohort.recommended), 24, "");
    covered += value.low <= truth && truth <= value.high ? 1 : 0;
  }
  EXPECT_GE(covered, 930);
  EXPECT_LE(covered, 970);
}

// The figures of the reference on which reading a consistent-versus-inconsistent comparison rests.
TEST(Nulls, SixtySimulationsOfTwoThousand) {
  const NullStudy delays = null_of_start_delays({60, 2000, 1, 2}), confounded = null_of_confounding({60, 2000, 1, 2});
  EXPECT_NEAR(delays.naive, 0.80, 0.03);
  EXPECT_NEAR(delays.adjusted, 1.00, 0.03);
  EXPECT_NEAR(confounded.unadjusted, 1.44, 0.05);
  EXPECT_NEAR(confounded.weighted, 1.00, 0.03);
  EXPECT_GE(confounded.policy_covers, 0.88);
}

TEST(Nulls, DoNotDependOnThreads) {
  const NullStudy one = null_of_confounding({2, 300, 3, 1}), two = null_of_confounding({2, 300, 3, 2});
  EXPECT_EQ(one.weighted, two.weighted);
  EXPECT_EQ(one.policy_difference, two.policy_difference);
}

TEST(Consistency, GivesNoRatioOfTooFewEventsForItsCoefficients) {
  StudyCohort cohort = confounded_cohort(300, 8, 0);
  int kept = 0;
  for (std::size_t i = 0; i < cohort.given.size(); ++i) {
    int& event = cohort.outcomes.event[i];
    event = event == 1 && cohort.outcomes.time[i] < 20 && kept < 25 ? 1 : 0;
    kept += event;
  }
  const Consistency few = consistency(cohort);
  EXPECT_EQ(few.adjusted.hazard_ratio.not_estimable, "25 events, fewer than 30 (10 a coefficient)");
  EXPECT_EQ(few.naive.hazard_ratio.not_estimable, few.adjusted.hazard_ratio.not_estimable);
  EXPECT_TRUE(few.unadjusted.hazard_ratio.estimable()) << few.unadjusted.hazard_ratio.not_estimable;
}

TEST(Consistency, GivesNoRatioOfAGroupWithoutEvents) {
  StudyCohort cohort = confounded_cohort(600, 8, 0);
  for (std::size_t i = 0; i < cohort.given.size(); ++i)
    if (cohort.given[i] == 0) cohort.outcomes.event[i] = 0;
  const Consistency none = consistency(cohort);
  for (const Contrast* contrast : {&none.naive, &none.unadjusted, &none.adjusted, &none.weighted}) {
    EXPECT_NE(contrast->hazard_ratio.not_estimable.find("inconsistent patients: no finite ratio"), std::string::npos) << contrast->hazard_ratio.not_estimable;
    EXPECT_TRUE(std::isnan(contrast->hazard_ratio.value));
  }
}

TEST(Consistency, SaysWhatCannotBeEstimated) {
  StudyCohort cohort = confounded_cohort(200, 8, 0);
  for (int& event : cohort.outcomes.event) event = 0;  // no events
  Consistency none = consistency(cohort);
  EXPECT_FALSE(none.unadjusted.hazard_ratio.estimable());
  EXPECT_FALSE(none.model_value.estimable());
  cohort = confounded_cohort(200, 8, 0);
  for (int& arm : cohort.given) arm = 1;  // an arm never seen
  none = consistency(cohort);
  EXPECT_FALSE(none.weighted.hazard_ratio.estimable());
  EXPECT_EQ(none.notes.size(), 1U);
  cohort = confounded_cohort(200, 8, 0);
  for (double& time : cohort.outcomes.time) time = 12;  // all times tied
  for (double& time : cohort.entry) time = 12;
  none = consistency(cohort);
  EXPECT_TRUE(none.weighted.free[0].estimable() || !none.weighted.free[0].not_estimable.empty());
  cohort = confounded_cohort(40, 8, 0);
  cohort.landmark = 1000;  // nobody is left
  none = consistency(cohort);
  EXPECT_EQ(none.left_before, 40);
  EXPECT_FALSE(none.unadjusted.hazard_ratio.estimable());
}

}  // namespace
}  // namespace hepar::statistics
