// SPDX-License-Identifier: Apache-2.0
// The lexicon and the way from text to its ids.
#include "data/reports/lexicon.hpp"
#include "data/reports/sequence.hpp"
#include "data/reports/tokens.hpp"

#include "data/base/text.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

namespace hepar::reports {
namespace {

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  for (const std::int32_t id : tokens_of(text)) out.emplace_back(lexicon()[static_cast<std::size_t>(id)]);
  return out;
}
using Words = std::vector<std::string>;

TEST(Lexicon, IsLargeUniqueAndInTheFormThatTextIsBroughtTo) {
  EXPECT_GE(lexicon().size(), 400u);
  EXPECT_EQ(lexicon()[0], "<other>");
  std::set<std::string_view> seen;
  for (const std::string_view term : lexicon()) {
    EXPECT_TRUE(seen.insert(term).second) << term << " stands twice";
    EXPECT_EQ(fold_case(nfkc(term)), term) << "would never be found";
    EXPECT_FALSE(term.empty());
  }
}

TEST(Lexicon, EveryTermFindsItself) {
  for (std::size_t id = 1; id < lexicon().size(); ++id)
    EXPECT_EQ(tokens_of(lexicon()[id]), (std::vector<std::int32_t>{static_cast<std::int32_t>(id)})) << lexicon()[id];
}

TEST(Tokens, ChineseTakesTheLongestTerm) {
  EXPECT_EQ(words("肝细胞癌"), (Words{"肝细胞癌"}));
  EXPECT_EQ(words("未见微血管侵犯及卫星结节"), (Words{"未见", "微血管侵犯", "及", "卫星结节"}));
  EXPECT_EQ(words("包膜不完整。"), (Words{"包膜不完整", "。"}));
}

TEST(Tokens, EnglishTakesWholeWordsWhateverTheirCase) {
  EXPECT_EQ(words("Moderately differentiated HEPATOCELLULAR carcinoma"), (Words{"moderately", "differentiated", "hepatocellular", "carcinoma"}));
  EXPECT_EQ(words("Ki-67"), (Words{"ki-67"}));
  EXPECT_EQ(words("inform"), (Words{"<other>"})) << "'in' and 'for' within a word are no words";
}

TEST(Tokens, FullWidthFormsAreTheSameText) {
  EXPECT_EQ(tokens_of("ＭＶＩ（Ｍ１），４．５ｃｍ"), tokens_of("MVI(M1),4.5cm"));
  EXPECT_EQ(words("Ⅱ"), (Words{"ii"}));
}

TEST(Tokens, NumbersAreDigitsSoThatNoIdentifierBecomesAWord) {
  EXPECT_EQ(words("45"), (Words{"4", "5"}));
  EXPECT_EQ(words("4.5"), (Words{"4", ".", "5"}));
}

TEST(Tokens, WhatIsNotInTheLexiconBecomesOneOther) {
  EXPECT_EQ(words("Zhangsan Lisi hospital liver"), (Words{"<other>", "liver"}));
  EXPECT_EQ(words("张三丰 肝癌"), (Words{"<other>", "肝癌"}));
}

TEST(Tokens, LanguageGoesByScript) {
  EXPECT_EQ(language_of("肝细胞癌，MVI M1，HCC"), "zh");
  EXPECT_EQ(language_of("Hepatocellular carcinoma (肝癌)"), "en");
}

class Reports : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / ("hepar_reports_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::create_directories(folder_);
    modality_.name = "report";
    modality_.kind = Kind::sequence;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  PatientRecord file(const std::string& bytes) {
    std::ofstream(folder_ / "r.txt", std::ios::binary) << bytes;
    PatientRecord patient;
    ReportRow row;
    row.path = folder_ / "r.txt";
    patient.reports.push_back(row);
    return patient;
  }
  static PatientRecord column(const std::vector<std::string>& texts) {
    PatientRecord patient;
    for (const std::string& text : texts) {
      ReportRow row;
      row.text = text;
      patient.reports.push_back(row);
    }
    return patient;
  }
  std::filesystem::path folder_;
  ModalitySpec modality_;
  Facts facts_;
};

TEST_F(Reports, EncodingsGiveTheSameSequence) {
  const Feature expected = read_sequence(column({"肝癌"}), modality_, facts_);
  ASSERT_TRUE(expected.present());
  const std::string utf16("\xff\xfe\x9d\x80\x4c\x76", 6);
  for (const std::string& bytes : {std::string("肝癌"), std::string("\xef\xbb\xbf肝癌"), std::string("\xb8\xce\xb0\xa9"), utf16})
    EXPECT_EQ(read_sequence(file(bytes), modality_, facts_).values, expected.values);
}

TEST_F(Reports, SeveralRowsFollowOneAnother) {
  const Feature both = read_sequence(column({"肝癌", "liver"}), modality_, facts_);
  EXPECT_EQ(both.items, 2);
  std::array<std::int32_t, 2> ids{};
  std::memcpy(ids.data(), both.values.data(), sizeof(ids));
  EXPECT_EQ(lexicon()[static_cast<std::size_t>(ids[0])], "肝癌");
  EXPECT_EQ(lexicon()[static_cast<std::size_t>(ids[1])], "liver");
}

TEST_F(Reports, EveryRefusalHasItsReason) {
  EXPECT_EQ(read_sequence({}, modality_, facts_).reason, Reason::not_recorded);
  EXPECT_EQ(read_sequence(column({" \n "}), modality_, facts_).reason, Reason::too_few);
  EXPECT_EQ(read_sequence(file(""), modality_, facts_).reason, Reason::too_few);
  EXPECT_EQ(read_sequence(file("\xff\xff\xff\x80\x00"), modality_, facts_).reason, Reason::unreadable);
  PatientRecord absent = file("x");
  absent.reports.front().path = folder_ / "absent.txt";
  EXPECT_EQ(read_sequence(absent, modality_, facts_).reason, Reason::missing_file);
}

TEST_F(Reports, WhatTheTextStatesBecomesFactsAndTwoReportsMayConflict) {
  (void)read_sequence(column({"肝细胞癌，低分化，MVI：M1。", "MVI：M2。"}), modality_, facts_);
  EXPECT_EQ(facts_.at("report.differentiation").text, "poor");
  EXPECT_EQ(facts_.at("report.differentiation").state, Fact::State::known);
  EXPECT_EQ(facts_.at("report.mvi").state, Fact::State::conflict);
  EXPECT_EQ(facts_.at("report.language").text, "zh");
  EXPECT_FALSE(facts_.contains("report.cirrhosis")) << "what is not stated is not a fact";
}

}  // namespace
}  // namespace hepar::reports
