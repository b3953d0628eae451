// SPDX-License-Identifier: Apache-2.0
#include "data/base/sealed.hpp"

#include "data/base/error.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace hepar {
namespace {

class Sealed : public testing::Test {
 protected:
  void SetUp() override { publish(path_, sealed(document_)); }
  void TearDown() override { fs::remove(path_); }
  std::string refusal(const std::string& text) const {
    publish(path_, text);
    try {
      (void)read_sealed(path_, "made-up/1", "make it again");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::store);
      return error.what();
    }
    return {};
  }
  const fs::path path_ = fs::path(testing::TempDir()) / "sealed_test.json";
  const nlohmann::ordered_json document_{{"schema", "made-up/1"}, {"third", 1.0 / 3}, {"large", 1e300}, {"none", std::nan("")}, {"name", "肝"}, {"list", {1, -2, 3u}}};
};

TEST_F(Sealed, ReadsBackWhatWasWrittenWithEitherIndent) {
  for (const int indent : {-1, 1, 4}) {
    publish(path_, sealed(document_, indent));
    const nlohmann::ordered_json read = read_sealed(path_, "made-up/1", "make it again");
    EXPECT_EQ(read.at("third").get<double>(), 1.0 / 3);
    EXPECT_EQ(read.dump(), document_.dump());
  }
}

TEST_F(Sealed, EveryChangedByteIsRefused) {
  const std::string text = sealed(document_, -1);
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {  // the last one ends the line
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(refusal(changed).empty()) << i << ": " << changed;
  }
}

TEST_F(Sealed, SaysWhatIsWrong) {
  EXPECT_NE(refusal("{\"schema\": \"made-up/2\"}").find("another schema version: made-up/2 (this program reads made-up/1); make it again"), std::string::npos);
  EXPECT_NE(refusal("{\"schema\": \"made-up/1\"}").find("content_sha256 differs"), std::string::npos);
  EXPECT_NE(refusal("[1, 2]").find("no JSON document"), std::string::npos);
  EXPECT_NE(refusal("half a li").find("no JSON document"), std::string::npos);
}

}  // namespace
}  // namespace hepar
