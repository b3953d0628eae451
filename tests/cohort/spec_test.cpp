// SPDX-License-Identifier: Apache-2.0
// cohort.yaml: every wrong key, name and value is exit 2 with file:line and the nearest known name.
#include "tests/cohort/folder.hpp"

#include "data/cohort/availability.hpp"
#include "data/cohort/eligibility.hpp"

#include <gtest/gtest.h>

namespace hepar::test {
namespace {

struct Wrong {
  const char* yaml;   // follows "schema: hepar-cohort/1\npatients: patients.csv\n", so its first line is line 3
  const char* place;  // "cohort.yaml:3"
  const char* message;
};

class SchemaError : public testing::TestWithParam<Wrong> {};

TEST_P(SchemaError, IsUsageWithLineAndAdvice) {
  const Folder folder;
  folder.write("cohort.yaml", std::string("schema: hepar-cohort/1\npatients: patients.csv\n") + GetParam().yaml);
  expect_error([&] { (void)read_cohort_spec(folder.path() / "cohort.yaml"); }, ExitCode::usage, GetParam().place,
               GetParam().message);
}

constexpr Wrong kWrong[] = {
    {"colums: {}\n", "cohort.yaml:3", "did you mean 'columns'?"},
    {"columns:\n  age: {type: numbr, known: pre_op}\n", "cohort.yaml:4", "did you mean 'number'?"},
    {"columns:\n  age: {type: number, known: preop}\n", "cohort.yaml:4", "pre_op, post_op or 'day N'"},
    {"columns:\n  age: {type: number}\n", "cohort.yaml:4", "lacks the key 'known'"},
    {"columns:\n  age: {type: number, known: pre_op, units: years}\n", "cohort.yaml:4", "did you mean 'unit'?"},
    {"columns:\n  age: {type: number, known: pre_op, range: [120, 0]}\n", "cohort.yaml:4", "[low, high]"},
    {"columns:\n  age: {type: number, known: pre_op, range: [0, old]}\n", "cohort.yaml:4", "must be a number"},
    {"columns:\n  x: {type: number, known: pre_op, transform: log1p, range: [-5, 5]}\n", "cohort.yaml:4", "log1p"},
    {"columns:\n  afp: {type: number, unit: ng/mL, known: pre_op, units_by_centre: {A: mAU/mL}}\n", "cohort.yaml:4",
     "no conversion to 'ng/mL'"},
    {"columns:\n  b: {type: number, unit: umol/L, known: pre_op, units_by_centre: {A: mg/dL}}\n", "cohort.yaml:4",
     "molar_mass"},
    {"columns:\n  mvi: {type: category, known: pre_op}\n", "cohort.yaml:4", "values"},
    {"columns:\n  mvi: {type: category, values: [M0, M0], known: pre_op}\n", "cohort.yaml:4", "'M0' twice"},
    {"columns:\n  mvi: {type: category, values: [M0, M1], recode: {no: M9}, known: pre_op}\n", "cohort.yaml:4",
     "no declared value"},
    {"columns:\n  sex: {type: flag, unit: years, known: pre_op}\n", "cohort.yaml:4", "belongs to numbers only"},
    {"columns:\n  age: {type: number, values: [young, old], known: pre_op}\n", "cohort.yaml:4", "belongs to categories only"},
    {"columns:\n  a.b: {type: flag, known: pre_op}\n", "cohort.yaml:4", "no usable name"},
    {"columns:\n  and: {type: flag, known: pre_op}\n", "cohort.yaml:4", "word of the rules"},
    {"columns:\n  mvi: {type: category, values: [M0, M1], known: post_op, from: [table, reports.mvi]}\n",
     "cohort.yaml:4", "no fact of extraction"},
    {"columns:\n  size: {type: number, unit: ng/mL, known: post_op, from: [report.size_mm]}\nmodalities:\n  report: "
     "{kind: sequence, source: reports}\n",
     "cohort.yaml:4", "in 'mm'"},
    {"columns:\n  ct: {type: number, known: pre_op, from: radiomics.stat.mean}\n", "cohort.yaml:4",
     "without image and mask"},
    {"columns:\n  age: {type: flag, known: pre_op}\n  age: {type: flag, known: pre_op}\n", "cohort.yaml:5",
     "given twice"},
    {"modalities:\n  clinical: {kind: vektor, columns: [a]}\n", "cohort.yaml:4", "did you mean 'vector'?"},
    {"columns:\n  age: {type: flag, known: pre_op}\nmodalities:\n  clinical: {kind: vector, columns: [aeg]}\n",
     "cohort.yaml:6", "did you mean 'age'?"},
    {"modalities:\n  ct: {kind: volume, source: slides}\n", "cohort.yaml:4", "comes from imaging"},
    {"modalities:\n  ct: {kind: volume, source: imaging, grid: [0, 2, 2]}\n", "cohort.yaml:4", "three whole numbers"},
    {"modalities:\n  slide: {kind: bag, source: slides, tile: 1}\n", "cohort.yaml:4", "8 to 8192"},
    {"modalities:\n  patient: {kind: sequence, source: reports}\n", "cohort.yaml:4", "stores keep"},
    {"eligibility:\n  - {id: a, require: \"follow_up.complete\"}\n  - {id: a, require: \"follow_up.complete\"}\n",
     "cohort.yaml:5", "repeats the rule id"},
    {"eligibility:\n  - {id: a, require: \"folow_up.complete\"}\n", "cohort.yaml:4",
     "did you mean 'follow_up.complete'?"},
    {"eligibility:\n  - {id: a, require: \"follow_up.complete\", on_unknown: drop}\n", "cohort.yaml:4",
     "known: exclude, include, query"},
    {"readings:\n  b:\n    - {id: a, require: \"follow_up.complete and\"}\n", "cohort.yaml:5", "ends too early"},
    {"endpoints:\n  rfs: {events: [relapse], horizon_months: 36}\n", "cohort.yaml:4", "relapse"},
    {"endpoints:\n  rfs: {events: [recurrence], horizon_months: 36}\n", "cohort.yaml:4", "competing: [death]"},
    {"endpoints:\n  os: {time: t, event: e, horizon_months: 60}\n", "cohort.yaml:4", "lacks the key 'unit'"},
    {"endpoints:\n  os: {time: t, event: e, unit: month, horizon_months: 60}\n", "cohort.yaml:4",
     "did you mean 'months'?"},
    {"endpoints:\n  os: {events: [death], horizon_months: 60}\n", "cohort.yaml:4", "needs follow-up"},
    {"strategies: {window_days: [90, 14], arms: [surgery, tace]}\n", "cohort.yaml:3", "[first day, last day]"},
    {"strategies: {window_days: [14, 90], arms: [tace]}\n", "cohort.yaml:3", "start with surgery"},
    {"strategies: {window_days: [14, 90], arms: [surgery, tase]}\n", "cohort.yaml:3", "did you mean 'tace'?"},
    {"dates: european\n", "cohort.yaml:3", "strptime"},
    {"privacy: {pseudonymise: true}\n", "cohort.yaml:3", "without a key"},
    {"privacy: {pseudonymise: maybe}\n", "cohort.yaml:3", "true or false"},
    {"columns: [age\n", "cohort.yaml:", "not valid YAML"},
};
INSTANTIATE_TEST_SUITE_P(Keys, SchemaError, testing::ValuesIn(kWrong));

TEST(Schema, AnotherVersionAndAnAbsentFileAreUsageErrors) {
  const Folder folder;
  folder.write("cohort.yaml", "schema: hepar-cohort/2\npatients: p.csv\n");
  expect_error([&] { (void)folder.read(); }, ExitCode::usage, "cohort.yaml:1", "hepar-cohort/1");
  expect_error([&] { (void)read_cohort(folder.path() / "none.yaml"); }, ExitCode::usage, "none.yaml", "does not exist");
}

TEST(Schema, ShippedCohortsAreReadable) {
  for (const char* name : {"hcc_study", "tcga_lihc", "hcc_resection"}) {
    const CohortSpec spec =
        read_cohort_spec(std::filesystem::path(HEPAR_SOURCE_DIR) / "configs/cohort" / (std::string(name) + ".yaml"));
    EXPECT_FALSE(spec.columns.empty());
    EXPECT_GE(spec.readings.size(), 2u);
    EXPECT_EQ(spec.endpoints.size(), 3u);
  }
}

TEST(Schema, StudyDeclaresWhatTheRegistrationNames) {
  const CohortSpec spec = read_cohort_spec(std::filesystem::path(HEPAR_SOURCE_DIR) / "configs/cohort/hcc_study.yaml");
  for (const char* name : {"age", "sex", "hbsag", "cirrhosis", "afp", "pivka_ii", "tumour_size", "tumour_number",
                           "cnlc", "ajcc8", "bclc", "vascular_invasion", "differentiation", "mvi", "margin"})
    EXPECT_NE(spec.column(name), nullptr) << name;
  EXPECT_EQ(spec.endpoint("rfs")->horizon_months, 36);
  EXPECT_TRUE(spec.endpoint("recurrence")->death_competes);
  EXPECT_EQ(spec.endpoint("os")->horizon_months, 60);
  EXPECT_NE(spec.endpoint("rfs")->note.find("DFS"), std::string::npos);
  EXPECT_EQ(spec.strategies.arm_names(), (std::vector<std::string>{"surgery", "tace", "tace_systemic", "systemic"}));
  const auto text_of = [&](const std::string& reading, const std::string& id) {
    for (const RuleSpec& rule : rules_of_reading(spec, reading))
      if (rule.id == id) return rule.require;
    return std::string();
  };
  EXPECT_EQ(text_of("", "age"), "age >= 18 and age <= 75");
  EXPECT_EQ(text_of("age_no_upper_limit", "age"), "age > 18");
  EXPECT_EQ(text_of("age_no_upper_limit", "imaging"), text_of("", "imaging"));
  expect_error([&] { (void)rules_of_reading(spec, "age_no_uper_limit"); }, ExitCode::usage,
               "did you mean 'age_no_upper_limit'?");
}

TEST(Availability, OnlyWhatIsKnownThenEnters) {
  Folder folder;
  folder.yaml(
      "modalities:\n  clinical: {kind: vector, columns: [age, cirrhosis]}\n  late: {kind: vector, columns: "
      "[cirrhosis]}\n"
      "  report: {kind: sequence, source: reports}\n  ct: {kind: volume, source: imaging}\n");
  const CohortSpec spec = read_cohort_spec(folder.path() / "cohort.yaml");
  struct Row {
    const char* name;
    bool pre_op, post_op;
  };
  for (const Row& row :
       {Row{"age", true, true}, Row{"mvi", false, true}, Row{"cirrhosis", false, false}, Row{"report", false, true},
        Row{"ct", true, true}, Row{"clinical", true, true}, Row{"late", false, false}}) {
    EXPECT_EQ(known_by(spec, row.name, "pre_op"), row.pre_op) << row.name;
    EXPECT_EQ(known_by(spec, row.name, "post_op"), row.post_op) << row.name;
  }
  EXPECT_EQ(spec.column("cirrhosis")->known.text(), "day 3");
  expect_error([&] { (void)known_by(spec, "age", "postop"); }, ExitCode::usage, "did you mean 'post_op'?");
  expect_error([&] { (void)known_by(spec, "clinicl", "post_op"); }, ExitCode::usage, "did you mean 'clinical'?");
}

}  // namespace
}  // namespace hepar::test
