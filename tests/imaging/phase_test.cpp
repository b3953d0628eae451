// SPDX-License-Identifier: Apache-2.0
// Which phase a series shows, as radiographers write it, and what decides when nobody wrote it.
#include "data/imaging/phase.hpp"

#include <gtest/gtest.h>

namespace hepar::imaging {
namespace {

struct Case {
  const char *text, *phase;
  bool mr;
};

TEST(Phases, AreReadFromDescriptions) {
  for (const Case& one : std::vector<Case>{{"Abd 5.0 B30f late arterial", "arterial", false},
                                           {"LATE", "delayed", false},
                                           {"ART Phase 1.25mm", "arterial", false},
                                           {"上腹部增强 动脉晚期", "arterial", false},
                                           {"门脉期 1mm", "portal", false},
                                           {"静脉期", "portal", false},
                                           {"Ｖ期", "portal", false},
                                           {"PORTAL_VENOUS", "portal", false},
                                           {"PVP", "portal", false},
                                           {"平衡期", "delayed", false},
                                           {"延迟期3min", "delayed", false},
                                           {"3 min delay", "delayed", false},
                                           {"上腹部平扫", "plain", false},
                                           {"NON-CONTRAST", "plain", false},
                                           {"Abdomen C-", "plain", false},
                                           {"pre contrast", "plain", false},
                                           {"HBP 20min", "hepatobiliary", true},
                                           {"肝胆特异期", "hepatobiliary", true},
                                           {"t1_vibe_dixon_arterial", "arterial", true},
                                           {"T2 BLADE fs tra", "t2", true},
                                           {"ep2d_DWI b800", "dwi", true},
                                           {"ADC (10^-6 mm2/s)", "adc", true},
                                           {"CT abdomen 5.0", "", false},
                                           {"动脉期+门脉期", "", false},
                                           {"Partial liver", "", false},
                                           {"Department", "", false},
                                           {"C-spine", "", false},
                                           {"Nativity scene C+", "", false},
                                           {"T2 of CT", "", false}})
    EXPECT_EQ(phase_by_description(one.text, one.mr).name, one.phase) << one.text;
  EXPECT_EQ(phase_by_description("动脉期 张三", false).rule, "description: 动脉期") << "the rule names the word, never the text";
}

TEST(Phases, AreReadFromTheTimeSinceTheInjection) {
  EXPECT_EQ(phase_by_timing(-30, false).name, "plain");
  EXPECT_EQ(phase_by_timing(31, false).name, "arterial");
  EXPECT_EQ(phase_by_timing(31, false).rule, "timing: 31 s after injection");
  EXPECT_EQ(phase_by_timing(70, false).name, "portal");
  EXPECT_EQ(phase_by_timing(180, false).name, "delayed");
  EXPECT_EQ(phase_by_timing(1200, true).name, "hepatobiliary");
  EXPECT_EQ(phase_by_timing(1200, false).name, "");
  EXPECT_EQ(phase_by_timing(5, false).name, "") << "too early for any phase";
}

PhaseEvidence scan(double at, bool contrast, const std::string& description = "", const std::string& study = "A") {
  return {study, "CT", description, contrast, at, std::nullopt};
}

TEST(Phases, FollowTheOrderOfContrastScansOnlyWhereNothingElseIsKnown) {
  const std::vector<Phase> ordered = phases_of({scan(300, true), scan(100, false), scan(200, true), scan(240, true), scan(241, true)});
  EXPECT_EQ(ordered[1].name, "plain");
  EXPECT_EQ(ordered[2].name, "arterial");
  EXPECT_EQ(ordered[3].name, "portal");
  EXPECT_EQ(ordered[4].name, "portal") << "a second reconstruction of the same scan";
  EXPECT_EQ(ordered[0].name, "delayed");
  EXPECT_EQ(ordered[0].rule, "order: 3 of 3 contrast scans");
  EXPECT_EQ(phases_of({scan(200, true), scan(100, false)})[0].name, "") << "one contrast scan can be any phase";
  const std::vector<Phase> mixed = phases_of({scan(200, true, "portal"), scan(300, true)});
  EXPECT_EQ(mixed[1].name, "") << "a known phase is not counted over";
  EXPECT_EQ(phases_of({scan(200, true), scan(300, true, "", "B")})[0].name, "") << "another study is another injection";
  PhaseEvidence night = scan(20, true);
  night.injected_s = 86390;
  EXPECT_EQ(phases_of({night})[0].name, "arterial") << "over midnight";
}

}  // namespace
}  // namespace hepar::imaging
