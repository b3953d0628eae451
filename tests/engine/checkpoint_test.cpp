// SPDX-License-Identifier: Apache-2.0
// Which checkpoints a training keeps: the newest that are known to be whole, whatever lies beside them.
#include "trainer/engine/checkpoint.hpp"

#include "data/base/files.hpp"

#include <gtest/gtest.h>

#include <ATen/ops/ones.h>
#include <unistd.h>

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

}  // namespace
}  // namespace hepar::engine
