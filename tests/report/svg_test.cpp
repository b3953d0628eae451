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

TEST(Text, IsEscapedAndNeverANumberThatIsNone) {
  EXPECT_EQ(escaped("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
  EXPECT_EQ(number(std::nan(""), 2), "not known");
  EXPECT_EQ(number(0.125, 2), "0.12");
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

}  // namespace
}  // namespace hepar::report
