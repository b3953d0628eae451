// SPDX-License-Identifier: Apache-2.0
// Which checkpoints a training keeps: the newest that are known to be whole, whatever lies beside them.
#include "trainer/engine/checkpoint.hpp"

#include "data/base/files.hpp"

#include <gtest/gtest.h>

#include <ATen/ops/ones.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include <set>

namespace hepar::engine {
namespace {

class OneTensor : public model::Network {
 public:
  std::vector<model::Parameter> parameters() override { return {{"weight", tensor_, true}}; }
  std::vector<at::Tensor> forward(const dataset::Batch&, const model::MaskKey&) const override { return {}; }
  at::Tensor penalty() const override { return {}; }

 private:
  at::Tensor tensor_ = at::ones({5});
};

class Checkpoints : public testing::Test {
 protected:
  Checkpoints() : run_{fs::path(testing::TempDir()) / ("hepar_checkpoints_" + std::to_string(::getpid()))} { fs::create_directories(run_.checkpoints()); }
  ~Checkpoints() override { fs::remove_all(run_.root); }

  void save(CheckpointWriter& writer, std::int64_t step) {
    Cursor cursor;
    cursor.step = step;
    cursor.exponents = {3};
    arena_.values()[0] = static_cast<float>(step);
    writer.save(arena_, cursor);
    writer.wait();
  }
  void save_alone(std::int64_t step) {
    CheckpointWriter writer(run_, StatusFile(run_.status()), 0, 100);
    save(writer, step);
  }
  void damage(std::int64_t step) const { publish(run_.checkpoint(step) / "state.safetensors", "nothing"); }
  [[nodiscard]] std::set<std::string> on_disk() const {
    std::set<std::string> names;
    for (const fs::path& path : entries_of(run_.checkpoints())) names.insert(path.filename().string());
    return names;
  }

  RunFolder run_;
  OneTensor network_;
  Arena arena_{network_};
  std::vector<std::string> notes_;
};

TEST_F(Checkpoints, TheTwoNewestStay) {
  CheckpointWriter writer(run_, StatusFile(run_.status()), 0);
  for (const std::int64_t step : {1, 2, 10}) save(writer, step);
  EXPECT_EQ(on_disk(), (std::set<std::string>{"step-10", "step-2"}));
  EXPECT_EQ(load_newest(run_, arena_, notes_)->step, 10);
  EXPECT_EQ(arena_.values()[0], 10.0F);
  EXPECT_TRUE(notes_.empty());
}

TEST_F(Checkpoints, DamagedOnesOfHigherStepsNeverPushOutWholeOnes) {
  for (const std::int64_t step : {10, 12}) {
    save_alone(step);
    fs::rename(run_.checkpoint(step), run_.root / std::to_string(step));
  }
  save_alone(4);
  for (const std::int64_t step : {10, 12}) {
    fs::rename(run_.root / std::to_string(step), run_.checkpoint(step));
    damage(step);
  }
  const auto found = load_newest(run_, arena_, notes_);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->step, 4);
  EXPECT_EQ(notes_.size(), 2U);
  CheckpointWriter writer(run_, StatusFile(run_.status()), found->step);
  save(writer, 5);
  EXPECT_EQ(on_disk(), (std::set<std::string>{"step-4", "step-5"}));
  damage(5);
  EXPECT_EQ(load_newest(run_, arena_, notes_)->step, 4);
}

TEST_F(Checkpoints, TheOneThatATrainingWentOnFromIsNotWrittenAgain) {
  save_alone(7);
  const auto before = fs::last_write_time(run_.checkpoint(7) / "state.json");
  CheckpointWriter writer(run_, StatusFile(run_.status()), 7);
  save(writer, 7);
  EXPECT_EQ(writer.written(), 0);
  EXPECT_EQ(fs::last_write_time(run_.checkpoint(7) / "state.json"), before);
}

TEST_F(Checkpoints, AFolderThatCannotBeListedIsSaid) {
  fs::remove_all(run_.checkpoints());
  publish(run_.checkpoints(), "a file");
  try {
    (void)load_newest(run_, arena_, notes_);
    FAIL() << "what cannot be listed was taken for empty";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::disk);
  }
}

TEST_F(Checkpoints, TheBestStaysBesideTheNewest) {
  CheckpointWriter writer(run_, StatusFile(run_.status()), 0);
  const std::vector<std::pair<std::int64_t, double>> losses{{1, 3.0}, {2, 1.0}, {3, 2.0}, {4, 1.5}, {5, 1.2}};
  for (const auto& [step, loss] : losses) {
    Cursor cursor;
    cursor.step = step;
    cursor.exponents = {3};
    cursor.loss = loss;
    writer.save(arena_, cursor);
    writer.wait();
  }
  EXPECT_EQ(on_disk(), (std::set<std::string>{"step-2", "step-4", "step-5"}));
  const auto found = load_newest(run_, arena_, notes_);
  EXPECT_EQ(found->step, 5);
  EXPECT_EQ(found->best.step, 2);
  // And after a restart.
  CheckpointWriter next(run_, StatusFile(run_.status()), 5, 2, found->best);
  save(next, 6);
  EXPECT_EQ(on_disk(), (std::set<std::string>{"step-2", "step-5", "step-6"}));
}

// A file-size limit stands in for a full disk: the write fails in the middle.
TEST_F(Checkpoints, ADiskThatFillsUpInOneKeepsTheOneBefore) {
  CheckpointWriter writer(run_, StatusFile(run_.status()), 0);
  save(writer, 1);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  try {
    save(writer, 2);
    ADD_FAILURE() << "a checkpoint that could not be written was said to be there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::disk) << error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(load_newest(run_, arena_, notes_)->step, 1);
  EXPECT_EQ(arena_.values()[0], 1.0F);
}

TEST_F(Checkpoints, OneThatComesTooSoonIsGivenUpAndCounted) {
  CheckpointWriter writer(run_, StatusFile(run_.status()), 0);
  Cursor cursor;
  cursor.exponents = {3};
  std::int64_t taken = 0;
  for (cursor.step = 1; cursor.step <= 200; ++cursor.step) taken += writer.try_save(arena_, cursor) ? 1 : 0;
  writer.wait();
  EXPECT_EQ(taken + writer.given_up(), 200);
  EXPECT_EQ(writer.written(), taken);
  EXPECT_GT(taken, 0);
}

TEST(YoungDaly, IsTheRootOfTwiceCostTimesHorizonWithinBounds) {
  EXPECT_DOUBLE_EQ(young_daly(2, 10000), 200);
  EXPECT_DOUBLE_EQ(young_daly(1e-3, 3600), 30);
  EXPECT_DOUBLE_EQ(young_daly(1e4, 1e6), 3600);
}

}  // namespace
}  // namespace hepar::engine
