// SPDX-License-Identifier: Apache-2.0
// What the page says in words of a difference between the model and a baseline.
#include "trainer/report/source.hpp"

#include <gtest/gtest.h>

namespace hepar::report {
namespace {

Json difference(int k, double low, double high, double normal_low, double normal_high) {
  return {{"value", (low + high) / 2}, {"low", low}, {"high", high}, {"n", 90}, {"events", 40}, {"method", "random effects"}, {"k", k}, {"normal_low", normal_low}, {"normal_high", normal_high}};
}

std::string page_of(const Json& gain) {
  Source source;
  source.validation = {{"figures", {{"rfs", Json::object()}}},
                       {"pooled", {{"rfs.harrell_c", difference(6, 0.60, 0.70, 0.61, 0.69)}}},
                       {"baselines", {{"clinical_cox", {{"title", "clinical Cox model"}, {"pooled", Json::object()}, {"difference", {{"rfs.harrell_c", gain}}}}}}}};
  return headline_section(source);
}

bool says(const std::string& page, const char* words) { return page.find(words) != std::string::npos; }

TEST(Verdict, NeedsFiveFoldsHoweverNarrowTheIntervals) {
  const std::string page = page_of(difference(2, 0.02, 0.05, 0.01, 0.06));
  EXPECT_FALSE(says(page, "more than")) << page;
  EXPECT_TRUE(says(page, "k = 2: too few centres for a verdict")) << page;
  EXPECT_TRUE(says(page, "Intervals over fewer than 5 folds (k) are hardly informative.")) << page;
  EXPECT_FALSE(says(page_of(difference(4, -0.05, -0.02, -0.06, -0.01)), "less than the"));
}

TEST(Verdict, NeedsBothIntervalsToExcludeNothing) {
  EXPECT_FALSE(says(page_of(difference(6, 0.02, 0.05, -0.01, 0.08)), "more than the"));
  EXPECT_FALSE(says(page_of(difference(6, -0.01, 0.08, 0.02, 0.05)), "more than the"));
  EXPECT_TRUE(says(page_of(difference(6, -0.01, 0.08, 0.02, 0.05)), "no clear difference from the clinical Cox model"));
  EXPECT_TRUE(says(page_of(difference(5, 0.02, 0.05, 0.01, 0.06)), "more than the clinical Cox model"));
  EXPECT_TRUE(says(page_of(difference(5, -0.05, -0.02, -0.06, -0.01)), "less than the clinical Cox model"));
}

TEST(Verdict, NotKnowingTheFoldsGivesNone) {
  Json gain = difference(6, 0.02, 0.05, 0.01, 0.06);
  gain.erase("k");
  EXPECT_TRUE(says(page_of(gain), "too few centres for a verdict"));
}

}  // namespace
}  // namespace hepar::report
