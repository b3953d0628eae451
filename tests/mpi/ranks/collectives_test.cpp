// SPDX-License-Identifier: Apache-2.0
// Against plain arithmetic, on every rank of a real launch.
#include "tests/mpi/ranks.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include <algorithm>
#include <numeric>

namespace hepar::mpi {
namespace {

TEST(Collectives, WeAreSeveral) {
  EXPECT_GT(ranks_world().size(), 1) << "run under mpirun";
  EXPECT_EQ(ranks_world().node_size(), ranks_world().size());
  EXPECT_NE(ranks_world().fortran_handle(), -1);
  EXPECT_TRUE(ranks_world().whole());
}

TEST(Collectives, SumsAreExactInIntegersWhateverTheSign) {
  const Communicator& world = ranks_world();
  std::vector<std::int64_t> values(1000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = (std::int64_t{1} << 60) / world.size() - static_cast<std::int64_t>(i) * (world.rank() + 1);
  world.all_reduce_sum(std::span(values));
  const std::int64_t ranks = world.size();
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(values[i], (std::int64_t{1} << 60) / ranks * ranks - static_cast<std::int64_t>(i) * ranks * (ranks + 1) / 2);
}

TEST(Collectives, FloatsDoublesAndMaxima) {
  const Communicator& world = ranks_world();
  const int n = world.size();
  std::vector<float> floats{1.5F, static_cast<float>(world.rank())};
  std::vector<double> doubles{0.25, -1.0 * world.rank()};
  std::vector<std::int64_t> highest{world.rank(), -world.rank(), 7};
  world.all_reduce_sum(std::span(floats));
  world.all_reduce_sum(std::span(doubles));
  world.all_reduce_max(std::span(highest));
  EXPECT_EQ(floats, (std::vector<float>{1.5F * static_cast<float>(n), static_cast<float>(n * (n - 1) / 2)}));
  EXPECT_EQ(doubles, (std::vector<double>{0.25 * n, -0.5 * n * (n - 1)}));
  EXPECT_EQ(highest, (std::vector<std::int64_t>{n - 1, 0, 7}));
}

TEST(Collectives, TextsOfAnyLengthTravel) {
  const Communicator& world = ranks_world();
  const std::string mine = std::string(static_cast<std::size_t>(world.rank()) * 70000, 'a') + std::to_string(world.rank());
  const std::vector<std::string> all = world.all_gather_texts(mine);
  ASSERT_EQ(all.size(), static_cast<std::size_t>(world.size()));
  for (int r = 0; r < world.size(); ++r) EXPECT_EQ(all[static_cast<std::size_t>(r)], std::string(static_cast<std::size_t>(r) * 70000, 'a') + std::to_string(r));
  EXPECT_EQ(world.broadcast_text(mine, world.size() - 1), all.back());
  EXPECT_EQ(world.broadcast_text("", 0), "");
  EXPECT_EQ(world.gather_texts(mine, 0).empty(), !world.root());
}

TEST(Collectives, ASplitIsAWorldOfItsOwn) {
  const Communicator& world = ranks_world();
  const Communicator part = world.split(world.rank() % 2, world.rank());
  EXPECT_EQ(part.size(), (world.size() + 1 - world.rank() % 2) / 2);
  EXPECT_EQ(part.rank(), world.rank() / 2);
  EXPECT_FALSE(part.whole());
  std::int64_t one = 1;
  part.all_reduce_sum(std::span(&one, 1));
  EXPECT_EQ(one, part.size());
  EXPECT_EQ(part.deadline(), world.deadline());
}

TEST(Collectives, AMissingRankIsNamedWithinTheDeadline) {
  const Communicator& world = ranks_world();
  Communicator pair = world.split(0, world.rank());
  pair.set_deadline(0.5);
  if (world.root()) {
    try {
      pair.barrier();
      FAIL() << "nobody else came to the barrier";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::rank_failed);
      EXPECT_NE(std::string(error.what()).find("a barrier"), std::string::npos) << error.what();
    }
  }
  world.barrier();
}

TEST(Collectives, AStageBorderWaitsLongerThanTheDeadline) {
  const Communicator& world = ranks_world();
  Communicator pair = world.split(0, world.rank());
  pair.set_deadline(0.2);
  if (world.root()) std::this_thread::sleep_for(std::chrono::milliseconds(900));
  EXPECT_NO_THROW(agree(pair, std::nullopt));
  EXPECT_EQ(pair.patient_max(world.rank()), world.size() - 1);
}

}  // namespace
}  // namespace hepar::mpi
