// SPDX-License-Identifier: Apache-2.0
#include "data/base/status.hpp"

#include "data/base/files.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace hepar {
namespace {

class StatusTest : public testing::Test {
 protected:
  fs::path folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
  fs::path path_ = folder_ / "status.json";
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
};

TEST_F(StatusTest, IsReadBackAsItWasWritten) {
  EXPECT_FALSE(read_status(path_));
  StatusFile file(path_);
  file.begin({.step = 40, .phase = "train"});
  file.publish({.state = "failed", .code = ExitCode::disk, .step = 41, .rank = 2, .phase = "train", .message = "no space \"left\""});
  const std::optional<Status> status = read_status(path_);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->state, "failed");
  EXPECT_EQ(status->code, ExitCode::disk);
  EXPECT_EQ(status->step, 41);
  EXPECT_EQ(status->rank, 2);
  EXPECT_EQ(status->message, "no space \"left\"");
  EXPECT_EQ(status->generation, 1);
  EXPECT_FALSE(status->host.empty());
  EXPECT_NE(read_file(path_).find("\"class\":\"disk\""), std::string::npos);
}

TEST_F(StatusTest, EveryStartIsALaterGeneration) {
  for (int start = 1; start <= 3; ++start) {
    StatusFile file(path_);
    file.begin({});
    file.publish({.state = "stopped", .code = ExitCode::stopped});
    EXPECT_EQ(read_status(path_)->generation, start);
  }
}

TEST_F(StatusTest, AnotherRankOfASupersededStartWritesNothingMore) {
  StatusFile root(path_), other(path_);
  root.begin({});
  other.join(root.generation());
  EXPECT_NO_THROW(other.check());
  StatusFile(path_).begin({});
  EXPECT_THROW(other.check(), Error);
  EXPECT_THROW(other.publish({.state = "failed", .code = ExitCode::rank_failed}), Error);
  EXPECT_EQ(read_status(path_)->state, "running");
}

TEST_F(StatusTest, ASupersededWriterWritesNothingMore) {
  StatusFile old(path_);
  old.begin({.phase = "old"});
  StatusFile young(path_);
  young.begin({.phase = "young"});
  const std::string before = read_file(path_);
  try {
    old.publish({.state = "finished"});
    FAIL() << "the old generation still writes";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::rank_failed);
    EXPECT_NE(std::string(error.what()).find("generation 2"), std::string::npos) << error.what();
  }
  EXPECT_EQ(read_file(path_), before);
  EXPECT_NO_THROW(young.check());
}

TEST_F(StatusTest, WithoutABeginTheGenerationOnDiskIsKept) {
  StatusFile(path_).begin({});
  StatusFile(path_).publish({.state = "failed", .code = ExitCode::input});
  EXPECT_EQ(read_status(path_)->generation, 1);
}

TEST_F(StatusTest, RefusesWhatIsNoStatus) {
  for (const char* text : {"", "[]", "{\"step\": 3}", "{\"state\": 7}"}) {
    publish(path_, text);
    EXPECT_THROW((void)read_status(path_), Error) << text;
  }
}

}  // namespace
}  // namespace hepar
