// SPDX-License-Identifier: Apache-2.0
#include "data/base/random.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace hepar {

std::uint64_t hash_words(std::initializer_list<std::uint64_t> words) {
  std::uint64_t state = 0x5851f42d4c957f2dULL;
  for (const std::uint64_t word : words) state = mix64(state ^ mix64(word));
  return state;
}

std::uint64_t hash_text(std::string_view text, std::uint64_t seed) {
  std::uint64_t state = mix64(seed ^ text.size());
  for (const unsigned char c : text) state = mix64(state ^ c);
  return state;
}

Stream::Stream(std::initializer_list<std::uint64_t> key) : key_(hash_words(key)) {}

std::uint64_t Stream::bits() { return mix64(key_ + 0x9e3779b97f4a7c15ULL * ++counter_); }

double Stream::uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }

double Stream::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  const double angle = 2.0 * std::numbers::pi * uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

double Stream::exponential() { return -std::log(1.0 - uniform()); }

std::uint64_t Stream::below(std::uint64_t n) {
  // Lemire 2019: multiply, reject the short part.
  while (true) {
    const unsigned __int128 product = static_cast<unsigned __int128>(bits()) * n;
    if (static_cast<std::uint64_t>(product) >= (0 - n) % n) return static_cast<std::uint64_t>(product >> 64);
  }
}

bool Stream::chance(double probability) { return uniform() < probability; }

std::vector<std::int64_t> keyed_order(std::int64_t n, std::initializer_list<std::uint64_t> key) {
  const std::uint64_t state = hash_words(key);
  std::vector<std::uint64_t> rank(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) rank[static_cast<std::size_t>(i)] = mix64(state ^ mix64(static_cast<std::uint64_t>(i)));
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    const std::uint64_t x = rank[static_cast<std::size_t>(a)], y = rank[static_cast<std::size_t>(b)];
    return x != y ? x < y : a < b;
  });
  return order;
}

}  // namespace hepar
