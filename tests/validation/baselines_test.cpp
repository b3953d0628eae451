// SPDX-License-Identifier: Apache-2.0
// What a model is compared with, and when the risks of that are no probabilities.
#include "trainer/validation/baselines.hpp"

#include "tests/validation/cohort_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

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

TEST(Baselines, SayTheirRuleInTheirMethod) {
  for (const Baseline& baseline : baselines()) {
    EXPECT_NE(method_of(baseline).find("at least 10 events per coefficient"), std::string::npos) << baseline.name;
    EXPECT_FALSE(baseline.title.empty());
  }
}

}  // namespace
}  // namespace hepar::validation
