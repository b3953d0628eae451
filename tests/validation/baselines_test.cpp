// SPDX-License-Identifier: Apache-2.0
// What a model is compared with, and when the risks of that are no probabilities.
#include "trainer/validation/baselines.hpp"

#include "tests/validation/cohort_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace hepar::validation {
namespace {

BaselineSurvival cox_of(int patients, int event_every) {
  const testing::StoreFolder folder({patients, 40}, event_every);
  const store::Store store = folder.open();
  Fold fold;
  for (std::int64_t p = 0; p < store.patients(); ++p) (store.row(p).centre == "C1" ? fold.train : fold.test).push_back(p);
  const std::vector<std::string> columns{"size"};
  const BaselineResult result = baselines().front().predict({store, fold, columns, store.endpoints()});
  return result.endpoints.at(0);
}

TEST(Baselines, ALittleFittedCoxIsJudgedByItsOrderAlone) {
  const BaselineSurvival few = cox_of(36, 4);  // 9 events, one coefficient
  EXPECT_EQ(few.events_per_coefficient, 9);
  EXPECT_EQ(few.risks_unjudged, "9 events for 1 coefficients in its training fold, fewer than 10 each");
  const BaselineSurvival enough = cox_of(40, 4);  // 10
  EXPECT_EQ(enough.events_per_coefficient, 10);
  EXPECT_EQ(enough.risks_unjudged, "");
  EXPECT_EQ(enough.survival.back().size(), 40U);
}

// Training patients of centre C1 without a column to go by, or without a difference in it.
TEST(Baselines, SayWhyAFoldFitsNothing) {
  const testing::StoreFolder folder({30, 20});
  const store::Store store = folder.open();
  Fold fold;
  for (std::int64_t p = 0; p < store.patients(); ++p) (store.row(p).centre == "C2" ? fold.test : fold.train).push_back(p);
  const auto why = [&](const std::vector<std::string>& columns) {
    const BaselineResult result = baselines().front().predict({store, fold, columns, store.endpoints()});
    EXPECT_EQ(result.endpoints.size(), store.endpoints().size());
    return result.endpoints.at(0).not_fitted;
  };
  EXPECT_EQ(why({"size"}), "");
  EXPECT_EQ(why({}), "the model sees no clinical column to fit it on");
  std::erase_if(fold.train, [&](std::int64_t p) { return store.row(p).cells.at(0).value != 3; });
  EXPECT_EQ(why({"size"}), "nothing to fit: size does not differ between the patients of its training fold");
}

TEST(Baselines, AreRefusedWithoutTheirColumn) {
  const testing::StoreFolder folder({10, 10});
  const store::Store store = folder.open();
  engine::Experiment experiment;
  EXPECT_NO_THROW(check_baselines(experiment, store));  // of the model's own columns
  experiment.validation.baselines = {"clinical_cox", "bclc"};
  try {
    check_baselines(experiment, store);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_NE(std::string(error.what()).find("'validation.baselines' names 'bclc', and the store has no column 'bclc'"), std::string::npos) << error.what();
  }
}

TEST(Baselines, SayTheirRuleInTheirMethod) {
  for (const Baseline& baseline : baselines()) {
    EXPECT_NE(method_of(baseline).find("at least 10 events per coefficient"), std::string::npos) << baseline.name;
    EXPECT_FALSE(baseline.title.empty());
  }
}

}  // namespace
}  // namespace hepar::validation
