// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/reducer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hepar::engine {

Trouble add_fixed_point(std::span<const float> gradient, int exponent, std::span<std::int64_t> out) {
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
    out[i] += std::bit_cast<std::int64_t>(kept + kMagic) - magic_bits;
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

void from_fixed_point(std::span<const std::int64_t> sums, int exponent, std::span<float> out) {
  const double scale = std::ldexp(1.0, -exponent);
  for (std::size_t i = 0; i < sums.size(); ++i) out[i] = static_cast<float>(static_cast<double>(sums[i]) * scale);
}

void next_exponents(const std::vector<Segment>& segments, std::span<const float> gradient, std::vector<int>& exponents) {
  for (std::size_t s = 0; s < segments.size(); ++s) {
    // Without their sign bit, finite floats are ordered as integers are, and a maximum of integers is vectorised.
    std::int32_t bits = 0;
    for (const float value : gradient.subspan(static_cast<std::size_t>(segments[s].first), static_cast<std::size_t>(segments[s].count))) bits = std::max(bits, std::bit_cast<std::int32_t>(value) & 0x7fffffff);
    const auto largest = std::bit_cast<float>(bits);
    if (largest > 0) exponents[s] = std::min(exponents[s] + kGrowthBits, kBudgetBits - (std::ilogb(largest) + 1));
  }
}

}  // namespace hepar::engine
