// SPDX-License-Identifier: Apache-2.0
#include "sharding/mpi/launch.hpp"
#include "sharding/mpi/session.hpp"
#include "tests/mpi/ranks.hpp"

#include <gtest/gtest.h>

namespace hepar::mpi {
namespace {

TEST(StartedAlike, EqualRanksPass) {
  EXPECT_NO_THROW(check_common(ranks_world(), {{"the program", "abc", "start the same file"}}));
  EXPECT_NO_THROW(check_devices(ranks_world(), ""));
  EXPECT_NO_THROW(check_devices(ranks_world(), "GPU " + std::to_string(ranks_world().rank())));
}

TEST(StartedAlike, AnotherFileOnOneRankIsNamedOnAll) {
  const Communicator& world = ranks_world();
  try {
    check_common(world, {{"the program", "abc", "start the same file"}, {"the store", world.rank() == world.size() - 1 ? "x" : "y", "name a shared store"}});
    FAIL();
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_NE(std::string(error.what()).find("the store is another on rank " + std::to_string(world.size() - 1)), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("name a shared store"), std::string::npos);
  }
}

TEST(StartedAlike, TwoRanksOnOneDeviceAreRefused) {
  try {
    check_devices(ranks_world(), "GPU 0");
    FAIL();
  } catch (const AgreedError& error) {
    EXPECT_NE(std::string(error.what()).find("ranks 0 and 1 would both compute on GPU 0"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace hepar::mpi
