// SPDX-License-Identifier: Apache-2.0
#include "tests/collective/contract.hpp"
#include "tests/mpi/ranks.hpp"

namespace hepar::collective {
namespace {

TEST(Mpi, KeepsTheContract) {
  const auto group = make_collective(mpi::ranks_world());
  EXPECT_EQ(group->name(), "mpi");
  EXPECT_TRUE(group->whole());
  contract(*group);
}

TEST(Mpi, PartsOfTheWorldKeepItSideBySide) {
  const mpi::Communicator& world = mpi::ranks_world();
  const auto group = make_collective(world.split(world.rank() % 2, world.rank()));
  EXPECT_FALSE(group->whole());
  contract(*group);
}

}  // namespace
}  // namespace hepar::collective
