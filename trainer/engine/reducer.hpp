// SPDX-License-Identifier: Apache-2.0
// Gradients as 64-bit fixed point (distributed.md, section 5.1): integer sums do not depend on order or grouping, so any
// number of ranks and threads gives the same bits.
// Error bound: with scale 2^k an element of a slot is off by at most 2^-(k+1), so an element of the sum of S slots by at most
// S * 2^-(k+1), beside one rounding to float. k = 42 - e, e the exponent of the largest element of the tensor's previous
// reduced gradient, makes that S * 2^(e - 43): below float rounding of one slot for elements within 2^-19 of the largest. A
// float that is a multiple of 2^-k enters exactly. The sum of 2^12 slots of the largest elements that are taken fits 62 bits.
#pragma once

#include "trainer/engine/arena.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace hepar::engine {

inline constexpr int kFirstExponent = 34;   // before anything is known: |g| < 2^16 fits
inline constexpr int kBudgetBits = 42;      // of the previous largest element …
inline constexpr double kLargest = 0x1p50;  // … and 2^8 above it; 2^12 slots then fit 62 bits

struct Trouble { std::int64_t not_finite = 0, overflow = 0; };

// out += round(gradient * 2^exponent), to nearest even. An element that is not finite or too large adds 0 and is counted.
[[nodiscard]] Trouble add_fixed_point(std::span<const float> gradient, int exponent, std::span<std::int64_t> out);
[[nodiscard]] Trouble set_fixed_point(std::span<const float> gradient, int exponent, std::span<std::int64_t> out);  // out = …
// Returns the largest absolute value.
float from_fixed_point(std::span<const std::int64_t> sums, int exponent, std::span<float> out);

// The exponent of a segment's next step from the largest element of its reduced gradient; a zero gradient keeps its exponent.
// It grows by at most kGrowthBits a step: a gradient that is small once may be large again, and an overflow costs a repeated step.
inline constexpr int kGrowthBits = 3;
[[nodiscard]] int next_exponent(float largest, int exponent);

}  // namespace hepar::engine
