// SPDX-License-Identifier: Apache-2.0
#include "trainer/sweep/sobol.hpp"

#include "data/base/random.hpp"

#include <boost/random/sobol.hpp>

namespace hepar::sweep {

namespace {

std::uint32_t reversed_bits(std::uint32_t x) {
  std::uint32_t out = 0;
  for (int bit = 0; bit < 32; ++bit) out |= ((x >> bit) & 1u) << (31 - bit);
  return out;
}

}  // namespace

std::vector<std::vector<std::uint32_t>> sobol_points(std::size_t n, std::size_t dimensions) {
  std::vector<std::vector<std::uint32_t>> points(n, std::vector<std::uint32_t>(dimensions, 0));
  if (dimensions == 0) return points;
  // The library begins behind the origin, which is point 0.
  boost::random::sobol_engine<std::uint32_t, 32> sequence(dimensions);
  for (std::size_t i = 1; i < n; ++i)
    for (std::uint32_t& fraction : points[i]) fraction = sequence();
  return points;
}

std::uint32_t owen_scrambled(std::uint32_t fraction, std::uint64_t seed) {
  // Laine and Karras's permutation lets a bit depend on lower ones only; reversed, on those before it.
  std::uint32_t x = reversed_bits(fraction) + static_cast<std::uint32_t>(seed);
  x ^= x * 0x6c50b47cu;
  x ^= x * 0xb82f1e52u;
  x ^= x * 0xc7afe638u;
  x ^= x * 0x8d22f6e6u;
  return reversed_bits(x);
}

std::vector<std::vector<double>> scrambled_points(std::size_t n, std::size_t dimensions, std::uint64_t seed) {
  std::vector<std::vector<double>> points(n, std::vector<double>(dimensions, 0));
  const auto raw = sobol_points(n, dimensions);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t d = 0; d < dimensions; ++d) points[i][d] = (owen_scrambled(raw[i][d], hash_words({seed, 0x50b01, d})) + 0.5) * 0x1p-32;
  return points;
}

}  // namespace hepar::sweep
