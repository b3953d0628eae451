// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/strategies.hpp"

#include "tests/validation/cohort_store.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace hepar::validation {
namespace {

EndpointSpec endpoint(const std::string& name, double horizon) {
  EndpointSpec spec;
  spec.name = name;
  spec.horizon_months = horizon;
  return spec;
}

const std::vector<Strategy> kBoth{{"surgery", 20, {}}, {"tace", 20, {}}};

TEST(Natural, MixesTheArmsByTheirShares) {
  const engine::Predictor::Curves curves{{{{0.8, 0.6}}, {{0.9, 0.5}}}};
  const Prediction prediction = prediction_of(curves, {0.25, 0.75}, {endpoint("rfs", 24)}, {});
  ASSERT_EQ(prediction.survival.size(), 3u);
  EXPECT_DOUBLE_EQ(prediction.survival[2][0][0], 0.25 * 0.8 + 0.75 * 0.9);
  EXPECT_DOUBLE_EQ(prediction.survival[2][0][1], 0.25 * 0.6 + 0.75 * 0.5);
}

TEST(Natural, IsTheOnlyArmOfAOneArmCohort) {
  const engine::Predictor::Curves curves{{{{0.8}}}};
  EXPECT_EQ(prediction_of(curves, {1.0}, {endpoint("os", 12)}, {}).survival.size(), 1u);
  EXPECT_EQ(with_natural({{"all", 9, {}}}).size(), 1u);
  EXPECT_EQ(with_natural({{"surgery", 9, {}}, {"tace", 9, {}}}).back().name, "natural");
}

TEST(Calibration, LeavesCurvesAloneWithFewEvents) {
  std::vector<double> time, risk;
  std::vector<int> event;
  for (int i = 0; i < 60; ++i) {
    time.push_back(1 + i);
    event.push_back(i % 6 == 0 ? 1 : 0);
    risk.push_back(0.2 + 0.01 * (i % 10));
  }
  const CalibrationMap map = fit_calibration({time, event}, risk, 36);
  EXPECT_EQ(map.weight, 0);
  EXPECT_EQ(map.survival(0.37), 0.37);
  EXPECT_EQ(map.not_recalibrated, "6 events, fewer than 20");
}

TEST(Calibration, MovesAnOverconfidentModelTowardsTheObservedRisk) {
  // Nobody's true risk differs, but the model says 60 % where 30 % happen.
  std::vector<double> time, risk;
  std::vector<int> event;
  for (int i = 0; i < 600; ++i) {
    const bool happens = i % 10 < 3;
    time.push_back(happens ? 1 + i % 30 : 40);
    event.push_back(happens ? 1 : 0);
    risk.push_back(0.55 + 0.001 * (i % 100));
  }
  const CalibrationMap map = fit_calibration({time, event}, risk, 36);
  EXPECT_GT(map.weight, 0.5);
  EXPECT_EQ(map.not_recalibrated, "");
  EXPECT_GT(map.survival(0.4), 0.5) << "the mapped survival must move towards 0.7";
  double before = 1;
  for (double s = 0.99; s > 0; s -= 0.01) {
    EXPECT_LT(map.survival(s), before) << "the map must keep curves monotone";
    before = map.survival(s);
  }
}

TEST(Calibration, SurvivesItsJson) {
  const CalibrationMaps maps{{"rfs", {0.1234567890123, 1.5, 0.25, 90, 33}}, {"os", {0, 1, 0, 9, 3, "3 events, fewer than 20"}}};
  const CalibrationMaps again = maps_from(to_text(maps));
  EXPECT_EQ(again.at("rfs").a, maps.at("rfs").a);
  EXPECT_EQ(again.at("rfs").survival(0.6), maps.at("rfs").survival(0.6));
  EXPECT_EQ(again.at("os").not_recalibrated, "3 events, fewer than 20");
  EXPECT_TRUE(maps_from("").empty());
}

// Maps of two endpoints differ; death is among the events of RFS, and so is recurrence.
TEST(Calibration, KeepsEndpointsInOrder) {
  EndpointSpec rfs = endpoint("rfs", 24), os = endpoint("os", 24), recurrence = endpoint("recurrence", 24), direct = endpoint("direct", 24);
  rfs.recurrence_is_event = rfs.death_is_event = os.death_is_event = recurrence.recurrence_is_event = recurrence.death_competes = true;
  const engine::Predictor::Curves curves{{{{0.8, 0.6}, {0.81, 0.61}, {0.8, 0.6}, {0.3, 0.2}}}};
  const CalibrationMaps maps{{"rfs", {-0.5, 1, 1, 900, 300}}, {"os", {0.5, 1, 1, 900, 300}}, {"recurrence", {0.2, 1, 1, 900, 300}}};
  const auto survival = prediction_of(curves, {1.0}, {rfs, os, recurrence, direct}, maps).survival[0];
  for (std::size_t m = 0; m < 2; ++m) {
    EXPECT_NEAR(survival[0][m], maps.at("rfs").survival(curves.survival[0][0][m]), 1e-15);
    EXPECT_GE(survival[1][m], survival[0][m]) << "OS below RFS";
    EXPECT_GE(survival[2][m], survival[0][m]) << "more recurrences than events of RFS";
    EXPECT_EQ(survival[3][m], curves.survival[0][3][m]) << "an endpoint of a column is on its own";
  }
}

TEST(Months, EndAtTheHorizonWhateverItIs) {
  EXPECT_EQ(months_of(endpoint("os", 36)), (std::vector<double>{12, 24, 36}));
  EXPECT_EQ(months_of(endpoint("os", 30)), (std::vector<double>{12, 24, 30}));
  EXPECT_EQ(months_of(endpoint("os", 6)), (std::vector<double>{6}));
  EXPECT_EQ(prediction_months({endpoint("rfs", 30), endpoint("os", 36)}), (std::vector<double>{12, 24, 30, 36}));
}

TEST(PredictionsCsv, GivesTheRiskAtAHorizonBetweenYears) {
  const testing::StoreFolder folder({2, 2});
  const store::Store store = folder.open();
  const std::vector<EndpointSpec> endpoints{endpoint("rfs", 30), endpoint("os", 36)};
  PredictionsCsv csv(endpoints, {{"all", 4, {}}}, prediction_months(endpoints));
  csv.add(store, 0, "C1", prediction_of({{{{0.875, 0.75, 0.5, 0.25}, {1, 1, 1, 0.875}}}}, {1.0}, endpoints, {}));
  EXPECT_NE(csv.text().find(",risk,survival_12,survival_24,survival_36\n"), std::string::npos) << csv.text();
  EXPECT_NE(csv.text().find(",rfs,all,tace,0.5,0.875,0.75,\n"), std::string::npos) << csv.text();
  EXPECT_NE(csv.text().find(",os,all,tace,0.125,1,1,0.875\n"), std::string::npos) << csv.text();
}

TEST(ArmShares, AreProbabilitiesThatFollowTheCovariates) {
  const testing::StoreFolder folder({120, 120});
  const store::Store store = folder.open();
  std::vector<std::int64_t> patients;
  for (std::int64_t p = 0; p < store.patients(); ++p) patients.push_back(p);
  const ArmShares shares = ArmShares::fit(store, {"size"}, patients), again = ArmShares::from_json(shares.json());
  const auto of = shares.of(store, patients), of_again = again.of(store, patients);
  double treated = 0;
  for (std::size_t i = 0; i < of.size(); ++i) {
    EXPECT_NEAR(of[i][0] + of[i][1], 1, 1e-12);
    EXPECT_EQ(of[i], of_again[i]);
    treated += of[i][1];
  }
  EXPECT_NEAR(treated / static_cast<double>(of.size()), 1.0 / 3, 0.01);
  EXPECT_EQ(shares.fitted_on().size(), patients.size());
}

TEST(ArmShares, GiveNoShareToAnArmThatTooFewReceived) {
  const testing::StoreFolder folder({12, 12}, 2, {}, {"surgery", "tace", "systemic"});
  const store::Store store = folder.open();
  std::vector<std::int64_t> twelve(12), everybody(24);
  std::iota(twelve.begin(), twelve.end(), 0);
  std::iota(everybody.begin(), everybody.end(), 0);
  const ArmShares of_all = ArmShares::fit(store, {"size"}, everybody), of_half = ArmShares::fit(store, {"size"}, twelve);
  for (const ArmShares& shares : {of_all, of_half, ArmShares::from_json(of_half.json())}) {
    const bool half = shares.strategies()[1].patients == 4;
    EXPECT_EQ(shares.strategies()[0].not_estimable, "");
    EXPECT_EQ(shares.strategies()[2].not_estimable, "0 patients of the training fold received it, fewer than 5");
    EXPECT_EQ(shares.strategies()[1].not_estimable, half ? "4 patients of the training fold received it, fewer than 5" : "");
    for (const auto& of : shares.of(store, everybody)) {
      EXPECT_EQ(of[2], 0) << "a share of an arm that nobody received";
      EXPECT_NEAR(of[0] + of[1], 1, 1e-12);
      if (half) EXPECT_EQ(of[0], 1);
    }
  }
  EXPECT_NE(of_half.note().find("only surgery"), std::string::npos) << of_half.note();
}

TEST(PredictionsCsv, HoldsTheRowsButNoNumberOfAnArmThatIsNotEstimable) {
  const testing::StoreFolder folder({2, 2});
  const store::Store store = folder.open();
  const std::vector<EndpointSpec> endpoints{endpoint("rfs", 24)};
  PredictionsCsv csv(endpoints, {{"surgery", 20, {}}, {"tace", 0, "0 patients"}}, {12, 24});
  csv.add(store, 0, "C1", prediction_of({{{{0.75, 0.5}}, {{0.75, 0.5}}}}, {1, 0}, endpoints, {}));
  EXPECT_NE(csv.text().find(",rfs,surgery,tace,0.5,0.75,0.5\n"), std::string::npos) << csv.text();
  EXPECT_NE(csv.text().find(",rfs,tace,tace,,,\n"), std::string::npos) << csv.text();
  EXPECT_NE(csv.text().find(",rfs,natural,tace,0.5,0.75,0.5\n"), std::string::npos) << csv.text();
}

TEST(PredictionsCsv, LeavesMonthsBeyondTheHorizonEmptyAndMergesByPatient) {
  const testing::StoreFolder folder({2, 2});
  const store::Store store = folder.open();
  const std::vector<EndpointSpec> endpoints{endpoint("rfs", 12)};
  PredictionsCsv second(endpoints, kBoth, {12, 24}), first(endpoints, kBoth, {12, 24});
  const Prediction prediction = prediction_of({{{{0.8, 0.6}}, {{0.9, 0.5}}}}, {0.5, 0.5}, endpoints, {});
  second.add(store, 2, "C2", prediction);
  first.add(store, 0, "C1", prediction);
  const std::string merged = PredictionsCsv::merge({second.text(), first.text()});
  EXPECT_EQ(merged.find("patient_id,centre,fold,endpoint,strategy,strategy_observed,risk,survival_12,survival_24\nP1000,C1,C1,rfs,surgery,tace,0.19999999999999996,0.8,\n"), 0u) << merged;
  EXPECT_LT(merged.find("P1000"), merged.find("P1002"));
}

}  // namespace
}  // namespace hepar::validation
