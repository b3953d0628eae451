// SPDX-License-Identifier: Apache-2.0
#include "trainer/objective/objective.hpp"

#include "data/base/random.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace hepar::objective {
namespace {

HeadSpec one_arm_head() { return {HeadSpec::Kind::illness_death, "illness_death", {0, 3, 6, 12, 24, 36}, {"all"}, {"rfs", "recurrence", "os"}}; }

std::vector<EndpointSpec> endpoints() {
  EndpointSpec rfs, recurrence, os;
  rfs.name = "rfs", recurrence.name = "recurrence", os.name = "os";
  rfs.recurrence_is_event = rfs.death_is_event = recurrence.recurrence_is_event = recurrence.death_competes = os.death_is_event = true;
  return {os, rfs, recurrence};
}

std::vector<double> random_logits(std::uint64_t seed, double spread) {
  Stream random({seed});
  std::vector<double> z(15);
  for (double& v : z) v = spread * random.normal() - 1;
  return z;
}

TEST(Curves, StatesSumToOneAndOverallSurvivalIsNeverBelowRecurrenceFree) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const IllnessDeathCurves c = illness_death(random_logits(seed, seed % 2 == 0 ? 1 : 15), 5);
    for (std::size_t j = 0; j <= 5; ++j) {
      EXPECT_NEAR(c.free[j] + c.recurrence[j] + c.death_without[j], 1, 1e-12);
      EXPECT_GE(c.survival[j], c.free[j]);
      if (j > 0) { EXPECT_LE(c.survival[j], c.survival[j - 1]); }
    }
  }
}

TEST(Curves, FollowTheRecursionByItsDefinition) {
  const std::vector<double> z = random_logits(3, 1);
  double s = 1, p = 0, cif = 0;
  const IllnessDeathCurves c = illness_death(z, 5);
  for (std::size_t j = 0; j < 5; ++j) {
    const double total = 1 + std::exp(z[3 * j]) + std::exp(z[3 * j + 1]), h1 = std::exp(z[3 * j]) / total, h2 = std::exp(z[3 * j + 1]) / total;
    p = p * (1 - 1 / (1 + std::exp(-z[3 * j + 2]))) + s * h1;
    cif += s * h1;
    s *= 1 - h1 - h2;
    EXPECT_NEAR(c.free[j + 1], s, 1e-14);
    EXPECT_NEAR(c.recurrence[j + 1], cif, 1e-14);
    EXPECT_NEAR(c.survival[j + 1], s + p, 1e-14);
  }
}

TEST(Curves, EachEndpointReadsItsOwnAndIsLinearInside) {
  const std::vector<double> z = random_logits(5, 1), months{0, 3, 9, 36, 90};
  const auto result = curves(one_arm_head(), endpoints(), z, months);
  const IllnessDeathCurves c = illness_death(z, 5);
  ASSERT_EQ(result.size(), 3U);
  EXPECT_EQ(result[0], (std::vector<double>{1, c.free[1], c.free[2] + 0.5 * (c.free[3] - c.free[2]), c.free[5], c.free[5]}));
  EXPECT_NEAR(result[1][2], 1 - 0.5 * (c.recurrence[2] + c.recurrence[3]), 1e-15);
  EXPECT_EQ(result[2][3], c.survival[5]);
}

TEST(Curves, OneHazardIsAProduct) {
  const HeadSpec single{HeadSpec::Kind::hazard, "os", {0, 12, 24}, {"all"}, {"os"}};
  const std::vector<double> z{-1, 0.5}, months{12, 24};
  const auto result = curves(single, endpoints(), z, months);
  EXPECT_NEAR(result[0][0], 1 / (1 + std::exp(-1.0)), 1e-15);
  EXPECT_NEAR(result[0][1], 1 / (1 + std::exp(-1.0)) / (1 + std::exp(0.5)), 1e-15);
}

}  // namespace
}  // namespace hepar::objective
