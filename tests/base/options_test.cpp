// SPDX-License-Identifier: Apache-2.0
#include "data/base/options.hpp"

#include <gtest/gtest.h>

namespace hepar {
namespace {

struct Options {
  double rate = 1e-3, share = 0.1;
  long long steps = 100;
  bool fresh = false;
  std::string text = "plain", mode = "a";
  std::vector<std::string> names{"x"};

  // `train` stands in two places on purpose.
  std::vector<Row> rows() {
    return {row("train.rate", rate, {0, 1}, "", "…"), row("share", share, {0, 1}, "", "…"), row("train.steps", steps, {1, 1e6}, "steps", "…"),
            row("train.deep.fresh", fresh, "…"), row("text", text, "…"), row("mode", mode, {"a", "b"}, "…"), row("names", names, "…")};
  }
};

TEST(Options, TheResolvedConfigurationReadsBackAsItself) {
  for (const std::string& text : {std::string("plain"), std::string(""), std::string("a: b # c"), std::string("tab\there \"q\" \\ line\nnext"), std::string("null"), std::string("-x"), std::string("肝 ")}) {
    Options written;
    written.rate = 0.1 + 0.2;
    written.steps = 7;
    written.fresh = true;
    written.text = text;
    written.mode = "b";
    written.names = {"rfs", "with, comma", "", text};
    const std::string yaml = resolved_yaml(written.rows());
    Options read;
    std::vector<Row> rows = read.rows();
    hepar::apply(Yaml::parse(yaml, "config.yaml"), rows);
    EXPECT_EQ(resolved_yaml(rows), yaml);
    EXPECT_EQ(read.rate, 0.1 + 0.2);
    EXPECT_EQ(read.text, text) << yaml;
    EXPECT_EQ(read.names, written.names) << yaml;
    EXPECT_TRUE(read.fresh);
  }
}

TEST(Options, EveryValueSaysWhereItCameFrom) {
  Options options;
  std::vector<Row> rows = options.rows();
  hepar::apply(Yaml::parse("train:\n  rate: 0.5\n", "e.yaml"), rows);
  apply_assignment("share = 0.25", rows);
  EXPECT_EQ(rows[0].origin, "e.yaml:2");
  EXPECT_EQ(rows[1].origin, "--set");
  EXPECT_EQ(rows[2].origin, "default");
  EXPECT_EQ(options.share, 0.25);
}

TEST(Options, ListsAreWrittenInYamlAndInAssignments) {
  Options options;
  std::vector<Row> rows = options.rows();
  apply_assignment("names=[a, b]", rows);
  EXPECT_EQ(options.names, (std::vector<std::string>{"a", "b"}));
  apply_assignment("names=a,b,c", rows);
  EXPECT_EQ(options.names.size(), 3U);
  apply_assignment("names=[]", rows);
  EXPECT_TRUE(options.names.empty());
  hepar::apply(Yaml::parse("names: one", "e.yaml"), rows);
  EXPECT_EQ(options.names, std::vector<std::string>{"one"});
}

TEST(Options, NothingIsClippedAndNothingUnknownPasses) {
  Options options;
  std::vector<Row> rows = options.rows();
  for (const char* text : {"train: {rate: 2}", "train: {steps: 1.5}", "train: {steps: 0}", "train: 3", "train: [1]", "mode: c", "share: [1]", "share:", "unknown: {}", "train: {rat: 1}",
                           "train: {deep: {fresh: 1}}", "text: {a: b}"}) {
    try {
      hepar::apply(Yaml::parse(text, "e.yaml"), rows);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      EXPECT_EQ(std::string(error.what()).substr(0, 8), "e.yaml:1") << error.what();
    }
  }
  EXPECT_EQ(resolved_yaml(options.rows()), resolved_yaml(Options().rows()));
  const auto said = [&](const auto& action) {
    try {
      action();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_NE(said([&] { apply_assignment("train=5", rows); }).find("'train' is a group of keys and takes no value '5'; give one of train."), std::string::npos);
  EXPECT_NE(said([&] { hepar::apply(Yaml::parse("train: 5", "e.yaml"), rows); }).find("e.yaml:1: 'train' is a group of keys and takes no value '5'; give one of train."), std::string::npos);
  EXPECT_NO_THROW(hepar::apply(Yaml::parse("schema: x/1\nshare: 1", "e.yaml"), rows, {"schema"}));
}

}  // namespace
}  // namespace hepar
