// SPDX-License-Identifier: Apache-2.0
// What a report states: written reports with the values a reader gives them. What is not stated must not appear.
#include "data/reports/attributes.hpp"

#include <gtest/gtest.h>

#include <map>

namespace hepar::reports {
namespace {

using Values = std::map<std::string, std::string>;
Values stated(std::string_view text) {
  Values values;
  for (const Attribute& attribute : attributes_of(text)) values[attribute.name] = attribute.value;
  return values;
}

TEST(Attributes, AChineseDiagnosis) {
  EXPECT_EQ(stated("（右肝）肝细胞癌，低分化，E-S Ⅲ～Ⅳ级，大小6.5×5×4.8cm，包膜不完整，MVI（M2），切缘未见癌，距切缘最近0.8cm。"),
            (Values{{"differentiation", "poor"}, {"size_mm", "65"}, {"capsule", "incomplete"}, {"mvi", "M2"}, {"margin", "negative"}}));
}

TEST(Attributes, DoubtIsNoDenialAndADenialSpansAnEnumeration) {
  EXPECT_EQ(stated("癌旁肝组织不除外早期肝硬化；未见卫星灶及胆管癌栓。"), (Values{{"cirrhosis", "uncertain"}, {"satellite", "absent"}}));
  EXPECT_EQ(stated("未见脉管内癌栓（MVI分级：M0级）及卫星子灶形成。"), (Values{{"mvi", "M0"}, {"satellite", "absent"}}));
}

TEST(Attributes, AnEnglishDiagnosis) {
  EXPECT_EQ(stated("HCC, 2 foci, largest 27 mm. No microvascular invasion. Margin 5 mm, clear."), (Values{{"number", "2"}, {"size_mm", "27"}, {"mvi", "M0"}, {"margin", "negative"}}));
  EXPECT_EQ(stated("Hepatocellular carcinoma, moderately differentiated, measuring 4.5 x 4.0 x 3.0 cm, solitary. Satellite nodules are present. Resection margin involved by carcinoma."),
            (Values{{"differentiation", "moderate"}, {"size_mm", "45"}, {"number", "1"}, {"satellite", "present"}, {"margin", "positive"}}));
}

TEST(Attributes, HistoryIsNotTheSpecimen) { EXPECT_EQ(stated("Clinical history: cirrhosis on ultrasound."), Values{}); }

TEST(Attributes, PresentWithoutAGradeIsPositive) { EXPECT_EQ(stated("可见微血管侵犯。").at("mvi"), "positive"); }

TEST(Attributes, TwoGradesConflictUnlessOneCorrects) {
  EXPECT_EQ(stated("MVI：M1。镜下MVI：M2。").at("mvi"), "conflict");
  EXPECT_EQ(stated("MVI：M1。补充报告：MVI：M2。").at("mvi"), "M2");
}

TEST(Attributes, WordsWithinWordsDoNotCount) {
  EXPECT_EQ(stated("Unencapsulated tumor.").at("capsule"), "absent");
  EXPECT_EQ(stated("Margins uninvolved.").at("margin"), "negative");
}

TEST(Attributes, FullWidthDigitsAndUnitsAreRead) { EXPECT_EQ(stated("肿瘤直径约３２ｍｍ。").at("size_mm"), "32"); }

TEST(Attributes, TheSpecimensSizeIsNotTheTumours) { EXPECT_EQ(stated("肝组织一块，大小12×9×6cm。肿瘤大小3×2×2cm。").at("size_mm"), "30"); }

TEST(Attributes, NecrosisInPerCent) {
  EXPECT_EQ(stated("灶性坏死，约10%。").at("necrosis_pct"), "10");
  EXPECT_EQ(stated("Diffuse necrosis, about 40%.").at("necrosis_pct"), "40");
}

TEST(Attributes, TheOffsetsPointIntoTheTextAsWritten) {
  // In characters: full-width forms and wide letters count one each.
  const std::vector<Attribute> found = attributes_of("（右肝）癌，ＭＶＩ：Ｍ１。");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].start, 6u);
  EXPECT_EQ(found[0].end, 12u);
  EXPECT_EQ(found[0].text, "ＭＶＩ：Ｍ１");
}

TEST(Attributes, AnyBytesAreSurvived) {
  EXPECT_EQ(stated(""), Values{});
  for (const std::string_view text : {"MVI", "大小", "大小4", "necrosis %", "切缘", "\xe5", "大小\xff 4cm", "MVI：M__"}) EXPECT_NO_THROW((void)attributes_of(text)) << text;
}

}  // namespace
}  // namespace hepar::reports
