// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/reducer.hpp"

#include "data/base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace hepar::engine {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

// Log-normal magnitudes over many decades, both signs.
std::vector<std::vector<float>> slot_gradients(std::size_t slots, std::size_t size) {
  std::vector<std::vector<float>> all(slots, std::vector<float>(size));
  for (std::size_t s = 0; s < slots; ++s) {
    Stream stream({7, s});
    for (float& g : all[s]) g = static_cast<float>(std::exp(3 * stream.normal()) * stream.normal());
  }
  return all;
}

TEST(FixedPoint, TheSumDependsOnNeitherOrderNorGrouping) {
  constexpr std::size_t kSize = 257;
  const auto gradients = slot_gradients(13, kSize);
  std::vector<std::int64_t> forward(kSize), grouped(kSize);
  for (const auto& g : gradients) EXPECT_EQ(add_fixed_point(g, 30, forward).overflow, 0);
  std::vector<std::size_t> order(gradients.size());
  std::iota(order.rbegin(), order.rend(), std::size_t{0});
  for (std::size_t group = 0; group < 4; ++group) {
    std::vector<std::int64_t> part(kSize);
    for (std::size_t i = group; i < order.size(); i += 4) (void)add_fixed_point(gradients[order[i]], 30, part);
    for (std::size_t i = 0; i < kSize; ++i) grouped[i] += part[i];
  }
  EXPECT_EQ(forward, grouped);
}

TEST(FixedPoint, RoundsToNearestEvenAndInvertsExactly) {
  const std::vector<float> values{0, 1, -1, 0.5F, 1.5F, -2.5F, 0.25F, 3.75F};
  std::vector<std::int64_t> fixed(values.size());
  EXPECT_EQ(add_fixed_point(values, 0, fixed).not_finite, 0);
  EXPECT_EQ(fixed, (std::vector<std::int64_t>{0, 1, -1, 0, 2, -2, 0, 4}));
  std::fill(fixed.begin(), fixed.end(), 0);
  (void)add_fixed_point(values, 24, fixed);
  std::vector<float> back(values.size());
  from_fixed_point(fixed, 24, back);
  EXPECT_EQ(back, values);
}

TEST(FixedPoint, AgreesWithLlrintOnRandomValues) {
  Stream stream({3});
  for (int i = 0; i < 20000; ++i) {
    const auto g = static_cast<float>(stream.normal() * std::exp(8 * stream.normal()));
    const double scaled = std::ldexp(static_cast<double>(g), 20);
    std::vector<std::int64_t> sum{5};
    const Trouble trouble = add_fixed_point(std::span(&g, 1), 20, sum);
    if (std::abs(scaled) < kLargest) {
      EXPECT_EQ(sum[0], 5 + std::llrint(scaled));
      EXPECT_EQ(trouble.overflow, 0);
    } else {
      EXPECT_EQ(sum[0], 5);
      EXPECT_EQ(trouble.overflow, 1);
    }
  }
}

TEST(FixedPoint, CountsWhatItCannotHoldAndAddsNothingForIt) {
  const std::vector<float> values{kNan, kInfinity, -kInfinity, std::ldexp(1.0F, 50), std::nextafter(std::ldexp(1.0F, 50), 0.0F), -std::ldexp(1.0F, 60)};
  std::vector<std::int64_t> sum(values.size(), 100);
  const Trouble trouble = add_fixed_point(values, 0, sum);
  EXPECT_EQ(trouble.not_finite, 3);
  EXPECT_EQ(trouble.overflow, 2);
  EXPECT_EQ(sum, (std::vector<std::int64_t>{100, 100, 100, 100, 100 + std::llrint(std::nextafter(std::ldexp(1.0F, 50), 0.0F)), 100}));
}

TEST(FixedPoint, FourThousandLargestSlotsFit) {
  const std::vector<float> largest{std::nextafter(std::ldexp(1.0F, 50), 0.0F)};
  std::vector<std::int64_t> sum{0};
  for (int slot = 0; slot < 4096; ++slot) EXPECT_EQ(add_fixed_point(largest, 0, sum).overflow, 0);
  EXPECT_EQ(sum[0], 4096 * std::llrint(largest[0]));
}

TEST(FixedPoint, IsCloserToTheTrueSumThanFloats) {
  constexpr std::size_t kSize = 2000;
  const auto gradients = slot_gradients(64, kSize);
  std::vector<double> exact(kSize);
  std::vector<float> floats(kSize), fixed_back(kSize);
  std::vector<std::int64_t> fixed(kSize);
  for (const auto& g : gradients)
    for (std::size_t i = 0; i < kSize; ++i) {
      exact[i] += static_cast<double>(g[i]);
      floats[i] += g[i];
    }
  double largest = 0;
  for (const double g : exact) largest = std::max(largest, std::abs(g));
  const int exponent = next_exponent(static_cast<float>(largest), 1000);
  for (const auto& g : gradients) EXPECT_EQ(add_fixed_point(g, exponent, fixed).overflow, 0);
  EXPECT_NEAR(from_fixed_point(fixed, exponent, fixed_back), largest, 1e-6 * largest);
  const auto error = [&](const std::vector<float>& got) {
    double sum = 0;
    for (std::size_t i = 0; i < kSize; ++i) sum += std::abs(static_cast<double>(got[i]) - exact[i]) / std::abs(exact[i]);
    return sum / kSize;
  };
  EXPECT_LT(error(fixed_back), error(floats));
  EXPECT_LT(error(fixed_back), 1e-6);
}

// The bound of reducer.hpp: half a unit of the fixed point a slot, and one rounding to float.
TEST(FixedPoint, KeepsItsErrorBound) {
  constexpr std::size_t kSize = 3000, kSlots = 37;
  const auto gradients = slot_gradients(kSlots, kSize);
  float largest = 0;
  for (const auto& g : gradients)
    for (const float value : g) largest = std::max(largest, std::abs(value));
  const int finest = 49 - std::ilogb(largest);  // |g| < 2^(ilogb + 1), and 2^50 is the first that does not fit
  for (const int exponent : {4, 17, finest}) {
    std::vector<std::int64_t> fixed(kSize);
    std::vector<float> back(kSize);
    for (const auto& g : gradients) ASSERT_EQ(add_fixed_point(g, exponent, fixed).overflow, 0);
    from_fixed_point(fixed, exponent, back);
    for (std::size_t i = 0; i < kSize; ++i) {
      long double exact = 0;
      for (const auto& g : gradients) exact += static_cast<long double>(g[i]);
      const long double bound = std::ldexp(static_cast<long double>(kSlots), -(exponent + 1)) + std::abs(exact) * 0x1p-23L;
      EXPECT_LE(std::abs(static_cast<long double>(back[i]) - exact), bound) << i << " at 2^" << exponent;
    }
  }
}

TEST(FixedPoint, MultiplesOfItsUnitEnterExactlyUpToTheLargest) {
  Stream stream({5});
  for (int i = 0; i < 5000; ++i) {
    const auto g = static_cast<float>(static_cast<double>(stream.below(1 << 24)) * std::ldexp(1.0, static_cast<int>(stream.below(26))));
    std::vector<std::int64_t> fixed(1);
    std::vector<float> back(1);
    ASSERT_EQ(add_fixed_point(std::span(&g, 1), 0, fixed).overflow, 0);
    from_fixed_point(fixed, 0, back);
    EXPECT_EQ(back[0], g);
    EXPECT_EQ(fixed[0], static_cast<std::int64_t>(g));
  }
}

TEST(FixedPoint, ComesBackAsTheNearestFloatOfAnySum) {
  Stream stream({6});
  std::vector<std::int64_t> sums{0, 1, -1, (std::int64_t{1} << 62), -(std::int64_t{1} << 62), (std::int64_t{1} << 53) + 1, -(std::int64_t{1} << 53) - 1, 0x7fffffff, 0x80000000, -0x80000000LL, 0xffffffff};
  for (int i = 0; i < 20000; ++i) sums.push_back(static_cast<std::int64_t>(hash_words({6, static_cast<std::uint64_t>(i)})) >> (1 + stream.below(60)));
  std::vector<float> back(sums.size());
  float largest = from_fixed_point(sums, 40, back);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    EXPECT_EQ(back[i], static_cast<float>(std::ldexp(static_cast<double>(sums[i]), -40))) << sums[i];
    EXPECT_LE(std::abs(back[i]), largest);
  }
  EXPECT_EQ(largest, std::ldexp(1.0F, 22));
}

TEST(FixedPoint, SettingIsAddingToNothing) {
  const auto gradients = slot_gradients(2, 1001);
  std::vector<std::int64_t> set(1001, 77), added(1001, 0);
  (void)set_fixed_point(gradients[0], 25, set);
  (void)add_fixed_point(gradients[0], 25, added);
  EXPECT_EQ(set, added);
}

TEST(Exponents, LeaveEightBitsAboveTheLargestElement) {
  const int exponent = next_exponent(3.0F, 1000);
  EXPECT_EQ(exponent, kBudgetBits - 2);  // 3 < 2^2
  std::vector<std::int64_t> sum(1);
  EXPECT_EQ(add_fixed_point(std::vector<float>{255.0F * 3.0F}, exponent, sum).overflow, 0);
  EXPECT_EQ(add_fixed_point(std::vector<float>{400.0F * 3.0F}, exponent, sum).overflow, 1);
}

TEST(Exponents, FallAtOnceRiseSlowlyAndKeepWhenNothingIsKnown) {
  EXPECT_EQ(next_exponent(1e-6F, 10), 10 + kGrowthBits);
  EXPECT_EQ(next_exponent(0.0F, 13), 13);
  EXPECT_EQ(next_exponent(1e20F, 13), kBudgetBits - 67);
}

}  // namespace
}  // namespace hepar::engine
