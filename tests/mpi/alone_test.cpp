// SPDX-License-Identifier: Apache-2.0
// A process that no launcher started is a world of one that does the same arithmetic, without MPI_Init.
#include "sharding/mpi/session.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace hepar::mpi {
namespace {

class Alone : public testing::Test {
 protected:
  int argc_ = 0;
  char** argv_ = nullptr;
  Session session_{argc_, argv_};
  const Communicator& world_ = session_.world();
};

TEST_F(Alone, IsRankZeroOfOne) {
  EXPECT_EQ(world_.rank(), 0);
  EXPECT_EQ(world_.size(), 1);
  EXPECT_EQ(world_.node_size(), 1);
  EXPECT_EQ(world_.fortran_handle(), -1);
  EXPECT_TRUE(world_.root());
  session_.finish();
}

TEST_F(Alone, CollectivesLeaveValuesAsTheyAre) {
  std::vector<std::int64_t> integers{1, -2};
  std::vector<double> doubles{0.1, 0.2};
  world_.all_reduce_sum(std::span(integers));
  world_.all_reduce_max(std::span(integers));
  world_.all_reduce_sum(std::span(doubles));
  world_.barrier();
  EXPECT_EQ(integers, (std::vector<std::int64_t>{1, -2}));
  EXPECT_EQ(doubles, (std::vector<double>{0.1, 0.2}));
  EXPECT_EQ(world_.broadcast_text("x", 0), "x");
  EXPECT_EQ(world_.all_gather_texts("x"), std::vector<std::string>{"x"});
  EXPECT_EQ(world_.gather_texts("x", 0), std::vector<std::string>{"x"});
  const Communicator part = world_.split(3, 0);
  EXPECT_EQ(part.size(), 1);
  EXPECT_FALSE(part.whole());
}

TEST_F(Alone, TheQueueRunsInOrderAndStopsAtAnError) {
  std::vector<std::int64_t> ran, told;
  work_queue(world_, 4, [&](std::int64_t task) { ran.push_back(task); }, [&](std::int64_t finished) { told.push_back(finished); });
  EXPECT_EQ(ran, (std::vector<std::int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(told, (std::vector<std::int64_t>{1, 2, 3, 4}));
  EXPECT_THROW(work_queue(world_, 4, [&](std::int64_t task) { if (task == 1) throw input_error("bad"); ran.push_back(task); }), Error);
  EXPECT_EQ(ran.size(), 5U);
}

TEST_F(Alone, AnErrorIsAgreedAtOnce) {
  try {
    together(world_, [] { throw input_error("bad", {"f.csv", 7}); });
    FAIL();
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::input);
    EXPECT_STREQ(error.what(), "f.csv:7: bad");
    EXPECT_TRUE(error.everywhere());
  }
}

TEST(Launch, TheLibraryNamesItself) { EXPECT_NE(library_version().find("MPI"), std::string::npos); }

}  // namespace
}  // namespace hepar::mpi
