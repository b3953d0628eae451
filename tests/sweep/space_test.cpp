// SPDX-License-Identifier: Apache-2.0
#include "data/base/files.hpp"
#include "trainer/sweep/search.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <unistd.h>

namespace hepar::sweep {
namespace {

Space space(const std::string& text) { return Space::read(Yaml::parse(text, "sweep.yaml").at("space")); }

std::string message(const std::string& text) {
  try {
    (void)space(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    return error.what();
  }
  return "";
}

const char* const kAll = R"(space:
  train.learning_rate: {log: [1.0e-4, 1.0e-2]}
  train: {weight_decay: {float: [0, 0.1]}}
  model.embedding: {int: [16, 64], step: 16}
  model.vector.hidden: {log_int: [8, 128]}
  train.schedule: {choice: [cosine, constant]}
  train.warmup: {float: [0.01, 0.2], when: {train.schedule: cosine}}
)";

TEST(Space, AValueComesFromAPointAndStaysInItsRange) {
  const Space all = space(kAll);
  ASSERT_EQ(all.parameters().size(), 6u);
  const std::vector<double> low(6, 0.0), high(6, std::nextafter(1.0, 0.0));
  EXPECT_EQ(all.at(low), (Settings{{"train.learning_rate", "0.0001"}, {"train.weight_decay", "0"}, {"model.embedding", "16"}, {"model.vector.hidden", "8"}, {"train.schedule", "cosine"}, {"train.warmup", "0.01"}}));
  // The condition does not hold at the other end.
  EXPECT_EQ(all.at(high), (Settings{{"train.learning_rate", "0.01"}, {"train.weight_decay", "0.1"}, {"model.embedding", "64"}, {"model.vector.hidden", "128"}, {"train.schedule", "constant"}}));
  const std::vector<double> middle(6, 0.5);
  EXPECT_EQ(all.at(middle)[0].second, "0.001");
}

TEST(Space, WholeNumbersAreEquallyLikely) {
  const Space all = space("space: {train.slots_per_step: {int: [3, 6]}}");
  std::map<std::string, int> counts;
  for (int i = 0; i < 400; ++i) ++counts[all.parameters()[0].at((i + 0.5) / 400)];
  EXPECT_EQ(counts, (std::map<std::string, int>{{"3", 100}, {"4", 100}, {"5", 100}, {"6", 100}}));
}

TEST(Space, SettingsReachTheExperiment) {
  const engine::Experiment made = with({}, {{"train.learning_rate", "0.02"}, {"modalities", "[ct, slide]"}});
  EXPECT_EQ(made.train.learning_rate, 0.02);
  EXPECT_EQ(made.modalities, (std::vector<std::string>{"ct", "slide"}));
  EXPECT_EQ(space("space: {modalities: {choice: [[ct, slide], ct]}}").parameters()[0].choices, (std::vector<std::string>{"[ct, slide]", "ct"}));
}

TEST(Space, AGridHasEveryCombinationOnce) {
  const auto grid = space(R"(space:
  train.schedule: {choice: [cosine, constant]}
  train.warmup: {float: [0, 0.2], points: 3, when: {train.schedule: cosine}}
  train.slots_per_step: {int: [1, 2]}
)").grid();
  EXPECT_EQ(grid.size(), 3u * 2 + 2);
  EXPECT_EQ(std::set<Settings>(grid.begin(), grid.end()).size(), grid.size());
  EXPECT_EQ(grid[0], (Settings{{"train.schedule", "cosine"}, {"train.warmup", "0"}, {"train.slots_per_step", "1"}}));
}

TEST(Space, RefusesWhatCouldNotBeTriedOrCompared) {
  EXPECT_NE(message("space: {train.learning_rat: {log: [1, 2]}}").find("did you mean 'train.learning_rate'"), std::string::npos);
  EXPECT_NE(message("space: {train.learning_rate: {log: [0, 1]}}").find("above 0"), std::string::npos);
  EXPECT_NE(message("space: {train.learning_rate: {log: [1, 100]}}").find("'train.learning_rate' is '100'"), std::string::npos);
  EXPECT_NE(message("space: {train.schedule: {choice: [cosine, linear]}}").find("'train.schedule' is 'linear'"), std::string::npos);
  EXPECT_NE(message("space: {endpoints: {choice: [os, rfs]}}").find("not be comparable"), std::string::npos);
  EXPECT_NE(message("space: {validation.folds: {int: [2, 5]}}").find("not be comparable"), std::string::npos);
  EXPECT_NE(message("space: {train.warmup: {float: [0, 0.1], when: {train.schedule: cosine}}}").find("no parameter of the space before"), std::string::npos);
  EXPECT_NE(message("space: {train.warmup: {float: [0.1, 0]}}").find("the smaller first"), std::string::npos);
  EXPECT_NE(message("space: {}").find("names nothing"), std::string::npos);
  EXPECT_NE(message("space: {mode: {choice: [one, two]}}").find("not be comparable"), std::string::npos);
  EXPECT_TRUE(message("space: {train.warmup: {float: [0, 0.1]}}").empty());
}

TEST(Search, AWrittenSpaceReadsBackAndDiffersByItsFirstLine) {
  const Space all = space(kAll);
  EXPECT_EQ(space(all.yaml()).yaml(), all.yaml());
  const SearchConfig config;
  const std::filesystem::path file = std::filesystem::temp_directory_path() / ("hepar-search-" + std::to_string(::getpid()) + ".yaml");
  publish(file, search_yaml(config, all));
  EXPECT_EQ(first_difference(file, config, all), "");
  SearchConfig more = config;
  more.trials = 48;
  more.lease = 60;
  EXPECT_EQ(first_difference(file, more, all), "");
  SearchConfig fewer = config;
  fewer.trials = 3;
  EXPECT_NE(first_difference(file, fewer, all).find("none can be taken away"), std::string::npos);
  SearchConfig other = config;
  other.hold_out = {"C03"};
  EXPECT_EQ(first_difference(file, other, all), "hold_out was [] and is [C03]");
  EXPECT_NE(first_difference(file, config, space("space: {train.warmup: {float: [0, 0.1]}}")).find("the space had"), std::string::npos);
  std::filesystem::remove(file);
}

TEST(Search, MoreTrialsLeaveTheFirstAsTheyAre) {
  const Space all = space(kAll);
  SearchConfig few, many;
  few.trials = 7;
  many.trials = 40;
  const auto a = trials_of(few, all, 5), b = trials_of(many, all, 5);
  ASSERT_EQ(a.size(), 7u);
  ASSERT_EQ(b.size(), 40u);
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin()));
  EXPECT_NE(trials_of(few, all, 6), a);
}

}  // namespace
}  // namespace hepar::sweep
