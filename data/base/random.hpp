// SPDX-License-Identifier: Apache-2.0
// Counter-based randomness: a draw is a pure function of its key, so order, thread and rank cannot change it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace hepar {

// A keyed 64-bit hash of a tuple; a bijective finaliser (SplitMix64, Steele 2014) chained over the words.
[[nodiscard]] std::uint64_t hash_words(std::initializer_list<std::uint64_t> words);
[[nodiscard]] std::uint64_t hash_text(std::string_view text, std::uint64_t seed = 0);

// Element `i` of the stream `key`, for masks that are computed out of order.
[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// A sequential reader of one stream. Copies continue independently. The functions are exact on every machine with IEEE
// doubles except for the last digit of the transcendental ones.
class Stream {
 public:
  explicit Stream(std::initializer_list<std::uint64_t> key);
  [[nodiscard]] std::uint64_t bits();
  [[nodiscard]] double uniform();                      // [0, 1)
  [[nodiscard]] double normal();                       // Box-Muller, both values used
  [[nodiscard]] double exponential();                  // mean 1
  [[nodiscard]] std::uint64_t below(std::uint64_t n);  // 0 … n-1, unbiased
  [[nodiscard]] bool chance(double probability);

 private:
  std::uint64_t key_;
  std::uint64_t counter_ = 0;
  double spare_ = 0;
  bool has_spare_ = false;
};

// A permutation of 0 … n-1: the argsort of a keyed hash, ties by index. Stateless, the same on every rank.
[[nodiscard]] std::vector<std::int64_t> keyed_order(std::int64_t n, std::initializer_list<std::uint64_t> key);

}  // namespace hepar
