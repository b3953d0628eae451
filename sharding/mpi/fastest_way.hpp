// SPDX-License-Identifier: Apache-2.0
// Which of two ways is faster for sums of a length depends on the cores that ranks share and on the caches: measured on the
// first calls, decided alike on all ranks. Internal to the room.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>

namespace hepar::mpi {

class FastestWay {
 public:
  enum class Way : std::uint8_t { mpi, window };

  // Runs `call` in the way for this length. While the race for such lengths lasts the two take turns; at its end `agree`
  // (collective: the largest value of any rank, for two values) is called once.
  using Agree = std::function<void(std::array<std::int64_t, 2>& nanoseconds)>;
  void run(std::size_t bytes, const std::function<void(Way)>& call, const Agree& agree);

 private:
  struct Race {
    int calls = 0;
    std::array<std::int64_t, 2> best{std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max()};  // nanoseconds
    Way winner = Way::mpi;
  };
  std::array<Race, 64> races_;  // by the logarithm of the length
};

}  // namespace hepar::mpi
