// SPDX-License-Identifier: Apache-2.0
// Law 6: what, where, what to do, on one line, with the code that CONTRACTS fixes.
#include "data/base/error.hpp"
#include "data/base/log.hpp"
#include "data/base/machine.hpp"
#include "data/base/stop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <new>
#include <stdexcept>

namespace hepar {
namespace {

TEST(Error, ReadsWhereWhatRemedy) {
  const Error error = input_error("has no column 'age'", {"p.csv", 1}, "add it");
  EXPECT_STREQ(error.what(), "p.csv:1: has no column 'age'; add it");
  EXPECT_STREQ(error.within("centre C03").what(), "centre C03: p.csv:1: has no column 'age'; add it");
  EXPECT_EQ(error.within("x").code(), ExitCode::input);
  EXPECT_STREQ(usage_error("no").what(), "no");
  EXPECT_EQ((Place{"f", 0}.text()), "f");
}

TEST(Error, CodesAreTheContract) {
  EXPECT_EQ(static_cast<int>(usage_error("").code()), 2);
  EXPECT_EQ(static_cast<int>(input_error("").code()), 3);
  EXPECT_EQ(static_cast<int>(store_error("").code()), 4);
  EXPECT_EQ(static_cast<int>(ExitCode::training), 5);
  EXPECT_EQ(static_cast<int>(ExitCode::rank_failed), 6);
  EXPECT_EQ(static_cast<int>(ExitCode::bug), 70);
  EXPECT_EQ(static_cast<int>(disk_error("").code()), 74);
  EXPECT_EQ(static_cast<int>(ExitCode::stopped), 75);
}

TEST(Log, DurationsReadLikeSpeech) {
  EXPECT_EQ(duration_text(3.14), "3.1 s");
  EXPECT_EQ(duration_text(45), "45 s");
  EXPECT_EQ(duration_text(200), "3 min 20 s");
  EXPECT_EQ(duration_text(7500), "2 h 05 min");
}

TEST(Log, QuietSaysNothingAndAFileGetsPlainLines) {
  testing::internal::CaptureStderr();
  {
    const Console quiet(Console::Style::quiet);
    quiet.note("x");
    Progress progress(quiet, "shard", 2, "patients");
    progress.advance_to(2);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  testing::internal::CaptureStderr();
  {
    const Console plain(Console::Style::plain);
    Progress progress(plain, "shard", 2, "patients");
    progress.advance_to(1);
    progress.advance_to(2);
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("shard  2/2"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << "no line for every patient";
}

TEST(Machine, KnowsItself) {
  const Machine machine = this_machine();
  EXPECT_GE(machine.cores, 1);
  EXPECT_GT(machine.memory_bytes, 1 << 20);
  EXPECT_FALSE(machine.host.empty());
  EXPECT_EQ(machine.pins.size(), pinned_variables().size());
  EXPECT_GT(peak_memory_bytes(), 1 << 20);
}

TEST(Stop, ASignalOnlySetsTheWish) {
  install_stop_signals();
  EXPECT_FALSE(stop_requested());
  std::raise(SIGUSR2);
  EXPECT_TRUE(stop_requested());
}

}  // namespace

TEST(Error, OfTheFileSystemIsADiskError) {
  try {
    std::filesystem::create_directories("/proc/nowhere/at/all");
    FAIL() << "made a folder in /proc";
  } catch (const std::exception& failure) {
    const Error error = as_error(failure);
    EXPECT_EQ(error.code(), ExitCode::disk);
    EXPECT_NE(std::string(error.what()).find("/proc/nowhere"), std::string::npos) << error.what();
  }
}

TEST(Error, OfAnyLibraryIsOneLineWithItsCode) {
  EXPECT_EQ(as_error(std::bad_alloc()).code(), ExitCode::training);
  EXPECT_EQ(as_error(std::runtime_error("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")).code(), ExitCode::training);
  const Error bug = as_error(std::logic_error("index out of range\nframe #0: somewhere"));
  EXPECT_EQ(bug.code(), ExitCode::bug);
  EXPECT_EQ(std::string(bug.what()), "index out of range; this is a bug: please report it with the command and this line");
  const Error own = input_error("no such column", {"a.csv", 3}, "declare it");
  EXPECT_EQ(std::string(as_error(own).what()), std::string(own.what()));
  EXPECT_EQ(as_error(own).code(), ExitCode::input);
}

}  // namespace hepar
