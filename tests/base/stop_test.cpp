// SPDX-License-Identifier: Apache-2.0
#include "data/base/stop.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <string>

namespace hepar {
namespace {

void job_ends_in(long seconds) { ::setenv("HEPAR_DEADLINE", std::to_string(std::time(nullptr) + seconds).c_str(), 1); }

// The measured times stay for the life of a process: one test, in their order.
TEST(Stop, ComesBeforeTheJobsEndByWhatAStopTakes) {
  EXPECT_FALSE(stop_requested());
  job_ends_in(100);
  EXPECT_FALSE(stop_requested()) << "nobody said how long a stop takes";
  ::setenv("HEPAR_STOP_LEAD", "150", 1);
  EXPECT_TRUE(stop_requested()) << "half the site's lead, before a checkpoint was measured";
  stop_takes(5);
  EXPECT_FALSE(stop_requested()) << "twice 5 s and half a minute";
  job_ends_in(38);
  EXPECT_TRUE(stop_requested());
  job_ends_in(100);
  stop_takes(40);
  stop_takes(1);
  EXPECT_TRUE(stop_requested()) << "the longest counts";
  ::unsetenv("HEPAR_DEADLINE");
  EXPECT_FALSE(stop_requested());
}

}  // namespace
}  // namespace hepar
