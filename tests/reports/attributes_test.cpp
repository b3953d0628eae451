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
            (Values{{"diagnosis", "HCC"},
                    {"differentiation", "poor"},
                    {"edmondson", "III-IV"},
                    {"size_mm", "65"},
                    {"capsule", "incomplete"},
                    {"mvi", "M2"},
                    {"margin", "negative"},
                    {"margin_mm", "8"}}));
}

TEST(Attributes, DoubtIsNoDenialAndADenialSpansAnEnumeration) {
  EXPECT_EQ(stated("癌旁肝组织不除外早期肝硬化；未见卫星灶及胆管癌栓。"),
            (Values{{"cirrhosis", "uncertain"}, {"satellite", "absent"}, {"bile_duct_thrombus", "absent"}}));
  EXPECT_EQ(stated("未见脉管内癌栓（MVI分级：M0级）及卫星子灶形成。"), (Values{{"mvi", "M0"}, {"satellite", "absent"}}));
}

TEST(Attributes, AnEnglishDiagnosis) {
  EXPECT_EQ(stated("HCC, 2 foci, largest 27 mm. No microvascular invasion. Margin 5 mm, clear."),
            (Values{{"diagnosis", "HCC"}, {"number", "2"}, {"size_mm", "27"}, {"mvi", "M0"}, {"margin", "negative"}, {"margin_mm", "5"}}));
  EXPECT_EQ(
      stated("Hepatocellular carcinoma, moderately differentiated, measuring 4.5 x 4.0 x 3.0 cm, solitary. Satellite nodules are present. Resection margin "
             "involved by carcinoma."),
      (Values{{"diagnosis", "HCC"}, {"differentiation", "moderate"}, {"size_mm", "45"}, {"number", "1"}, {"satellite", "present"}, {"margin", "positive"}}));
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

TEST(Attributes, ADenialSpansAnEnumerationAndStopsWhereTheReportAffirms) {
  EXPECT_EQ(stated("未见卫星灶、胆管癌栓，亦无神经束受侵。"), (Values{{"satellite", "absent"}, {"bile_duct_thrombus", "absent"}, {"nerve", "absent"}}));
  EXPECT_EQ(stated("No portal vein thrombus, satellite nodules or perineural invasion."),
            (Values{{"macrovascular", "absent"}, {"satellite", "absent"}, {"nerve", "absent"}}));
  EXPECT_EQ(stated("Portal vein invasion, microvessel invasion, and satellite nodules are absent."),
            (Values{{"macrovascular", "absent"}, {"mvi", "M0"}, {"satellite", "absent"}}));
  EXPECT_EQ(stated("未见微血管侵犯，周围肝组织呈结节性肝硬化改变。"), (Values{{"mvi", "M0"}, {"cirrhosis", "present"}}));
  EXPECT_EQ(stated("No microvascular invasion, but satellite nodules are present."), (Values{{"mvi", "M0"}, {"satellite", "present"}}));
}

TEST(Attributes, NotStatedIsNotAbsent) {
  for (const char* text : {"卫星结节：", "卫星结节：___", "神经侵犯：未知", "Satellite nodules: not applicable", "MVI：M__", "既往肝硬化病史10年。",
                           "请注意有无微血管侵犯。", "淋巴细胞浸润。"})
    EXPECT_EQ(stated(text), Values{}) << text;
}

TEST(Attributes, FieldsOfAFormStandForThemselves) {
  EXPECT_EQ(stated("卫星灶:无  胆管癌栓:有 周围神经侵犯:可疑"), (Values{{"satellite", "absent"}, {"bile_duct_thrombus", "present"}, {"nerve", "uncertain"}}));
  EXPECT_EQ(stated("MVI：□M0 ☑M1 □M2").at("mvi"), "M1");
  EXPECT_EQ(stated("MVI：M0（ ） M1（ ） M2（√）").at("mvi"), "M2");
}

TEST(Attributes, EdmondsonGradesInEverySpelling) {
  for (const char* text :
       {"Edmondson-Steiner Ⅱ-Ⅲ级", "E-S 2~3级", "爱氏分级：Ⅱ～Ⅲ级", "Edmondson grade II/III", "肝细胞癌（II-III级，梁索型）", "Edmondson-Steiner grade 2 to 3"})
    EXPECT_EQ(stated(text)["edmondson"], "II-III") << text;
  EXPECT_EQ(stated("Hepatocellular carcinoma, Edmondson-Steiner grade III.").at("edmondson"), "III");
  EXPECT_EQ(stated("肝炎程度G2，纤维化Ⅲ期。").count("edmondson"), 0u);
}

TEST(Attributes, DistancesFromTheMarginAreNoSizes) {
  EXPECT_EQ(stated("肿瘤直径3cm，距切缘最近1.2cm。"), (Values{{"size_mm", "30"}, {"margin_mm", "12"}}));
  EXPECT_EQ(stated("切缘距肿瘤<1mm。").at("margin_mm"), "1");
  EXPECT_EQ(stated("The tumor is 8 mm from the margin."), (Values{{"margin_mm", "8"}}));
  EXPECT_EQ(stated("切除面:未有癌,距肿瘤最近距离2.5cm"), (Values{{"margin", "negative"}, {"margin_mm", "25"}}));
}

TEST(Attributes, MarkersByTheValueBesideBehindOrBeforeThem) {
  EXPECT_EQ(stated("免疫组化：Hepatocyte(+)，GPC-3(灶+)，CK19(-)，Arg-1(弱+)，Ki-67(+，约20-30%)。"),
            (Values{{"ihc.HepPar-1", "positive"}, {"ihc.GPC3", "focal"}, {"ihc.CK19", "negative"}, {"ihc.Arginase-1", "weak"}, {"ihc.Ki-67_pct", "30"}}));
  EXPECT_EQ(stated("Tumor cells are positive for HepPar-1, arginase-1 and glypican-3, and negative for CK7 and CK19. Ki-67 index 20-30%."),
            (Values{{"ihc.HepPar-1", "positive"},
                    {"ihc.Arginase-1", "positive"},
                    {"ihc.GPC3", "positive"},
                    {"ihc.CK7", "negative"},
                    {"ihc.CK19", "negative"},
                    {"ihc.Ki-67_pct", "30"}}));
  EXPECT_EQ(stated("CK7、CK19均阴性，GS阳性。"), (Values{{"ihc.CK7", "negative"}, {"ihc.CK19", "negative"}, {"ihc.GS", "positive"}}));
}

TEST(Attributes, LymphNodesAreSummedOverGroups) {
  EXPECT_EQ(stated("第8组淋巴结1/4见癌转移，第12组0/3。"), (Values{{"lymph_node", "positive"}, {"nodes_positive", "1"}, {"nodes_examined", "7"}}));
  EXPECT_EQ(stated("2 of 5 lymph nodes positive for carcinoma."), (Values{{"lymph_node", "positive"}, {"nodes_positive", "2"}, {"nodes_examined", "5"}}));
  EXPECT_EQ(stated("No lymph nodes submitted."), (Values{{"lymph_node", "not_submitted"}}));
}

TEST(Attributes, StagesOfFibrosisSayWhetherThereIsCirrhosis) {
  EXPECT_EQ(stated("Clinical history: cirrhosis on ultrasound. Background liver: F1 fibrosis only."), (Values{{"cirrhosis", "absent"}}));
  EXPECT_EQ(stated("慢性肝炎（G2S4）。"), (Values{{"cirrhosis", "present"}}));
  EXPECT_EQ(stated("肝纤维化Ⅱ期。"), (Values{{"cirrhosis", "absent"}}));
  EXPECT_EQ(stated("可见假小叶形成。"), (Values{{"cirrhosis", "present"}}));
}

TEST(Attributes, CountsAndDistancesGiveAGradeOfMviWhereNoneIsWritten) {
  EXPECT_EQ(stated("可见微血管侵犯，共8处。").at("mvi"), "M2");
  EXPECT_EQ(stated("Microvascular invasion present in 3 vessels, all within 1 cm of the tumor.").at("mvi"), "M1");
  EXPECT_EQ(stated("MVI(+)").at("mvi"), "positive");
}

TEST(Attributes, TheTypeOfTumour) {
  EXPECT_EQ(stated("Intrahepatic cholangiocarcinoma rather than hepatocellular carcinoma.").at("diagnosis"), "ICC");
  EXPECT_EQ(stated("混合型肝细胞癌-胆管癌。").at("diagnosis"), "cHCC-CCA");
  EXPECT_EQ(stated("考虑为肝细胞癌。").at("diagnosis"), "uncertain");
}

TEST(Attributes, TraditionalCharactersAndBrokenLines) {
  EXPECT_EQ(stated("肝細胞癌，門靜脈癌栓，未見衛星結節。"), (Values{{"diagnosis", "HCC"}, {"macrovascular", "present"}, {"satellite", "absent"}}));
  EXPECT_EQ(stated("未见微血管侵\n犯，切缘\n阴性。").at("mvi"), "M0");
}

TEST(Attributes, OptionsWithoutATickSayNothing) {
  for (const char* text : {"卫星结节：□有 □无 □可疑", "Perineural invasion: [ ] present [ ] absent", "Satellite nodules: ___ no ___ yes", "神经侵犯：有□ 无□"})
    EXPECT_EQ(stated(text), Values{}) << text;
  EXPECT_EQ(stated("Perineural invasion: [ ] present [x] absent"), (Values{{"nerve", "absent"}}));
}

TEST(Attributes, OthersAndEarlierSpecimensAreNotThePatientsSpecimen) {
  for (const char* text : {"家族史：母亲患肝细胞癌。", "Her brother has cirrhosis.", "Cirrhosis as per request form.",
                           "Prior biopsy: hepatocellular carcinoma, Edmondson grade II.", "既往活检：中分化肝细胞癌，Edmondson Ⅱ级。", "MRI: 5.1 cm lesion.",
                           "术中所见：左肝肿物约8cm。", "Please comment on microvascular invasion."})
    EXPECT_EQ(stated(text), Values{}) << text;
}

TEST(Attributes, TheCapsuleIsTheTumours) {
  for (const char* text : {"The splenic capsule is torn.", "脾包膜完整。", "淋巴结2枚，包膜完整。"}) EXPECT_EQ(stated(text).count("capsule"), 0u) << text;
  EXPECT_EQ(stated("肿瘤有包膜，局部被肿瘤组织突破。").at("capsule"), "incomplete");
  EXPECT_EQ(stated("The fibrous capsule is interrupted anteriorly.").at("capsule"), "incomplete");
  EXPECT_EQ(stated("包膜：有，不完整。").at("capsule"), "incomplete");
  EXPECT_EQ(stated("Capsule: present, intact.").at("capsule"), "complete");
}

TEST(Attributes, WhatACorrectionTakesBackDoesNotCount) {
  EXPECT_EQ(stated("Diagnosis changed from cholangiocarcinoma to hepatocellular carcinoma.").at("diagnosis"), "HCC");
  EXPECT_EQ(stated("补充：原报告所述卫星结节为血管瘤，卫星结节更正为无。").at("satellite"), "absent");
  EXPECT_EQ(stated("MVI：M1。补充报告：再取材后更正为M2级。").at("mvi"), "M2");
}

TEST(Attributes, MarginsOfTwoStructuresDoNotContradictEachOther) {
  EXPECT_EQ(stated("肝切缘（-），胆管切缘（+）。").at("margin"), "positive");
  EXPECT_EQ(stated("切缘阴性。切缘阳性。").at("margin"), "conflict");
  EXPECT_EQ(stated("切缘不干净。").at("margin"), "positive");
}

TEST(Attributes, TheDistanceOfMviGradesIt) {
  EXPECT_EQ(stated("可见MVI，距肿瘤1.5cm。").at("mvi"), "M2");
  EXPECT_EQ(stated("MVI is present in one vessel, 4 mm from the tumour.").at("mvi"), "M1");
  EXPECT_EQ(stated("MVI present in 3 vessels, none beyond 1 cm.").at("mvi"), "M1");
}

TEST(Attributes, NumbersOfTumours) {
  EXPECT_EQ(stated("切面见一灰黄色肿物，大小3×2×2cm。").at("number"), "1");
  EXPECT_EQ(stated("Tumour 1: 3 cm. Tumour 2: 2 cm.").at("number"), "2");
  EXPECT_EQ(stated("More than 6 nodules, the largest 4 cm.").at("number"), "multiple");
  EXPECT_EQ(stated("MVI in two foci.").count("number"), 0u);
  EXPECT_EQ(stated("Tumour size (mm): 37").at("size_mm"), "37");
  EXPECT_EQ(stated("Two nodules of 9, 22 and 14 mm.").at("size_mm"), "22");
}

TEST(Attributes, ADeniedDifferentiationIsNotTheGrade) {
  EXPECT_EQ(stated("HCC, not poorly differentiated but moderately differentiated.").at("differentiation"), "moderate");
  EXPECT_EQ(stated("分化程度无法评估。").at("differentiation"), "uncertain");
  EXPECT_EQ(stated("肝细胞癌，Edmondson-SteinerⅢ级。").at("edmondson"), "III");
}

TEST(Attributes, AnyBytesAreSurvived) {
  EXPECT_EQ(stated(""), Values{});
  for (const std::string_view text : {"MVI", "大小", "大小4", "necrosis %", "切缘", "\xe5", "大小\xff 4cm", "MVI：M__"})
    EXPECT_NO_THROW((void)attributes_of(text)) << text;
}

}  // namespace
}  // namespace hepar::reports
