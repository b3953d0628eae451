// SPDX-License-Identifier: Apache-2.0
// What the page says of a recalibration that happened, and of one that did not.
#include "trainer/report/source.hpp"

#include <gtest/gtest.h>

namespace hepar::report {
namespace {

Json estimate(double value) { return {{"value", value}, {"low", value - 0.1}, {"high", value + 0.1}, {"k", 6}, {"normal_low", value - 0.05}, {"normal_high", value + 0.05}}; }
Json lacking(const char* why) { return {{"not_estimable", why}}; }
Json fold(const char* name, double weight, int events) {
  return {{"name", name}, {"calibration", {{"os", {{"a", 0}, {"b", 1}, {"weight", weight}, {"n", 40}, {"events", events}, {"not_recalibrated", weight > 0 ? "" : std::to_string(events) + " events, fewer than 20"}}}}}};
}

std::string page_of(const Json& folds, const Json& after, const Json& before) {
  Source source;
  source.validation = {{"figures", {{"os", {{"horizon", 60}, {"calibration", Json::array()}, {"risk_groups", {{"groups", Json::array()}}}}}}},
                       {"folds", folds},
                       {"pooled", {{"os.oe.60", after}, {"os.calibration_slope", after}, {"os.raw_oe.60", before}, {"os.raw_calibration_slope", before}}}};
  return calibration_section(source);
}

std::size_t times(const std::string& page, const std::string& words) {
  std::size_t count = 0;
  for (std::size_t at = page.find(words); at != std::string::npos; at = page.find(words, at + 1)) ++count;
  return count;
}

TEST(Recalibration, ThatDidNotHappenIsNotTold) {
  const std::string page = page_of(Json::array({fold("C01", 0, 3), fold("C02", 0, 5)}), estimate(0.9), estimate(0.9));
  EXPECT_EQ(times(page, "Before the recalibration"), 0u) << page;
  EXPECT_EQ(times(page, "Not recalibrated: too little among the patients set aside (C01: 3 events, fewer than 20; C02: 5 events, fewer than 20)."), 1u) << page;
}

TEST(Recalibration, OfSomeFoldsNamesTheOthers) {
  const std::string page = page_of(Json::array({fold("C01", 0.3, 40), fold("C02", 0, 5)}), estimate(0.9), estimate(0.7));
  EXPECT_EQ(times(page, "Before the recalibration"), 1u) << page;
  EXPECT_EQ(times(page, "Not recalibrated in 1 of 2 folds"), 1u) << page;
  EXPECT_EQ(times(page_of(Json::array({fold("C01", 0.3, 40)}), estimate(0.9), estimate(0.7)), "Not recalibrated"), 0u);
}

TEST(Recalibration, OneReasonIsToldOnce) {
  const Json why = lacking("no fold is estimable: 4 events by 60 months, fewer than 10");
  for (const double weight : {0.0, 0.3}) EXPECT_EQ(times(page_of(Json::array({fold("C01", weight, 3)}), why, why), "4 events by 60 months"), 1u) << weight;
}

}  // namespace
}  // namespace hepar::report
