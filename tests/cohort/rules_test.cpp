// SPDX-License-Identifier: Apache-2.0
// Eligibility: Kleene's tables, the language of the rules, and a flow in which everybody is counted once.
#include "tests/cohort/folder.hpp"

#include "data/base/random.hpp"
#include "data/base/text.hpp"
#include "data/cohort/eligibility.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <map>
#include <numeric>
#include <set>

namespace hepar::test {
namespace {

constexpr Truth kNo = Truth::no, kYes = Truth::yes, kUnknown = Truth::unknown, kPending = Truth::pending;

// A patient whose flags t, f, u are true, false and unknown; `slide.readable` is pending without facts.
struct Scene {
  CohortSpec spec;
  PatientRecord patient;
  Scene() {
    for (const char* name : {"t", "f", "u"}) {
      ColumnSpec column;
      column.name = column.source_column = name;
      column.type = ColumnType::flag;
      spec.columns.push_back(column);
    }
    ColumnSpec age;
    age.name = "age";
    ColumnSpec stage;
    stage.name = "stage";
    stage.type = ColumnType::category;
    stage.values = {"Ia", "Ib", "IIa", "10"};
    spec.columns.push_back(age);
    spec.columns.push_back(stage);
    ModalitySpec slide;
    slide.name = "slide";
    slide.kind = Kind::bag;
    ModalitySpec report;
    report.name = "report";
    report.kind = Kind::sequence;
    ModalitySpec ct;
    ct.name = "ct";
    ct.kind = Kind::volume;
    spec.modalities = {slide, report, ct};
    patient.cells = {
        {1, Cell::State::known}, {0, Cell::State::known}, {}, {70, Cell::State::known}, {1, Cell::State::known}};
  }
  [[nodiscard]] Truth of(const std::string& rule, const Facts* facts = nullptr) const {
    return Expression::parse(rule, spec, {"cohort.yaml", 7}).evaluate(patient, spec, facts);
  }
};

TEST(Kleene, TruthTablesOfAndOrNot) {
  const Scene scene;
  const std::array<std::pair<const char*, Truth>, 4> operands{
      {{"f", kNo}, {"t", kYes}, {"u", kUnknown}, {"slide.readable", kPending}}};
  // rows and columns: no, yes, unknown, pending
  const Truth both[4][4] = {{kNo, kNo, kNo, kNo},
                            {kNo, kYes, kUnknown, kPending},
                            {kNo, kUnknown, kUnknown, kPending},
                            {kNo, kPending, kPending, kPending}};
  const Truth either[4][4] = {{kNo, kYes, kUnknown, kPending},
                              {kYes, kYes, kYes, kYes},
                              {kUnknown, kYes, kUnknown, kPending},
                              {kPending, kYes, kPending, kPending}};
  const Truth negation[4] = {kYes, kNo, kUnknown, kPending};
  for (std::size_t a = 0; a < 4; ++a) {
    EXPECT_EQ(scene.of(std::string("not ") + operands[a].first), negation[a]) << operands[a].first;
    for (std::size_t b = 0; b < 4; ++b) {
      EXPECT_EQ(scene.of(std::string(operands[a].first) + " and " + operands[b].first), both[a][b]) << a << b;
      EXPECT_EQ(scene.of(std::string(operands[a].first) + " or " + operands[b].first), either[a][b]) << a << b;
    }
  }
}

TEST(Kleene, DeMorganHoldsForEveryPairWithoutPending) {
  const Scene scene;
  for (const char* a : {"t", "f", "u"})
    for (const char* b : {"t", "f", "u"})
      EXPECT_EQ(scene.of(std::string("not (") + a + " and " + b + ")"),
                scene.of(std::string("not ") + a + " or not " + b));
}

TEST(Language, ReadsWhatPeopleWrite) {
  const Scene scene;
  Facts facts{{"slide.tissue_mm2", {Fact::State::known, "12.5", "slide"}},
              {"report.mvi", {Fact::State::known, "M1", "report"}},
              {"report.capsule", {Fact::State::known, "absent", "report"}},
              {"report.number", {Fact::State::unknown, "", "report"}}};
  const std::array<std::pair<const char*, Truth>, 25> rules{
      {{"age >= 18 and age <= 75", kYes},
       {"age > 70", kNo},
       {"70 == age", kYes},
       {"age != 70", kNo},
       {"not age < 18", kYes},
       {"t or u and f", kYes},
       {"(t or u) and f", kNo},
       {"t == true", kYes},
       {"f in [true, false]", kYes},
       {"u in [true, false]", kUnknown},
       {"true", kYes},
       {"stage == 'Ib'", kYes},
       {"stage in ['Ia', 'IIa']", kNo},
       {"stage in [\"Ia\", \"Ib\"]", kYes},
       {"stage < 'IIa'", kYes},  // declared order, not the alphabet
       {"stage >= 'IIa'", kNo},
       {"stage < 10", kYes},  // a value that looks like a number
       {"slide.tissue_mm2 > 5", kYes},
       {"slide.tissue_mm2 > 50", kNo},
       {"report.mvi == 'M1'", kYes},
       {"report.mvi != 'M1'", kNo},
       {"report.capsule in ['complete', 'present']", kNo},
       {"report.number == 1", kUnknown},
       {"report.number == 'multiple'", kUnknown},
       {"slide.count >= 1", kUnknown}}};
  for (const auto& [rule, expected] : rules) {
    EXPECT_EQ(scene.of(rule, &facts), expected) << rule;
  }
}

TEST(Language, RefusesWhatWouldSilentlyExcludeEverybody) {
  const Scene scene;
  const std::array<std::pair<const char*, const char*>, 34> rules{
      {{"agee > 18", "did you mean 'age'?"},
       {"stage == 'ib'", "did you mean"},
       {"stage == Ib", "no column and no fact"},
       {"stage", "is no flag"},
       {"age", "is no flag"},
       {"age > 'old'", "texts have no order"},
       {"age == 'old'", "is no text"},
       {"report.mvi < 'M1'", "texts have no order"},
       {"age >", "ends too early"},
       {"18 <= age <= 75", "cannot read"},
       {"(age > 18", "never closed"},
       {"stage in ['Ia'", "never closed"},
       {"stage in 'Ia'", "needs a list"},
       {"stage == 'Ia", "never closed"},
       {"age > 18 &&", "cannot read"},
       {"slide.tisue_mm2 > 5", "did you mean 'slide.tissue_mm2'?"},
       {"ct.readabel", "did you mean 'ct.readable'?"},
       {"report.ihc.CK20 == 'negative'", "no column and no fact"},  // no reader finds it
       {"ct.tissue_mm2 > 5", "no column and no fact"},
       {"report.mvi == 'm1'", "did you mean"},
       {"report.mvi in ['M0', 'M3']", "'M3', which it never is"},
       {"report.mvi == 1", "which it never is; did you mean 'M1'?"},
       {"report.mvi", "is no flag"},
       {"slide.tissue_mm2", "is no flag"},
       {"slide.tissue_mm2 > 'big'", "which it never is"},
       {"slide.tissue_mm2 == true", "which it never is"},
       {"report.number == 'many'", "which it never is"},
       {"report.number > 'multiple'", "has no order"},
       {"slide.readable == 'yes'", "known: true, false"},
       {"treatment.strategy == 'tase'", "which it never is"},
       {"report.mvi == age", "cannot be compared"},
       {"slide.readable == slide.tiles", "cannot be compared"},
       {"5", "stands alone"},
       {"", "ends too early"}}};
  for (const auto& [rule, message] : rules)
    expect_error([&, r = rule] { (void)scene.of(r); }, ExitCode::usage, "cohort.yaml:7", message);
}

// A rule on age when only a limit of it is known; the column's range is 0 to 120.
Truth of_limit(const std::string& rule, const Cell& age) {
  Scene scene;
  ColumnSpec& column = *std::find_if(scene.spec.columns.begin(), scene.spec.columns.end(), [](const ColumnSpec& c) { return c.name == "age"; });
  column.low = 0;
  column.high = 120;
  scene.patient.cells.at(3) = age;
  return scene.of(rule);
}

TEST(Limits, DecideWhatTheyDecideAndNothingMore) {
  const Cell above{60, Cell::State::above_limit}, at_least{60, Cell::State::above_limit, false};
  const Cell below{60, Cell::State::below_limit}, at_most{60, Cell::State::below_limit, false};
  struct Row {
    const char* rule;
    Truth above, at_least, below, at_most;
  };
  const std::array<Row, 18> rows{{{"age > 40", kYes, kYes, kUnknown, kUnknown},
                                  {"age > 70", kUnknown, kUnknown, kNo, kNo},
                                  {"age > 60", kYes, kUnknown, kNo, kNo},
                                  {"age >= 60", kYes, kYes, kNo, kUnknown},
                                  {"age < 60", kNo, kNo, kYes, kUnknown},
                                  {"age <= 60", kNo, kUnknown, kYes, kYes},
                                  {"age == 60", kNo, kUnknown, kNo, kUnknown},
                                  {"age != 60", kYes, kUnknown, kYes, kUnknown},
                                  {"age == 70", kUnknown, kUnknown, kNo, kNo},
                                  {"age == 50", kNo, kNo, kUnknown, kUnknown},
                                  {"70 > age", kUnknown, kUnknown, kYes, kYes},
                                  {"age in [10, 20]", kNo, kNo, kUnknown, kUnknown},
                                  {"age in [60, 20]", kNo, kUnknown, kUnknown, kUnknown},
                                  {"age <= 120", kYes, kYes, kYes, kYes},  // by the range
                                  {"age < 0", kNo, kNo, kNo, kNo},
                                  {"age >= 0", kYes, kYes, kYes, kYes},
                                  {"age == age", kUnknown, kUnknown, kUnknown, kUnknown},
                                  {"not age > 70", kUnknown, kUnknown, kYes, kYes}}};
  for (const Row& row : rows) {
    EXPECT_EQ(of_limit(row.rule, above), row.above) << row.rule << ", >60";
    EXPECT_EQ(of_limit(row.rule, at_least), row.at_least) << row.rule << ", >=60";
    EXPECT_EQ(of_limit(row.rule, below), row.below) << row.rule << ", <60";
    EXPECT_EQ(of_limit(row.rule, at_most), row.at_most) << row.rule << ", <=60";
  }
}

// What a rule says of a limit, it says of every number that the limit allows.
TEST(Limits, AgreeWithEveryNumberTheyAllow) {
  for (const char* sign : {"==", "!=", "<", "<=", ">", ">="})
    for (const double bound : {20.0, 60.0, 90.0})
      for (const bool is_above : {true, false})
        for (const bool strict : {true, false}) {
          const std::string rule = std::string("age ") + sign + " " + std::to_string(static_cast<int>(bound));
          bool any_yes = false, any_no = false;
          for (double age = 0; age <= 120; age += 0.5) {
            const bool allowed = is_above ? (strict ? age > 60 : age >= 60) : (strict ? age < 60 : age <= 60);
            if (!allowed) continue;
            (of_limit(rule, {age, Cell::State::known}) == kYes ? any_yes : any_no) = true;
          }
          const Cell cell{60, is_above ? Cell::State::above_limit : Cell::State::below_limit, strict};
          EXPECT_EQ(of_limit(rule, cell), any_yes && any_no ? kUnknown : any_yes ? kYes : kNo) << rule << is_above << strict;
        }
}

TEST(Limits, AreReadFromTheTable) {
  Folder folder;
  folder.yaml("eligibility:\n  - {id: low, require: \"afp > 400\"}\n  - {id: high, require: \"afp > 70000\", on_unknown: include}\n");
  folder.write("patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,50,>60500,M0,0\nP2,A,50,<0.5,M0,0\nP3,A,50,≥60500,M0,0\n");
  const Cohort cohort = folder.read();
  const std::vector<Verdict> verdicts = judge(cohort, cohort.spec.eligibility, nullptr);
  EXPECT_EQ(verdicts.at(0).rules.at(0).truth, kYes);
  EXPECT_EQ(verdicts.at(0).rules.at(1).truth, kUnknown);
  EXPECT_EQ(verdicts.at(1).rules.at(0).truth, kNo);
  EXPECT_EQ(verdicts.at(1).rules.at(1).truth, kNo);
  const Expression exact = Expression::parse("afp == 60500", cohort.spec, {});
  EXPECT_EQ(exact.evaluate(cohort.patients.at(0), cohort.spec, nullptr), kNo);
  EXPECT_EQ(exact.evaluate(cohort.patients.at(2), cohort.spec, nullptr), kUnknown);
}

TEST(Operands, SayWhatAVerdictRestsOn) {
  const Scene scene;
  const Expression rule = Expression::parse("age >= 18 and u and slide.readable", scene.spec, {});
  EXPECT_EQ(rule.operands(scene.patient, scene.spec, nullptr), "age=70 slide.readable=pending u=unknown");
  EXPECT_EQ(rule.sources(scene.patient, scene.spec, nullptr), "table extraction");
}

// A random cohort in which everything that a rule can say occurs.
std::string random_patients(int n) {
  Stream stream{7};
  std::string csv = "patient_id,centre,age,afp,mvi,cirrhosis\n";
  for (int i = 0; i < n; ++i) {
    const std::string age = stream.chance(0.1) ? "" : std::to_string(10 + stream.below(90));
    const std::string cirrhosis = stream.chance(0.2) ? "" : stream.chance(0.5) ? "1" : "0";
    csv += "P" + std::to_string(i) + "," + (i == 0 ? "B" : std::string(1, static_cast<char>('A' + stream.below(4)))) +
           "," + age + ",1,M" + std::to_string(stream.below(3)) + "," + cirrhosis + "\n";
  }
  return csv;
}

constexpr const char* kRules =
    "slides: slides.csv\nmodalities:\n  slide: {kind: bag, source: slides}\neligibility:\n"
    "  - {id: age, text: 18-75, require: \"age >= 18 and age <= 75\"}\n"
    "  - {id: mvi, require: \"mvi in ['M0', 'M1']\", stage: analysis}\n"
    "  - {id: cirrhosis, require: \"cirrhosis\", on_unknown: query, stage: analysis}\n"
    "  - {id: slide, require: \"slide.tissue_mm2 > 5\", on_unknown: include}\n"
    "readings:\n  older:\n    - {id: age, require: \"age >= 18\"}\n    - {id: added, require: \"not cirrhosis\"}\n";

TEST(Flow, SaysAllOfALongRuleAndCutsNoWord) {
  const std::string rule = "no metastasis on any image of the six weeks before surgery, nor another malignancy within five years";
  Flow flow;
  flow.patients = {{"A", 3}};
  flow.steps.push_back({"spread", rule, {{"A", 3}}, {{"A", 1}}, {}, {}, {}, {}});
  flow.steps.push_back({"known", "肝细胞癌术后病理诊断明确且影像资料完整并且随访时间不少于三十六个月的患者", {{"A", 2}}, {{"A", 2}}, {}, {}, {}, {}});
  constexpr std::size_t kLabel = 60;
  std::string said;
  for (const std::string& line : split(flow.text(), '\n')) said += std::string(trim(line.substr(0, kLabel))) + " ";
  EXPECT_NE(said.find("- spread: " + rule + " "), std::string::npos) << flow.text();
  EXPECT_NE(flow.text().find("的患者\n"), std::string::npos) << flow.text();
}

TEST(Flow, CountsEverybodyOnceInEveryCentre) {
  Folder folder;
  folder.yaml(kRules);
  folder.write("patients.csv", random_patients(500));
  folder.write("slides.csv", "patient_id,path\nP1,a.h5\n");
  const Cohort cohort = folder.read();
  for (const bool with_facts : {false, true}) {
    std::map<std::string, Facts, std::less<>> facts;
    for (std::size_t p = 0; p < cohort.patients.size(); p += 3)
      facts[cohort.patients[p].key]["slide.tissue_mm2"] = {Fact::State::known, p % 2 == 0 ? "4" : "6", "slide"};
    const std::vector<Verdict> verdicts = judge(cohort, cohort.spec.eligibility, with_facts ? &facts : nullptr);
    const Flow flow = count_flow(cohort, cohort.spec.eligibility, verdicts);
    for (const auto& [centre, n] : flow.patients) {
      std::int64_t left = n;
      for (const FlowStep& step : flow.steps) {
        const auto count = [&, c = centre](const std::map<std::string, std::int64_t>& counts) {
          return counts.contains(c) ? counts.at(c) : 0;
        };
        EXPECT_EQ(count(step.entered), left) << step.id;
        left -= count(step.excluded) + count(step.unknown_excluded) + count(step.queried);
        EXPECT_EQ(count(step.pending) > 0, step.id == "slide" && !with_facts) << step.id;
      }
      EXPECT_EQ(left, flow.eligible.contains(centre) ? flow.eligible.at(centre) : 0);
    }
    const nlohmann::json json = nlohmann::json::parse(flow.json());
    EXPECT_EQ(json.at("steps").size(), 4u);
    EXPECT_NE(flow.text().find("cirrhosis, waits for an answer"), std::string::npos);
    EXPECT_EQ(flow.text().find("pending") != std::string::npos, !with_facts);
  }
}

TEST(Verdict, AnalysisRulesNeverRemoveFromPrediction) {
  Folder folder;
  folder.yaml(kRules);
  folder.write("patients.csv", random_patients(300));
  folder.write("slides.csv", "patient_id,path\nP1,a.h5\n");
  const Cohort cohort = folder.read();
  const std::vector<Verdict> verdicts = judge(cohort, cohort.spec.eligibility, nullptr);
  std::int64_t kept = 0;
  for (const Verdict& verdict : verdicts) {
    if (verdict.eligible()) EXPECT_TRUE(verdict.enrolled());
    EXPECT_EQ(verdict.enrolled(), verdict.rules.at(0).passed && verdict.rules.at(3).passed);
    kept += verdict.enrolled() && !verdict.eligible() ? 1 : 0;
  }
  EXPECT_GT(kept, 0);
}

TEST(Readings, ReplaceById) {
  Folder folder;
  folder.yaml(kRules);
  folder.write("slides.csv", "patient_id,path\nP1,a.h5\n");
  const Cohort cohort = folder.read();
  const std::vector<RuleSpec> rules = rules_of_reading(cohort.spec, "older");
  ASSERT_EQ(rules.size(), 5u);
  EXPECT_EQ(rules.at(0).require, "age >= 18");
  EXPECT_EQ(rules.at(1).id, "mvi");
  EXPECT_EQ(rules.at(4).id, "added");
}

TEST(Conflict, KeepsOutUntilAnsweredAndIsCounted) {
  const Folder folder;
  folder.write(
      "cohort.yaml",
      "schema: hepar-cohort/1\npatients: patients.csv\ncolumns:\n"
      "  mvi: {type: category, values: [M0, M1, M2], known: post_op, from: [table, report.mvi], conflict: query}\n"
      "modalities:\n  report: {kind: sequence, source: reports}\n");
  folder.write("patients.csv", "patient_id,mvi\nP1,M1\nP2,M0\n");
  const Cohort cohort = folder.read();
  ASSERT_EQ(cohort.spec.eligibility.size(), 1u);
  std::map<std::string, Facts, std::less<>> facts;
  facts["P1"]["report.mvi"] = {Fact::State::known, "M2", "report"};
  facts["P2"]["report.mvi"] = {Fact::State::known, "M0", "report"};
  const std::vector<Verdict> verdicts = judge(cohort, cohort.spec.eligibility, &facts);
  EXPECT_FALSE(verdicts.at(0).eligible());
  EXPECT_TRUE(verdicts.at(0).enrolled());
  EXPECT_TRUE(verdicts.at(0).rules.at(0).query);
  EXPECT_TRUE(verdicts.at(1).eligible());
  EXPECT_TRUE(judge(cohort, cohort.spec.eligibility, nullptr).at(0).pending);
}

// Patients who differ from an eligible one in what one contradiction of the registration is about.
class Registration {
 public:
  Registration() {
    cohort_.spec = read_cohort_spec(std::filesystem::path(HEPAR_SOURCE_DIR) / "configs/cohort/hcc_study.yaml");
    for (const char* name : {"usual", "age 18", "age 76", "no scan afterwards", "transplanted", "treated elsewhere", "treated before", "ICC", "R1", "immunotherapy", "class unknown",
                             "operated 2025", "operated 2028"})
      cohort_.patients.push_back(usual(name));
    set("age 18", "age", 18);
    set("age 76", "age", 76);
    set("no scan afterwards", "postop_imaging", 0);
    set("transplanted", "operation", 1);
    set("treated elsewhere", "prior_elsewhere", 1);
    set("treated before", "prior_therapy", 1);
    set("ICC", "histology", 1);
    set("R1", "margin", 1);
    of("immunotherapy").treatments = {{"systemic", "sintilimab", "PD-1", "", 40, {}}};
    of("class unknown").treatments = {{"systemic", "lenvatinib", "", "", 40, {}}};
    of("operated 2025").surgery_date = kTwentyTwenty + 5 * 366;
    of("operated 2028").surgery_date = kTwentyTwenty + 8 * 366;
  }
  // Who is eligible otherwise than as declared: "+" enters, "-" leaves.
  [[nodiscard]] std::set<std::string> change(const std::string& reading) const {
    std::set<std::string> changes;
    const std::vector<Verdict> before = judge(cohort_, rules_of_reading(cohort_.spec, ""), nullptr), now = judge(cohort_, rules_of_reading(cohort_.spec, reading), nullptr);
    for (std::size_t p = 0; p < before.size(); ++p)
      if (before[p].eligible() != now[p].eligible()) changes.insert((now[p].eligible() ? "+" : "-") + cohort_.patients[p].id);
    return changes;
  }
  [[nodiscard]] const CohortSpec& spec() const { return cohort_.spec; }

 private:
  static constexpr long kTwentyTwenty = 18262;  // days from 1970 to 2020

  PatientRecord usual(const char* name) const {
    PatientRecord patient;
    patient.key = patient.id = name;
    patient.centre = "A";
    patient.surgery_date = kTwentyTwenty;
    patient.has_follow_up = patient.treatments_recorded = true;
    patient.follow_up.last_contact_day = 2000;
    patient.cells.resize(cohort_.spec.columns.size());
    for (const auto& [column, value] : {std::pair{"age", 60.0}, {"consent", 1.0}, {"operation", 0.0}, {"preop_imaging", 1.0}, {"postop_imaging", 1.0}, {"prior_elsewhere", 0.0},
                                        {"prior_therapy", 0.0}, {"other_cancer", 0.0}, {"histology", 0.0}, {"margin", 0.0}})
      cell(patient, column) = {value, Cell::State::known};
    return patient;
  }
  Cell& cell(PatientRecord& patient, const char* column) const { return patient.cells.at(static_cast<std::size_t>(cohort_.spec.column(column) - cohort_.spec.columns.data())); }
  PatientRecord& of(const std::string& name) {
    return *std::find_if(cohort_.patients.begin(), cohort_.patients.end(), [&](const PatientRecord& patient) { return patient.id == name; });
  }
  void set(const std::string& name, const char* column, double value) { cell(of(name), column) = {value, Cell::State::known}; }

  Cohort cohort_;
};

TEST(Study, BothReadingsOfEveryContradictionAreCounted) {
  const Registration study;
  using Names = std::set<std::string>;
  const std::map<std::string, Names> expected{{"age_no_upper_limit", {"+age 76", "-age 18"}},
                                              {"imaging_before_and_after", {"-no scan afterwards"}},
                                              {"transplantation_allowed", {"+transplanted"}},
                                              {"prior_therapy_not_mentioned", {"+treated elsewhere"}},
                                              {"no_prior_therapy_at_all", {"-treated before"}},
                                              {"decided_before_surgery", {"+ICC", "+R1"}},
                                              {"third_arm_tki_only", {"-immunotherapy", "-class unknown"}},
                                              {"three_years_in_the_study", {"-operated 2028"}},
                                              {"five_years_in_the_study", {"-operated 2025", "-operated 2028"}},
                                              {"probability_sample", {}}};
  for (const auto& [reading, rules] : study.spec().readings) {
    ASSERT_TRUE(expected.contains(reading)) << reading;
    EXPECT_EQ(study.change(reading), expected.at(reading)) << reading;
  }
  EXPECT_EQ(study.spec().readings.size(), expected.size());
}

}  // namespace
}  // namespace hepar::test
