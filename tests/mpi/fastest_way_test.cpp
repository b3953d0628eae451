// SPDX-License-Identifier: Apache-2.0
#include "sharding/mpi/fastest_way.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <vector>

namespace hepar::mpi {
namespace {

using Way = FastestWay::Way;

// Sums in a row of a length, one way slower than the other; the ways that were taken, and how often the ranks agreed.
struct Calls {
  FastestWay fastest;
  std::vector<Way> taken;
  int agreed = 0;
  void make(std::size_t bytes, int count, Way slow, std::array<std::int64_t, 2> others = {0, 0}) {
    for (int i = 0; i < count; ++i)
      fastest.run(
          bytes,
          [&](Way way) {
            taken.push_back(way);
            if (way == slow) std::this_thread::sleep_for(std::chrono::milliseconds(3));
          },
          [&](std::array<std::int64_t, 2>& mine) {
            ++agreed;
            for (std::size_t w = 0; w < 2; ++w) mine[w] = std::max(mine[w], others[w]);
          });
  }
  std::vector<Way> last(std::size_t count) const { return {taken.end() - static_cast<std::ptrdiff_t>(count), taken.end()}; }
};

TEST(FastestWay, TakesTheFasterAfterBothHadTheirTurns) {
  for (const Way slow : {Way::mpi, Way::window}) {
    Calls calls;
    calls.make(1 << 20, 30, slow);
    const Way fast = slow == Way::mpi ? Way::window : Way::mpi;
    EXPECT_EQ(std::vector<Way>(calls.taken.begin(), calls.taken.begin() + 4), (std::vector<Way>{Way::mpi, Way::window, Way::mpi, Way::window}));
    EXPECT_EQ(calls.last(15), std::vector<Way>(15, fast));
    EXPECT_EQ(calls.agreed, 1);
  }
}

TEST(FastestWay, TheSlowestRankDecides) {
  Calls calls;
  calls.make(1 << 20, 30, Way::mpi, {0, std::int64_t{1} << 40});
  EXPECT_EQ(calls.last(15), std::vector<Way>(15, Way::mpi)) << "the window was slow on another rank";
}

TEST(FastestWay, EachLengthHasItsOwnRace) {
  Calls calls;
  calls.make(1 << 18, 20, Way::mpi);
  calls.make(1 << 26, 20, Way::window);
  EXPECT_EQ(calls.last(5), std::vector<Way>(5, Way::mpi));
  calls.make(1 << 18, 5, Way::mpi);
  EXPECT_EQ(calls.last(5), std::vector<Way>(5, Way::window));
  EXPECT_EQ(calls.agreed, 2);
}

}  // namespace
}  // namespace hepar::mpi
