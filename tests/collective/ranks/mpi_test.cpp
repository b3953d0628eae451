// SPDX-License-Identifier: Apache-2.0
#include "tests/collective/contract.hpp"
#include "tests/mpi/ranks.hpp"

namespace hepar::collective {
namespace {

TEST(Mpi, KeepsTheContract) {
  const auto group = make_collective(mpi::ranks_world());
  EXPECT_EQ(group->name(), group->size() == 1 ? "self" : "mpi");
  EXPECT_TRUE(group->whole());
  contract(*group);
}

TEST(Mpi, KeepsItInPieces) {
  mpi::Communicator part = mpi::ranks_world().split(0, mpi::ranks_world().rank());
  part.set_longest_call(1021);
  contract(*make_mpi(part));
}

TEST(Mpi, IsToldOfDifferentCalls) { different_calls_are_told(*make_checked(make_mpi(mpi::ranks_world()))); }

TEST(Mpi, PartsOfTheWorldKeepItSideBySide) {
  const mpi::Communicator& world = mpi::ranks_world();
  const auto group = make_collective(world.split(world.rank() % 2, world.rank()));
  EXPECT_EQ(group->whole(), false);
  contract(*group);
}

TEST(Mpi, AHandleThatIsDroppedGivesUp) {
  const auto group = make_mpi(mpi::ranks_world().split(0, mpi::ranks_world().rank()));
  if (group->size() == 1) return;
  const auto start = std::chrono::steady_clock::now();
  if (group->rank() == 0) {
    std::vector<float> values(3);
    const Pending dropped = group->start_sum(values);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

}  // namespace
}  // namespace hepar::collective
