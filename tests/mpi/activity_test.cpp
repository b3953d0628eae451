// SPDX-License-Identifier: Apache-2.0
#include "sharding/mpi/activity.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace hepar::mpi {
namespace {

using namespace std::chrono_literals;

TEST(Activity, TellsTheInnermostPhaseAndWhatTheOneAroundItIsAbout) {
  Activity activity;
  EXPECT_EQ(activity.now().text(), "");
  const auto slot = activity.begin("slot", [] { return std::string("patients P1, P2"); });
  {
    const auto forward = activity.begin("forward");
    EXPECT_EQ(activity.now().text(), "forward of patients P1, P2");
    activity.step_done(12, 0.1);
    EXPECT_EQ(activity.now().text(), "forward of patients P1, P2 (step 12)");
  }
  EXPECT_EQ(activity.now().phase, "slot");
}

TEST(Activity, OfSeveralThreadsTellsTheOneThatWorksLongest) {
  Activity activity;
  const auto sum = activity.wait_for_ranks("a sum over ranks");
  EXPECT_TRUE(activity.now().waiting);
  std::thread other([&] {
    const auto load = activity.begin("load", [] { return std::string("patient P7"); });
    std::thread third([&] {
      const auto backward = activity.begin("backward");
      EXPECT_EQ(activity.now().text(), "load of patient P7");
      EXPECT_FALSE(activity.now().waiting) << "one thread works";
    });
    third.join();
  });
  other.join();
  EXPECT_EQ(activity.now().text(), "a sum over ranks");
}

TEST(Activity, ARankStallsInItsStepsAloneAndNotWhileItWaitsForOthers) {
  Activity activity;
  const auto idle = [&] { std::this_thread::sleep_for(60ms); };
  idle();
  EXPECT_FALSE(activity.now().stalled()) << "outside of steps there is no limit";
  activity.begin_steps(0.04);
  EXPECT_FALSE(activity.now().stalled());
  idle();
  EXPECT_TRUE(activity.now().stalled());
  {
    const auto load = activity.begin("load");
    EXPECT_FALSE(activity.now().stalled()) << "a beginning is progress";
    idle();
    EXPECT_TRUE(activity.now().stalled());
  }
  {
    const auto sum = activity.wait_for_ranks("a sum over ranks");
    idle();
    EXPECT_FALSE(activity.now().stalled());
  }
  activity.step_done(1, 30);
  idle();
  EXPECT_FALSE(activity.now().stalled());
  EXPECT_EQ(activity.now().limit_seconds, 300) << "ten of the slowest steps";
  activity.end_steps();
  EXPECT_EQ(activity.limit_seconds(), 0);
}

}  // namespace
}  // namespace hepar::mpi
