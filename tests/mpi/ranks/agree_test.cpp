// SPDX-License-Identifier: Apache-2.0
#include "tests/mpi/ranks.hpp"

#include <gtest/gtest.h>

namespace hepar::mpi {
namespace {

TEST(Agree, NobodyThrowsWhenAllIsWell) {
  EXPECT_NO_THROW(agree(ranks_world(), std::nullopt));
  EXPECT_NO_THROW(together(ranks_world(), [] {}));
}

TEST(Agree, OneRanksErrorIsThrownByAllWithItsMessage) {
  const Communicator& world = ranks_world();
  for (int failing = 0; failing < world.size(); ++failing) {
    try {
      together(world, [&] {
        if (world.rank() == failing) throw store_error("shard 3 is torn", {"features/3.h5"});
      });
      FAIL() << "rank " << world.rank() << " did not hear of it";
    } catch (const AgreedError& error) {
      EXPECT_EQ(error.code(), ExitCode::store);
      EXPECT_STREQ(error.what(), "features/3.h5: shard 3 is torn");
      EXPECT_TRUE(error.everywhere());
      EXPECT_EQ(error.spokesman(), world.rank() == failing);
    }
  }
}

TEST(Agree, OfSeveralErrorsTheLowestRankSpeaks) {
  const Communicator& world = ranks_world();
  try {
    together(world, [&] {
      if (world.rank() >= 1) throw Error(world.rank() == 1 ? ExitCode::input : ExitCode::disk, "rank " + std::to_string(world.rank()));
    });
    FAIL();
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::input);
    EXPECT_STREQ(error.what(), "rank 1");
  }
}

TEST(Agree, AGroupsErrorIsNotTheWholeWorlds) {
  const Communicator part = ranks_world().split(ranks_world().rank() % 2, 0);
  try {
    agree(part, usage_error("no"));
    FAIL();
  } catch (const AgreedError& error) {
    EXPECT_FALSE(error.everywhere());
    EXPECT_EQ(error.spokesman(), part.root());
  }
}

}  // namespace
}  // namespace hepar::mpi
