// SPDX-License-Identifier: Apache-2.0
// Cheap noise for pictures: a pure function of key and index, exact on every machine.
#pragma once

#include "data/base/random.hpp"

#include <cstdint>

namespace hepar::synthetic {

// About normal, from the four 16-bit pieces of one hash (Irwin-Hall, variance 1/3).
[[nodiscard]] inline float rough_normal(std::uint64_t key, std::uint64_t index) {
  const std::uint64_t h = mix64(key + index * 0x9e3779b97f4a7c15ULL);
  const auto sum = static_cast<float>((h & 0xffff) + ((h >> 16) & 0xffff) + ((h >> 32) & 0xffff) + (h >> 48));
  return (sum * (1.0f / 65536.0f) - 2.0f) * 1.7320508f;
}

}  // namespace hepar::synthetic
