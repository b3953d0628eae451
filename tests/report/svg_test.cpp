// SPDX-License-Identifier: Apache-2.0
#include "trainer/report/svg.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace hepar::report {
namespace {

TEST(Ticks, AreRoundAndCoverTheRange) {
  EXPECT_EQ(ticks(0, 1, 5), (std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1}));
  for (const double high : {0.3, 1.0, 7.0, 36.0, 488.0, 1e6}) {
    const std::vector<double> at = ticks(0, high, 6);
    EXPECT_GE(at.size(), 3u);
    EXPECT_LE(at.size(), 8u);
    EXPECT_EQ(at.front(), 0);
    EXPECT_LE(at.back(), high * (1 + 1e-9));
  }
  EXPECT_EQ(ticks(2, 2, 5).size(), 1u);
}

TEST(Chart, NamesItselfAndEscapesItsLabels) {
  Chart chart("C <1>", {0, 10, "x & y"}, {0, 1, "z"});
  chart.steps({{0, 1}, {5, 0.5}}, "line");
  const std::string svg = chart.svg();
  EXPECT_NE(svg.find("<title>C &lt;1&gt;</title>"), std::string::npos);
  EXPECT_NE(svg.find("x &amp; y"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.rfind("</svg>"), svg.size() - 6);
}

TEST(Chart, PutsCountsUnderTheirTicks) {
  Chart chart("S", {0, 24, "months", 12}, {0, 1, "free", 0.5, true}, 640, 360);
  chart.counts("Number at risk", {{"low", "c0", {{0, 40}, {12, 31}, {24, 7}}}});
  const std::string svg = chart.svg();
  for (const char* pair : {">12</text>", ">31</text>", ">50 %</text>", ">Number at risk</text>"}) EXPECT_NE(svg.find(pair), std::string::npos) << pair;
  const auto x_of = [&](const std::string& text) {
    const std::size_t at = svg.find("\" text-anchor=\"middle\">" + text + "</text>"), begin = svg.rfind(" x=\"", at) + 4;
    return svg.substr(begin, svg.find('"', begin) - begin);
  };
  EXPECT_EQ(x_of("12"), x_of("31"));
  EXPECT_EQ(x_of("24"), x_of("7"));
}

}  // namespace
}  // namespace hepar::report
