// SPDX-License-Identifier: Apache-2.0
// Defaults < --config files in order < --set < flags; everything unknown is refused with the nearest known name.
#include "tools/hepar/command_line.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace hepar::program {
namespace {

struct Values {
  double rate = 0.5;
  long long slots = 4;
  bool fresh = false;
  std::string out, mode = "reproducible";
  std::vector<std::string> endpoints{"all"};
};

class Grow : public Command {
 public:
  explicit Grow(Values& values) : v_(values) {}
  std::string_view name() const override { return "cohort grow"; }
  std::string_view summary() const override { return "a command of the test"; }
  std::string_view example() const override { return "hepar cohort grow --out o"; }
  std::string_view schema() const override { return "hepar-grow/1"; }
  std::string_view positional() const override { return takes_words ? "PATH…" : ""; }
  std::vector<Row> rows() override {
    return {required(row("out", v_.out, "where to")), row("fresh", v_.fresh, "start over"), row("train.learning_rate", v_.rate, {0, 1}, "", "step size"),
            row("train.slots_per_step", v_.slots, {1, 64}, "slots", "how many"), row("mode", v_.mode, {"reproducible", "native"}, "which"),
            row("endpoints", v_.endpoints, "which")};
  }
  void resolved(const std::vector<Row>& rows) override { last = rows; }
  ExitCode run(const Context&, const std::vector<std::string>&) override { return ExitCode::done; }

  bool takes_words = false;
  std::vector<Row> last;

 private:
  Values& v_;
};

class CommandLineTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = std::make_unique<Grow>(values_);
    grow_ = made.get();
    commands_.push_back(std::move(made));
    folder_ = std::filesystem::temp_directory_path() / ("hepar-line-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  CommandLine parse(std::vector<std::string> words) {
    words.insert(words.begin(), {"cohort", "grow"});
    return parse_command_line(words, commands_);
  }
  // The message of the usage error that these words give.
  std::string refusal(const std::vector<std::string>& words) {
    try {
      (void)parse(words);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      return error.what();
    }
    ADD_FAILURE() << "was accepted";
    return {};
  }
  void expect_refusal(const std::vector<std::string>& words, const std::string& part) {
    const std::string message = refusal(words);
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << "one line";
  }

  Values values_;
  Grow* grow_ = nullptr;
  Commands commands_;
  std::filesystem::path folder_;
};

TEST_F(CommandLineTest, DefaultsStandWhereNothingIsSaid) {
  const CommandLine line = parse({"--out", "o"});
  EXPECT_EQ(line.command, grow_);
  EXPECT_FALSE(line.configured || line.json || line.quiet);
  EXPECT_EQ(values_.rate, 0.5);
  EXPECT_EQ(grow_->last[2].origin, "default");
}

TEST_F(CommandLineTest, LaterSourcesWin) {
  const std::string first = file("a.yaml", "schema: hepar-grow/1\ntrain: {learning_rate: 0.1, slots_per_step: 8}\nmode: native\nendpoints: [rfs, os]\n");
  const std::string second = file("b.yaml", "train:\n  learning_rate: 0.2\n");
  parse({"--config", first, "--out", "o"});
  EXPECT_EQ(values_.rate, 0.1);
  parse({"--config", first, "--config", second, "--out", "o"});
  EXPECT_EQ(values_.rate, 0.2);
  EXPECT_EQ(values_.slots, 8);
  EXPECT_EQ(values_.endpoints, (std::vector<std::string>{"rfs", "os"}));
  EXPECT_EQ(grow_->last[2].origin, second + ":2");
  parse({"--set", "train.learning_rate=0.3", "--config", first, "--out", "o"});
  EXPECT_EQ(values_.rate, 0.3);
  parse({"--train.learning-rate=0.4", "--set", "train.learning_rate=0.3", "--config", first, "--out", "o"});
  EXPECT_EQ(values_.rate, 0.4);
  EXPECT_EQ(grow_->last[2].origin, "command line");
}

TEST_F(CommandLineTest, UnderscoreAndHyphenAreAlike) {
  parse({"--out", "o", "--train.slots_per_step", "6"});
  EXPECT_EQ(values_.slots, 6);
  parse({"--out", "o", "--train.slots-per-step", "7"});
  EXPECT_EQ(values_.slots, 7);
}

TEST_F(CommandLineTest, ASwitchTakesNoWordAfterIt) {
  grow_->takes_words = true;
  const CommandLine line = parse({"--fresh", "word", "--out", "o"});
  EXPECT_TRUE(values_.fresh);
  EXPECT_EQ(line.words, std::vector<std::string>{"word"});
  parse({"--fresh=false", "--out", "o"});
  EXPECT_FALSE(values_.fresh);
}

TEST_F(CommandLineTest, WhatIsUnknownIsNamedWithItsNeighbour) {
  expect_refusal({"--uot", "o"}, "unknown option '--uot'; did you mean '--out'?");
  expect_refusal({"--out", "o", "--set", "train.lerning_rate=1"}, "did you mean 'train.learning_rate'?");
  expect_refusal({"--out", "o", "--mode", "natve"}, "did you mean 'native'?");
  expect_refusal({"--out", "o", "word"}, "'word'");
  EXPECT_THROW((void)parse_command_line({"cohort", "grwo"}, commands_), Error);
  try {
    (void)parse_command_line({"cohort", "grwo"}, commands_);
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'cohort grow'?"), std::string::npos) << error.what();
  }
}

TEST_F(CommandLineTest, AFilesErrorsNameTheirLine) {
  const std::string unknown = file("u.yaml", "schema: hepar-grow/1\ntrain:\n  slots_per_stp: 3\n");
  expect_refusal({"--config", unknown, "--out", "o"}, unknown + ":3: unknown key 'train.slots_per_stp'");
  expect_refusal({"--config", file("m.yaml", "trian: {}\n"), "--out", "o"}, "unknown key 'trian'");
  expect_refusal({"--config", file("s.yaml", "schema: hepar-other/1\n"), "--out", "o"}, "hepar-grow/1");
  expect_refusal({"--config", file("t.yaml", "mode: native\nmode: native\n"), "--out", "o"}, "t.yaml:2: the key 'mode' is given twice");
  expect_refusal({"--config", file("r.yaml", "train: {slots_per_step: 65}\n"), "--out", "o"}, "give a whole number from 1 to 64");
  expect_refusal({"--config", (folder_ / "absent.yaml").string(), "--out", "o"}, "does not exist");
}

TEST_F(CommandLineTest, WrongValuesAreRefusedNotClipped) {
  expect_refusal({"--out", "o", "--train.learning-rate", "1.5"}, "from 0 to 1");
  expect_refusal({"--out", "o", "--train.slots-per-step", "2.5"}, "give a whole number");
  expect_refusal({"--out", "o", "--train.learning-rate", "nan"}, "give a number");
  expect_refusal({"--out", "o", "--fresh=yes"}, "true or false");
  expect_refusal({"--out", "o", "--set", "mode"}, "no assignment");
  expect_refusal({"--out", "o", "--out", "p"}, "more than once");
  expect_refusal({"--fresh"}, "needs --out");
  expect_refusal({"--out"}, "out");
}

TEST_F(CommandLineTest, HelpShowsEveryRowOnTwoScreens) {
  const CommandLine line = parse({"--help"});
  EXPECT_EQ(line.command, nullptr);
  for (const Row& row : grow_->rows()) {
    std::string flag = "--" + row.name;
    std::replace(flag.begin(), flag.end(), '_', '-');
    EXPECT_NE(line.text.find(flag), std::string::npos) << flag;
  }
  EXPECT_NE(line.text.find("default 0.5"), std::string::npos);
  EXPECT_NE(line.text.find("from 0 to 1"), std::string::npos);
  EXPECT_NE(line.text.find("required"), std::string::npos);
  EXPECT_NE(line.text.find("example: hepar cohort grow --out o"), std::string::npos);
  for (const std::vector<std::string>& words : {std::vector<std::string>{}, {"--help"}, {"--version"}, {"reference"}, {"completion", "bash"}})
    EXPECT_FALSE(parse_command_line(words, commands_).text.empty());
}

TEST(Help, ShowsTheOptionsOfTheCommandAndThenItsGroups) {
  Values values;
  Grow grow(values);
  const std::string text = help(grow);
  EXPECT_LT(text.find("--endpoints"), text.find("\ntrain:\n")) << text;
  EXPECT_EQ(text.find("\n:\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace hepar::program
