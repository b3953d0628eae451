// SPDX-License-Identifier: Apache-2.0
#include "trainer/sweep/sobol.hpp"

#include <gtest/gtest.h>

#include <set>

namespace hepar::sweep {
namespace {

// The first points of Joe and Kuo's own program for their direction numbers (new-joe-kuo-6), in Gray-code order.
TEST(Sobol, FirstPointsAreThePublishedOnes) {
  const std::vector<std::vector<double>> published{{0, 0, 0}, {0.5, 0.5, 0.5}, {0.75, 0.25, 0.25}, {0.25, 0.75, 0.75}, {0.375, 0.375, 0.625}, {0.875, 0.875, 0.125}, {0.625, 0.125, 0.875}, {0.125, 0.625, 0.375}};
  const auto points = sobol_points(published.size(), 3);
  for (std::size_t i = 0; i < published.size(); ++i)
    for (std::size_t d = 0; d < 3; ++d) EXPECT_EQ(points[i][d] * 0x1p-32, published[i][d]) << "point " << i << ", dimension " << d;
}

TEST(Sobol, APointDoesNotDependOnHowManyFollow) {
  const auto few = scrambled_points(5, 7, 3), many = scrambled_points(200, 7, 3);
  for (std::size_t i = 0; i < few.size(); ++i) EXPECT_EQ(few[i], many[i]);
}

// What scrambling must keep: every one of the 64 boxes of each shape holds one of the first 64 points.
TEST(Sobol, ScrambledPointsStillFillEveryElementaryInterval) {
  for (const std::uint64_t seed : {1u, 2u, 77u}) {
    const auto points = scrambled_points(64, 2, seed);
    for (int columns = 1; columns <= 64; columns *= 2) {
      std::set<std::pair<int, int>> boxes;
      for (const auto& point : points) boxes.emplace(static_cast<int>(point[0] * columns), static_cast<int>(point[1] * (64 / columns)));
      EXPECT_EQ(boxes.size(), 64u) << columns << " columns, seed " << seed;
    }
  }
}

TEST(Sobol, ScramblingIsAPermutationThatKeepsCommonLeadingBits) {
  std::set<std::uint32_t> images;
  for (std::uint32_t i = 0; i < 4096; ++i) images.insert(owen_scrambled(i << 20, 9) >> 20);
  EXPECT_EQ(images.size(), 4096u);
  for (int bits = 1; bits < 32; ++bits) {
    const std::uint32_t a = 0x9e3779b9u, b = a ^ (1u << (31 - bits));
    EXPECT_EQ(owen_scrambled(a, 5) >> (32 - bits), owen_scrambled(b, 5) >> (32 - bits));
    EXPECT_NE(owen_scrambled(a, 5) >> (31 - bits), owen_scrambled(b, 5) >> (31 - bits));
  }
}

TEST(Sobol, SeedsAndDimensionsAreScrambledDifferently) {
  EXPECT_NE(scrambled_points(4, 2, 1), scrambled_points(4, 2, 2));
  const auto points = scrambled_points(16, 2, 1);
  bool differ = false;
  for (const auto& point : points) differ = differ || point[0] != point[1];
  EXPECT_TRUE(differ);
}

}  // namespace
}  // namespace hepar::sweep
