// SPDX-License-Identifier: Apache-2.0
#include "data/base/yaml.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace hepar {
namespace {

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    return error.what();
  }
  return "accepted";
}

TEST(Yaml, GivesValuesInDocumentOrder) {
  const Yaml yaml = Yaml::parse("z: 1\na: {x: 2.5, flag: true}\nlist: [a, 'b c', 3]\nnothing: null\nquoted: 'null'\n", "f.yaml");
  EXPECT_EQ(yaml.items().front().first, "z");
  EXPECT_EQ(yaml.at("z").integer(), 1);
  EXPECT_EQ(yaml.at("a").at("x").number(), 2.5);
  EXPECT_TRUE(yaml.at("a").at("flag").flag());
  EXPECT_EQ(yaml.at("list").texts(), (std::vector<std::string>{"a", "b c", "3"}));
  EXPECT_EQ(yaml.at("z").texts(), std::vector<std::string>{"1"});
  EXPECT_TRUE(yaml.at("nothing").is_null());
  EXPECT_EQ(yaml.at("quoted").text(), "null");
  EXPECT_FALSE(yaml.find("absent"));
  EXPECT_EQ(yaml.at("a").at("x").key(), "a.x");
}

TEST(Yaml, ErrorsNameFileLineAndKey) {
  const Yaml yaml = Yaml::parse("a:\n  n: x1\n  f: yes\n  l:\n    - 1\n    - b\n", "f.yaml");
  EXPECT_EQ(refusal([&] { (void)yaml.at("a").at("n").number(); }), "f.yaml:2: 'a.n' must be a number, not 'x1'");
  EXPECT_EQ(refusal([&] { (void)yaml.at("a").at("f").flag(); }), "f.yaml:3: 'a.f' must be true or false, not 'yes'");
  EXPECT_EQ(refusal([&] { (void)yaml.at("a").at("l").numbers(); }), "f.yaml:6: 'a.l[1]' must be a number, not 'b'");
  EXPECT_EQ(refusal([&] { (void)yaml.at("a").text(); }), "f.yaml:2: 'a' must be one value");
  EXPECT_NE(refusal([&] { (void)yaml.at("a").at("l").items(); }).find("f.yaml:5: 'a.l' is a list where named entries are expected"), std::string::npos);
  EXPECT_NE(refusal([&] { (void)yaml.at("a").at("n").items(); }).find("'a.n' is 'x1' where named entries are expected"), std::string::npos);
  EXPECT_NE(refusal([&] { (void)yaml.at("a").at("m"); }).find("'a' lacks the key 'm'"), std::string::npos);
  EXPECT_NE(refusal([&] { yaml.at("a").allow({"n", "f", "list"}); }).find("f.yaml:5: unknown key 'a.l'"), std::string::npos);
}

TEST(Yaml, RefusesWhatYamlCppLetsPass) {
  EXPECT_NE(refusal([] { (void)Yaml::parse("a: 1\nb:\n  c: 1\n  c: 2\n", "f.yaml"); }).find("f.yaml:4: the key 'b.c' is given twice"), std::string::npos);
  EXPECT_NE(refusal([] { (void)Yaml::parse("a: &x [*x]\n", "f.yaml"); }).find("f.yaml:1"), std::string::npos);
  EXPECT_NE(refusal([] { (void)Yaml::parse("a: [1, 2\nb: 3\n", "f.yaml"); }).find("is not valid YAML"), std::string::npos);
  EXPECT_NE(refusal([] { (void)Yaml::parse("[a]: 1\n", "f.yaml"); }).find("plain text"), std::string::npos);
  EXPECT_NE(refusal([] { (void)Yaml::read("absent.yaml"); }).find("absent.yaml: does not exist"), std::string::npos);
}

TEST(Yaml, AliasesOfAliasesEndBeforeMemoryDoes) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 10; ++level) {
    const std::string name = "a" + std::to_string(level), below = "*a" + std::to_string(level - 1);
    text += name + ": &" + name + " [" + below;
    for (int copy = 1; copy < 10; ++copy) text += ", " + below;
    text += "]\n";
  }
  EXPECT_NE(refusal([&] { (void)Yaml::parse(text, "f.yaml"); }).find("do aliases repeat aliases?"), std::string::npos);
}

TEST(Yaml, AnEmptyDocumentHasNoKeys) {
  EXPECT_TRUE(Yaml::parse("", "f.yaml").items().empty());
  EXPECT_FALSE(Yaml::parse("# only a remark\n", "f.yaml").has("a"));
}

}  // namespace
}  // namespace hepar
