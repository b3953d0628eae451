// SPDX-License-Identifier: Apache-2.0
#include "data/base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace hepar {
namespace {

// SplitMix64 from state 0: the first outputs of the author's reference code (prng.di.unimi.it/splitmix64.c).
TEST(Random, TheFinaliserIsSplitMix64) {
  EXPECT_EQ(mix64(0), 0xe220a8397b1dcdafULL);
  EXPECT_EQ(mix64(0x9e3779b97f4a7c15ULL), 0x6e789e6aa1b965f4ULL);
  EXPECT_EQ(mix64(2 * 0x9e3779b97f4a7c15ULL), 0x06c45d188009454fULL);
}

TEST(Random, AStreamIsAFunctionOfItsKey) {
  Stream a({1, 2}), b({1, 2}), c({2, 1}), d({1, 2, 0});
  std::vector<std::uint64_t> first;
  for (int i = 0; i < 100; ++i) first.push_back(a.bits());
  std::set<std::uint64_t> all(first.begin(), first.end());
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(b.bits(), first[static_cast<std::size_t>(i)]);
    all.insert(c.bits());
    all.insert(d.bits());
  }
  EXPECT_EQ(all.size(), 300U) << "other keys, other draws";
  Stream copy = b;
  EXPECT_EQ(copy.normal(), b.normal());
}

TEST(Random, HashesOfTextsTellLengthAndOrder) {
  const std::set<std::uint64_t> hashes{hash_text(""), hash_text("a"), hash_text("ab"), hash_text("ba"), hash_text(std::string_view("a\0", 2)), hash_text("a", 1)};
  EXPECT_EQ(hashes.size(), 6U);
  EXPECT_NE(hash_words({0}), hash_words({0, 0}));
}

// Means and variances within five standard errors of n = 200,000 draws.
TEST(Random, MomentsAreRight) {
  Stream stream({7});
  const int n = 200000;
  double u = 0, z = 0, zz = 0, e = 0, low = 1, high = 0;
  for (int i = 0; i < n; ++i) {
    const double x = stream.uniform(), y = stream.normal();
    u += x;
    z += y;
    zz += y * y;
    e += stream.exponential();
    low = std::min(low, x);
    high = std::max(high, x);
  }
  EXPECT_NEAR(u / n, 0.5, 5 * std::sqrt(1.0 / 12 / n));
  EXPECT_NEAR(z / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(zz / n, 1, 5 * std::sqrt(2.0 / n));
  EXPECT_NEAR(e / n, 1, 5 / std::sqrt(n));
  EXPECT_GE(low, 0);
  EXPECT_LT(high, 1);
}

TEST(Random, BelowIsEvenOverItsRange) {
  Stream stream({3});
  std::vector<int> count(7, 0);
  const int n = 70000;
  for (int i = 0; i < n; ++i) ++count.at(stream.below(7));
  double chi2 = 0;
  for (const int c : count) chi2 += (c - n / 7.0) * (c - n / 7.0) / (n / 7.0);
  EXPECT_LT(chi2, 22.46) << "chi-square, 6 degrees of freedom, p = 0.001";
  for (int i = 0; i < 100; ++i) EXPECT_EQ(stream.below(1), 0U);
}

TEST(Random, AKeyedOrderIsAPermutationThatItsKeyDecides) {
  for (const std::int64_t n : {0, 1, 2, 1000}) {
    std::vector<std::int64_t> order = keyed_order(n, {5, 1});
    EXPECT_EQ(order, keyed_order(n, {5, 1}));
    if (n == 1000) {
      EXPECT_NE(order, keyed_order(n, {5, 2}));
    }
    std::sort(order.begin(), order.end());
    for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(order[static_cast<std::size_t>(i)], i);
  }
}

}  // namespace
}  // namespace hepar
