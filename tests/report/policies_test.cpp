// SPDX-License-Identifier: Apache-2.0
// What the page says of policies on which the data say little.
#include "trainer/report/source.hpp"

#include <gtest/gtest.h>

namespace hepar::report {
namespace {

std::string page_of(double smallest_propensity, int under) {
  Source source;
  source.validation = {{"policies",
                        {{"estimand", "mean months free of rfs"},
                         {"patients", 96},
                         {"abstained", Json::object()},
                         {"policies", {{"all tace", {{"value", {{"not_estimable", "no overlap: 31 of 96 patients have a propensity under 0.02"}}}}}}},
                         {"overlap",
                          {{"arms", {{"tace", {{"n", 40}, {"effective_sample_size", 12.3}, {"smallest_propensity", smallest_propensity}, {"under_0.02", under}, {"not_evaluable", ""}}}}},
                           {"standardised_differences", Json::object()}}},
                         {"guideline", {{"rule", "mvi"}}}}}};
  return policies_section(source);
}

TEST(Overlap, IsToldWithTheFlooredPatientsAndNoPropensityOfNothing) {
  const std::string page = page_of(3.4e-12, 31);
  EXPECT_NE(page.find("&lt; 0.001"), std::string::npos) << page;
  EXPECT_EQ(page.find("0.000"), std::string::npos) << page;
  EXPECT_NE(page.find("patients under 0.02"), std::string::npos) << page;
  EXPECT_NE(page.find(">31<"), std::string::npos) << page;
  EXPECT_NE(page.find("not estimable: no overlap: 31 of 96 patients have a propensity under 0.02"), std::string::npos) << page;
  EXPECT_NE(page_of(0.0312, 0).find("0.031"), std::string::npos);
}

}  // namespace
}  // namespace hepar::report
