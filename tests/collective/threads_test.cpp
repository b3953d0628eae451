// SPDX-License-Identifier: Apache-2.0
#include "tests/collective/contract.hpp"

#include <thread>

namespace hepar::collective {
namespace {

void on_every_rank(int ranks, const std::function<void(Collective&)>& story) {
  auto group = make_threads(ranks);
  std::vector<std::thread> threads;
  for (auto& member : group) threads.emplace_back([&] { story(*member); });
  for (std::thread& thread : threads) thread.join();
}

class Threads : public testing::TestWithParam<int> {};

TEST_P(Threads, KeepTheContract) { on_every_rank(GetParam(), contract); }

TEST_P(Threads, KeepItManyTimesInARow) {
  on_every_rank(GetParam(), [](Collective& group) {
    for (std::int64_t round = 0; round < 200; ++round) {
      std::vector<std::int64_t> values(17, round + group.rank());
      group.all_reduce_sum(std::span(values));
      const std::int64_t n = group.size();
      for (const std::int64_t value : values) ASSERT_EQ(value, n * round + n * (n - 1) / 2);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Sizes, Threads, testing::Values(1, 2, 3, 4, 7));

TEST(Self, KeepsTheContract) {
  const auto self = make_self();
  contract(*self);
  EXPECT_TRUE(self->whole());
  EXPECT_FALSE(make_self(false)->whole());
}

TEST(ThreadsAlone, AMissingRankEndsTheWait) {
  auto group = make_threads(2, 0.05);
  try {
    group[0]->barrier();
    FAIL() << "the other rank never came";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::rank_failed);
  }
}

}  // namespace
}  // namespace hepar::collective
