// SPDX-License-Identifier: Apache-2.0
#include "data/base/claim.hpp"
#include "data/base/error.hpp"
#include "data/base/files.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace hepar {
namespace {

class Claim : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_ = fs::temp_directory_path() / ("hepar-claim-" + std::to_string(::getpid()));
};

TEST_F(Claim, OneOfManySucceeds) {
  const fs::path path = folder_ / "claim";
  std::vector<pid_t> children;
  for (int i = 0; i < 16; ++i) {
    children.push_back(::fork());
    if (children.back() == 0) ::_exit(claim(path, std::string(1000, static_cast<char>('a' + i))) ? 1 : 0);
  }
  int winners = 0;
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    winners += WEXITSTATUS(status);
  }
  EXPECT_EQ(winners, 1);
  const std::string text = read_file(path);
  EXPECT_EQ(text, std::string(1000, text.at(0))) << "whole, of one writer";
  EXPECT_FALSE(claim(path, "late"));
  EXPECT_EQ(read_file(path), text);
  EXPECT_EQ(entries_of(folder_), std::vector<fs::path>{path});
  EXPECT_THROW((void)claim(folder_ / "absent" / "x", ""), Error);
}

}  // namespace
}  // namespace hepar
