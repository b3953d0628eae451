// SPDX-License-Identifier: Apache-2.0
// Which folders `hepar synth` takes: nobody else's files are overwritten, and what it began it knows again.
#include "data/synthetic/folder.hpp"

#include "data/base/error.hpp"
#include "data/base/files.hpp"

#include <gtest/gtest.h>

namespace hepar::synthetic {
namespace {

class CohortFolder : public testing::Test {
 protected:
  fs::path place_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name(), out_ = place_ / "cohort";
  Arguments arguments_{{"patients", "30"}, {"seed", "1"}};
  void SetUp() override {
    fs::remove_all(place_);
    fs::create_directories(place_);
  }
  std::string refusal(const Arguments& arguments) {
    try {
      begin_cohort(out_, arguments);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      return error.what();
    }
    return "taken";
  }
};

TEST_F(CohortFolder, AnAbsentAndAnEmptyOneAreTaken) {
  EXPECT_EQ(refusal(arguments_), "taken");
  fs::remove_all(out_);
  fs::create_directories(out_);
  EXPECT_EQ(refusal(arguments_), "taken");
}

TEST_F(CohortFolder, AnyFileOfOthersIsRefusedAndStays) {
  for (const fs::path& file : {out_ / "patients.csv", out_ / "notes.txt", truth_folder(out_) / "truth.csv"}) {
    fs::create_directories(file.parent_path());
    publish(file, "mine");
    EXPECT_NE(refusal(arguments_).find("is neither empty nor a cohort that synth began"), std::string::npos) << file;
    EXPECT_EQ(read_file(file), "mine");
    fs::remove(file);
    EXPECT_TRUE(entries_of(file.parent_path()).empty()) << "a refusal leaves nothing behind";
  }
}

TEST_F(CohortFolder, OneThatWasBegunIsTakenByTheSameArgumentsAlone) {
  begin_cohort(out_, arguments_);
  publish(out_ / "patients.csv", "half");
  EXPECT_EQ(refusal(arguments_), "taken");
  EXPECT_NE(refusal({{"patients", "20"}, {"seed", "1"}}).find("was begun with --patients 30, not 20"), std::string::npos);
  EXPECT_NE(refusal({{"patients", "30"}, {"seed", "1"}, {"level", "raw"}}).find("--level"), std::string::npos) << "an option that the older program did not have";
}

TEST_F(CohortFolder, AFinishedOneIsAUsersOwn) {
  begin_cohort(out_, arguments_);
  publish(out_ / "cohort.yaml", "whole");
  finish_cohort(out_);
  EXPECT_EQ(entries_of(out_).size(), 1U);
  EXPECT_NE(refusal(arguments_).find("holds a cohort already"), std::string::npos);
}

TEST_F(CohortFolder, ItsTruthLiesBesideItHoweverItIsWritten) {
  EXPECT_EQ(truth_folder("a/cohort"), fs::path("a/cohort.truth"));
  EXPECT_EQ(truth_folder("a/cohort/"), fs::path("a/cohort.truth"));
}

}  // namespace
}  // namespace hepar::synthetic
