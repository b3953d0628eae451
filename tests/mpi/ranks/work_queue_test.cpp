// SPDX-License-Identifier: Apache-2.0
// Law 1 in small: every task exactly once, however uneven the tasks and whoever fails.
#include "tests/mpi/ranks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace hepar::mpi {
namespace {

void sleep_ms(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

TEST(WorkQueue, EveryTaskExactlyOnce) {
  const Communicator& world = ranks_world();
  for (const std::int64_t tasks : {std::int64_t{0}, std::int64_t{1}, std::int64_t{2}, std::int64_t{500}}) {
    std::vector<std::int64_t> done(static_cast<std::size_t>(tasks) + 1, 0);
    std::int64_t before = -1;
    work_queue(world, tasks, [&](std::int64_t task) {
      EXPECT_GT(task, before) << "a rank is given ascending numbers";
      before = task;
      done[static_cast<std::size_t>(task)] += 1;
    });
    world.all_reduce_sum(std::span(done));
    for (std::int64_t task = 0; task < tasks; ++task) EXPECT_EQ(done[static_cast<std::size_t>(task)], 1) << "task " << task << " of " << tasks;
  }
}

TEST(WorkQueue, ALongTaskOnRankZeroKeepsNobodyWaiting) {
  const Communicator& world = ranks_world();
  std::int64_t mine = 0;
  const auto start = std::chrono::steady_clock::now();
  work_queue(world, 41, [&](std::int64_t) {
    ++mine;
    sleep_ms(world.root() ? 600 : 5);  // rank 0 is inside its task, not inside MPI
  });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (world.root()) {
    EXPECT_LE(mine, 3) << "the others took the rest meanwhile";
  }
  EXPECT_LT(seconds, 5);
}

TEST(WorkQueue, ProgressCountsUpToAllOfThemOnRankZeroOnly) {
  const Communicator& world = ranks_world();
  std::vector<std::int64_t> told;
  const std::thread::id caller = std::this_thread::get_id();
  work_queue(world, 60, [](std::int64_t) { sleep_ms(1); },
             [&](std::int64_t finished) {
               EXPECT_EQ(std::this_thread::get_id(), caller);
               told.push_back(finished);
             });
  EXPECT_EQ(told.empty(), !world.root());
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  if (world.root()) {
    EXPECT_EQ(told.back(), 60);
  }
}

TEST(WorkQueue, AnErrorInATaskEndsAllRanksTogether) {
  const Communicator& world = ranks_world();
  for (int failing = 0; failing < world.size(); ++failing) {
    std::int64_t ran = 0;
    try {
      work_queue(world, 100000, [&](std::int64_t) {
        ++ran;
        sleep_ms(1);
        if (world.rank() == failing && ran == 3) throw disk_error("no space");
      });
      FAIL() << "rank " << world.rank() << " did not hear of it";
    } catch (const AgreedError& error) {
      EXPECT_EQ(error.code(), ExitCode::disk);
    }
    EXPECT_LT(ran, 5000) << "nobody goes on with tasks after a failure";
  }
  EXPECT_NO_THROW(work_queue(world, 10, [](std::int64_t) {})) << "the communicator is still good";
}

TEST(WorkQueue, AForeignExceptionBecomesABug) {
  try {
    work_queue(ranks_world(), 20, [](std::int64_t) { throw std::out_of_range("index 9"); });
    FAIL();
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::bug);
    EXPECT_STREQ(error.what(), "index 9; this is a bug: please report it with the command and this line");
  }
}

}  // namespace
}  // namespace hepar::mpi
