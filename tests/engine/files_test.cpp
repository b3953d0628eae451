// SPDX-License-Identifier: Apache-2.0
#include "data/base/error.hpp"
#include "data/base/files.hpp"
#include "trainer/engine/experiment.hpp"
#include "trainer/engine/run_record.hpp"
#include "trainer/engine/safetensors.hpp"
#include "trainer/engine/tensorboard.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>

namespace hepar::engine {
namespace {

class Files : public testing::Test {
 protected:
  Files() : folder_(fs::path(testing::TempDir()) / ("hepar_engine_" + std::to_string(::getpid()))) { fs::create_directories(folder_); }
  ~Files() override { fs::remove_all(folder_); }
  fs::path folder_;
};

const std::vector<float> kA{1, 2, 3, 4, 5, 6}, kB{-0.5F};

TEST_F(Files, SafetensorsHasTheLayoutThatOthersRead) {
  const std::string text = safetensors_text({{"z.weight", {2, 3}, kA}, {"a", {1}, kB}});
  std::uint64_t length = 0;
  std::memcpy(&length, text.data(), 8);
  EXPECT_EQ(length % 8, 0U);
  EXPECT_EQ(text[8], '{');
  const auto header = nlohmann::json::parse(text.substr(8, length));
  EXPECT_EQ(header["z.weight"], (nlohmann::json{{"dtype", "F32"}, {"shape", {2, 3}}, {"data_offsets", {0, 24}}}));
  EXPECT_EQ(header["a"]["data_offsets"], (nlohmann::json{24, 28}));
  EXPECT_EQ(text.size(), 8 + length + 28);
  float value = 0;
  std::memcpy(&value, text.data() + 8 + length + 8, 4);
  EXPECT_EQ(value, 3);
}

TEST_F(Files, SafetensorsComesBackAndRefusesWhatIsCut) {
  const std::string text = safetensors_text({{"w", {2, 3}, kA}});
  publish(folder_ / "m", text);
  const auto loaded = load_safetensors(folder_ / "m");
  ASSERT_EQ(loaded.size(), 1U);
  EXPECT_EQ(loaded[0].values, kA);
  EXPECT_EQ(loaded[0].shape, (std::vector<std::int64_t>{2, 3}));
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{20}, text.size() - 1}) {
    publish(folder_ / "cut", text.substr(0, size));
    try {
      (void)load_safetensors(folder_ / "cut");
      FAIL() << size;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::store) << size;
    }
  }
}

TEST_F(Files, ParametersHashIsTheContracts) {
  std::string expected = "a\nF32\n1\n";
  expected.append(reinterpret_cast<const char*>(kB.data()), 4);
  expected += "z\nF32\n2,3\n";
  expected.append(reinterpret_cast<const char*>(kA.data()), 24);
  EXPECT_EQ(parameters_sha256({{"z", {2, 3}, kA}, {"a", {1}, kB}}), sha256(expected));
  EXPECT_NE(parameters_sha256({{"z", {3, 2}, kA}, {"a", {1}, kB}}), sha256(expected));
}

TEST_F(Files, Crc32cHasItsPublishedValues) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);                  // check value of CRC-32C
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);        // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
}

TEST_F(Files, EventFilesAreFramedRecords) {
  { TensorBoard(folder_ / "tb").scalar("train/loss", 300, 0.5); }
  const std::string text = read_file(fs::directory_iterator(folder_ / "tb")->path());
  std::vector<std::string> records;
  for (std::size_t at = 0; at < text.size();) {
    std::uint64_t length = 0;
    std::memcpy(&length, text.data() + at, 8);
    ASSERT_LE(at + 16 + length, text.size());
    EXPECT_EQ(tfrecord(text.substr(at + 12, length)), text.substr(at, 16 + length));
    records.push_back(text.substr(at + 12, length));
    at += 16 + length;
  }
  ASSERT_EQ(records.size(), 2U);
  EXPECT_NE(records[0].find("brain.Event:2"), std::string::npos);
  // wall time (field 1, double), step 300 (field 2, varint), summary { value { tag: "train/loss" simple_value: 0.5 } }
  EXPECT_EQ(records[1].substr(9), std::string("\x10\xac\x02\x2a\x13\x0a\x11\x0a\x0atrain/loss\x15\x00\x00\x00\x3f", 24));
}

TEST_F(Files, EventsOfStepsThatAreDoneAgainAreDropped) {
  const RunFolder run{folder_};
  {
    Events events(run, 0);
    for (int step = 1; step <= 5; ++step) events.add({{"step", step}, {"event", "step"}});
  }
  { std::ofstream(run.events(), std::ios::app) << "{\"step\": 6, \"ev"; }  // killed in the middle of a line
  Events(run, 3).add({{"step", 4}, {"event", "again"}});
  const std::string text = read_file(run.events());
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_NE(text.find("{\"step\":4,\"event\":\"again\"}"), std::string::npos);
}

TEST(ExperimentFile, ComesBackFromItsOwnText) {
  Experiment e;
  e.train.learning_rate = 0.00123;
  e.modalities = {"ct", "slide"};
  e.model.dropout = 0.37;
  const std::string text = config_yaml(e);
  EXPECT_EQ(first_difference(text, e), "");
  Experiment read;
  auto read_rows = rows(read);
  apply(Yaml::parse(text, "config.yaml"), read_rows, {"schema"});
  EXPECT_EQ(config_yaml(read), text);
  EXPECT_EQ(config_sha256(read), config_sha256(e));
}

TEST(ExperimentFile, NamesTheFirstKeyThatDiffers) {
  Experiment before, now;
  const std::string text = config_yaml(before);
  now.train.clip_norm = 2;
  EXPECT_EQ(first_difference(text, now), "train.clip_norm was 1 and is 2");
  EXPECT_NE(config_sha256(before), config_sha256(now));
  Experiment free = before;
  free.resources.slots_at_once = "3";
  free.train.checkpoint_every = "5min";
  EXPECT_EQ(first_difference(text, free), "");
  EXPECT_EQ(config_sha256(before), config_sha256(free));
}

TEST(ExperimentFile, DefaultsAreTheContracts) {
  Experiment e;
  std::map<std::string, std::string> values;
  for (const Row& row : rows(e)) values[row.name] = row.get();
  const std::map<std::string, std::string> expected{{"seed", "1"}, {"mode", "reproducible"}, {"predict_at", "post_op"}, {"train.steps", "auto"}, {"train.slots_per_step", "16"}, {"train.patients_per_slot", "4"},
      {"train.learning_rate", "0.001"}, {"train.warmup", "0.05"}, {"train.weight_decay", "0.01"}, {"train.clip_norm", "1"}, {"train.ema", "0"}, {"train.bag_cap", "4096"}, {"validation.scheme", "leave_one_centre_out"}};
  for (const auto& [key, value] : expected) EXPECT_EQ(values.at(key), value) << key;
}

}  // namespace
}  // namespace hepar::engine
