// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/reducer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hepar::engine {

namespace {

template <bool kAdd>
Trouble to_fixed_point(std::span<const float> gradient, int exponent, std::span<std::int64_t> out) {
  // Adding 1.5 * 2^52 leaves the rounded integer in the low bits of the double: exact for |x| < 2^51, and vectorised,
  // where a conversion instruction is not.
  constexpr double kMagic = 0x1.8p52;
  const auto magic_bits = std::bit_cast<std::int64_t>(kMagic);
  const double scale = std::ldexp(1.0, exponent);
  std::int64_t bad = 0;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double scaled = static_cast<double>(gradient[i]) * scale;
    const std::int64_t fits = -static_cast<std::int64_t>(std::abs(scaled) < kLargest);  // all bits, or none; none for NaN too
    const double kept = std::bit_cast<double>(std::bit_cast<std::int64_t>(scaled) & fits);  // a choice would keep the loop from being vectorised
    out[i] = (kAdd ? out[i] : 0) + (std::bit_cast<std::int64_t>(kept + kMagic) - magic_bits);
    bad += 1 + fits;
  }
  Trouble trouble;
  if (bad == 0) return trouble;
  for (const float value : gradient) {
    if (!std::isfinite(value)) {
      ++trouble.not_finite;
    } else if (!(std::abs(static_cast<double>(value) * scale) < kLargest)) {
      ++trouble.overflow;
    }
  }
  return trouble;
}

// static_cast<double>(n), bit for bit, in operations that a loop can be vectorised with: the halves of n as mantissas of two
// doubles of known exponents, whose offsets cancel exactly before the one rounding.
double to_double(std::int64_t n) {
  const auto bits = static_cast<std::uint64_t>(n);
  const auto low = std::bit_cast<double>((bits & 0xffffffffU) | std::bit_cast<std::uint64_t>(0x1p52));
  const auto high = std::bit_cast<double>((bits >> 32) ^ (std::bit_cast<std::uint64_t>(0x1p84) | 0x80000000U));
  return (high - (0x1p84 + 0x1p63 + 0x1p52)) + low;
}

}  // namespace

Trouble add_fixed_point(std::span<const float> gradient, int exponent, std::span<std::int64_t> out) { return to_fixed_point<true>(gradient, exponent, out); }
Trouble set_fixed_point(std::span<const float> gradient, int exponent, std::span<std::int64_t> out) { return to_fixed_point<false>(gradient, exponent, out); }

float from_fixed_point(std::span<const std::int64_t> sums, int exponent, std::span<float> out) {
  const double scale = std::ldexp(1.0, -exponent);
  // Without their sign bit, finite floats are ordered as integers are, and a maximum of integers is vectorised.
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    out[i] = static_cast<float>(to_double(sums[i]) * scale);
    largest = std::max(largest, std::bit_cast<std::int32_t>(out[i]) & 0x7fffffff);
  }
  return std::bit_cast<float>(largest);
}

int next_exponent(float largest, int exponent) {
  return largest > 0 ? std::min(exponent + kGrowthBits, kBudgetBits - (std::ilogb(largest) + 1)) : exponent;
}

}  // namespace hepar::engine
