// SPDX-License-Identifier: Apache-2.0
#include "tests/collective/contract.hpp"

#include <thread>

namespace hepar::collective {
namespace {

using Story = std::function<void(Collective&)>;

void on_every_rank(std::vector<std::unique_ptr<Collective>> group, const Story& story) {
  std::vector<std::thread> threads;
  for (auto& member : group) threads.emplace_back([&] { story(*member); });
  for (std::thread& thread : threads) thread.join();
}

class Threads : public testing::TestWithParam<int> {};

TEST_P(Threads, KeepTheContract) { on_every_rank(make_threads(GetParam()), contract); }

TEST_P(Threads, AreToldOfDifferentCalls) {
  auto group = make_threads(GetParam());
  for (auto& member : group) member = make_checked(std::move(member));
  on_every_rank(std::move(group), different_calls_are_told);
}

TEST_P(Threads, KeepItManyTimesInARow) {
  on_every_rank(make_threads(GetParam()), [](Collective& group) {
    for (std::int64_t round = 0; round < 200; ++round) {
      std::vector<std::int64_t> values(17, round + group.rank());
      Pending pending;
      if (round % 2 == 0) {
        group.all_reduce_sum(values);
      } else {
        pending = group.start_sum(values);
      }
      pending.wait();
      const std::int64_t n = group.size();
      for (const std::int64_t value : values) ASSERT_EQ(value, n * round + n * (n - 1) / 2);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Sizes, Threads, testing::Values(1, 2, 3, 4, 7));

TEST(Self, KeepsTheContract) {
  const auto self = make_self();
  contract(*self);
  different_calls_are_told(*make_checked(make_self()));
  EXPECT_TRUE(self->whole());
  EXPECT_FALSE(make_self(false)->whole());
}

TEST(ThreadsAlone, AMissingRankEndsTheWait) {
  auto group = make_threads(2, 0.05);
  std::vector<float> values(3);
  for (const std::function<void()>& call : {std::function<void()>([&] { group[0]->barrier(); }), std::function<void()>([&] { group[0]->start_sum(values).wait(); })}) {
    try {
      call();
      FAIL() << "the other rank never came";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::rank_failed);
    }
  }
}

// A rank that fails in the middle lets its buffer go: nothing may touch it afterwards, and it does not wait for the deadline.
TEST(ThreadsAlone, AHandleThatIsDroppedGivesUp) {
  auto group = make_threads(2, 60);
  const auto start = std::chrono::steady_clock::now();
  {
    std::vector<float> values(3);
    const Pending dropped = group[0]->start_sum(values);
  }
  EXPECT_THROW(group[1]->barrier(), Error);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

}  // namespace
}  // namespace hepar::collective
