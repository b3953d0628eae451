// SPDX-License-Identifier: Apache-2.0
// Endpoints, histories and strategies of hand-made patients.
#include "data/cohort/outcome.hpp"

#include "data/base/random.hpp"
#include "data/cohort/eligibility.hpp"

#include <gtest/gtest.h>

namespace hepar {
namespace {

constexpr double kMonth = 30.4375;
using Day = std::optional<double>;

PatientRecord followed(Day recurrence, Day recurrence_free, Day death, double last_contact) {
  PatientRecord patient;
  patient.has_follow_up = patient.treatments_recorded = true;
  patient.follow_up = {recurrence, recurrence_free, death, last_contact, {}, {}};
  return patient;
}

CohortSpec three_endpoints() {
  CohortSpec spec;
  EndpointSpec rfs, recurrence, os;
  rfs.name = "rfs";
  rfs.recurrence_is_event = rfs.death_is_event = true;
  recurrence.name = "recurrence";
  recurrence.recurrence_is_event = recurrence.death_competes = true;
  os.name = "os";
  os.death_is_event = true;
  spec.endpoints = {rfs, recurrence, os};
  return spec;
}

struct Expected {
  double day;
  int event;
};
struct Case {
  const char* what;
  Day recurrence, recurrence_free, death;
  double last_contact;
  Expected rfs, recurrence_endpoint, os;
};

TEST(Outcome, OfHandMadePatients) {
  const CohortSpec spec = three_endpoints();
  const Case cases[] = {
      {"censored", {}, {}, {}, 500, {500, 0}, {500, 0}, {500, 0}},
      {"recurred, alive", 100, {}, {}, 500, {100, 1}, {100, 1}, {500, 0}},
      {"recurred, died", 100, {}, 300, 300, {100, 1}, {100, 1}, {300, 1}},
      {"died without recurrence", {}, {}, 300, 300, {300, 1}, {300, 2}, {300, 1}},
      {"recurrence and death on one day", 300, {}, 300, 300, {300, 1}, {300, 1}, {300, 1}},
      {"last imaging before last contact", {}, 200, {}, 500, {200, 0}, {200, 0}, {500, 0}},
      {"last imaging is last contact", {}, 500, {}, 500, {500, 0}, {500, 0}, {500, 0}},
      {"died long after the last imaging", {}, 200, 400, 400, {400, 1}, {200, 0}, {400, 1}},
      {"imaging after last contact", {}, 600, {}, 500, {500, 0}, {500, 0}, {500, 0}},
  };
  for (const Case& one : cases) {
    const PatientRecord patient = followed(one.recurrence, one.recurrence_free, one.death, one.last_contact);
    const Expected expected[] = {one.rfs, one.recurrence_endpoint, one.os};
    for (std::size_t e = 0; e < 3; ++e) {
      const Outcome outcome = outcome_of(patient, spec, spec.endpoints[e]);
      EXPECT_TRUE(outcome.known);
      EXPECT_DOUBLE_EQ(outcome.months, expected[e].day / kMonth) << one.what << ", " << spec.endpoints[e].name;
      EXPECT_EQ(outcome.event, expected[e].event) << one.what << ", " << spec.endpoints[e].name;
    }
  }
}

TEST(Outcome, IsUnknownWithoutFollowUp) {
  const CohortSpec spec = three_endpoints();
  for (const EndpointSpec& endpoint : spec.endpoints) EXPECT_FALSE(outcome_of(PatientRecord{}, spec, endpoint).known);
  EXPECT_FALSE(history_of(PatientRecord{}).known);
}

TEST(Outcome, DeathNeverComesBeforeTheEndOfRecurrenceFreeSurvival) {
  const CohortSpec spec = three_endpoints();
  Stream stream{11};
  for (int i = 0; i < 2000; ++i) {
    const double last = 1 + static_cast<double>(stream.below(2000));
    const Day death = stream.chance(0.4) ? Day(last) : Day();
    const Day recurrence =
        stream.chance(0.5) ? Day(1 + static_cast<double>(stream.below(static_cast<std::uint64_t>(last)))) : Day();
    const PatientRecord patient = followed(recurrence,
                                           recurrence           ? Day()
                                           : stream.chance(0.3) ? Day(last / 2)
                                                                : Day(),
                                           death, last);
    const Outcome rfs = outcome_of(patient, spec, spec.endpoints[0]),
                  cif = outcome_of(patient, spec, spec.endpoints[1]), os = outcome_of(patient, spec, spec.endpoints[2]);
    EXPECT_LE(rfs.months, os.months);
    if (os.event == 1) EXPECT_EQ(rfs.event, 1);  // a death is an event of RFS, or came after one
    if (cif.event == 1) EXPECT_EQ(rfs.months, cif.months);
    EXPECT_EQ(cif.event == 1, recurrence.has_value());
    const History history = history_of(patient);
    EXPECT_EQ(history.recurrence.has_value(), recurrence.has_value());
    EXPECT_LE(history.recurrence_seen_until, history.last_contact);
    EXPECT_DOUBLE_EQ(history.last_contact, os.months);
  }
}

struct Arm {
  const char* what;
  std::vector<std::pair<const char*, double>> starts;
  Day recurrence, death;
  double last_contact;
  const char* expected;
};

TEST(Strategy, IsDecidedByStartsInsideTheWindow) {
  StrategySpec spec;
  spec.arms = {"surgery", "tace", "tace_systemic", "systemic"};
  const Arm arms[] = {
      {"never treated", {}, {}, {}, 500, "surgery"},
      {"first day of the window", {{"tace", 14}}, {}, {}, 500, "tace"},
      {"a day before the window", {{"tace", 13}}, {}, {}, 500, "other"},
      {"last day of the window", {{"tace", 90}}, {}, {}, 500, "tace"},
      {"a day after the window", {{"tace", 91}}, {}, {}, 500, "surgery"},
      {"systemic", {{"systemic", 40}}, {}, {}, 500, "systemic"},
      {"both in the window", {{"tace", 30}, {"systemic", 60}}, {}, {}, 500, "tace_systemic"},
      {"systemic after the window", {{"tace", 30}, {"systemic", 120}}, {}, {}, 500, "tace"},
      {"tace after the window", {{"systemic", 30}, {"tace", 120}}, {}, {}, 500, "systemic"},
      {"one early, one inside", {{"tace", 5}, {"systemic", 60}}, {}, {}, 500, "other"},
      {"another kind inside", {{"other", 30}}, {}, {}, 500, "other"},
      {"another kind after the window", {{"other", 100}}, {}, {}, 500, "surgery"},
      {"for a recurrence", {{"tace", 60}}, 50, {}, 500, "undetermined"},
      {"on the day of recurrence", {{"tace", 60}}, 60, {}, 500, "undetermined"},
      {"before a recurrence", {{"tace", 40}}, 60, {}, 500, "tace"},
      {"second start for a recurrence", {{"tace", 30}, {"systemic", 70}}, 60, {}, 500, "tace"},
      {"event before the window closed", {}, 60, {}, 500, "undetermined"},
      {"death before the window closed", {}, {}, 60, 60, "undetermined"},
      {"censored before the window closed", {}, {}, {}, 89, "undetermined"},
      {"event-free to the last day", {}, {}, {}, 90, "surgery"},
      {"recurrence when the window closes", {}, 90, {}, 500, "surgery"},
  };
  for (const Arm& one : arms) {
    PatientRecord patient = followed(one.recurrence, {}, one.death, one.last_contact);
    for (const auto& [kind, day] : one.starts) patient.treatments.push_back({kind, "", "", "", day, {}});
    EXPECT_EQ(assign_strategy(patient, spec).name(spec), one.expected) << one.what;
  }
}

TEST(Strategy, KeepsTheStartsThatMadeTheArm) {
  StrategySpec spec;
  spec.arms = {"surgery", "tace", "tace_systemic", "systemic"};
  PatientRecord patient = followed({}, {}, {}, 500);
  patient.treatments = {{"tace", "", "", "", 20, {}}, {"tace", "", "", "", 50, {}}, {"systemic", "", "", "", 60, {}}};
  const Assignment assignment = assign_strategy(patient, spec);
  EXPECT_EQ(assignment.start_day[*treatment_kind("tace")], 20);
  EXPECT_EQ(assignment.start_day[*treatment_kind("systemic")], 60);
}

TEST(Strategy, IsUnknownWithoutTheTablesAndAllInAOneArmCohort) {
  StrategySpec spec;
  spec.arms = {"surgery", "tace"};
  PatientRecord patient = followed({}, {}, {}, 500);
  patient.treatments = {{"systemic", "", "", "", 30, {}}};
  EXPECT_EQ(assign_strategy(patient, spec).name(spec), "other");  // an arm that the cohort does not declare
  patient.treatments.clear();
  patient.treatments_recorded = false;
  EXPECT_EQ(assign_strategy(patient, spec).name(spec), "unknown");
  PatientRecord lost;
  lost.treatments_recorded = true;
  EXPECT_EQ(assign_strategy(lost, spec).name(spec), "unknown");
  EXPECT_EQ(assign_strategy(lost, StrategySpec{}).name(StrategySpec{}), "all");
}

TEST(Facts, OfTheTablesFollowFromTheRecords) {
  CohortSpec spec = three_endpoints();
  spec.follow_up = "follow_up.csv";
  spec.strategies.arms = {"surgery", "tace"};
  PatientRecord patient = followed({}, {}, {}, 10 * kMonth);
  patient.surgery_date = 19723;  // 2024-01-01
  patient.treatments = {{"tace", "", "", "", 5, {}}};
  const auto text = [&](const char* name) { return table_fact(name, patient, spec)->text; };
  EXPECT_EQ(text("follow_up.complete"), "true");
  EXPECT_EQ(text("follow_up.months"), "10");
  EXPECT_EQ(text("treatment.tace"), "true");
  EXPECT_EQ(text("treatment.systemic"), "false");
  EXPECT_EQ(text("treatment.before_window"), "true");
  EXPECT_EQ(text("treatment.strategy"), "other");
  EXPECT_EQ(text("surgery.year"), "2024");
  EXPECT_EQ(text("rfs.known"), "true");
  patient.treatments_recorded = false;
  EXPECT_EQ(table_fact("treatment.tace", patient, spec)->state, Fact::State::unknown);
  EXPECT_FALSE(table_fact("slide.readable", patient, spec).has_value());
}

}  // namespace
}  // namespace hepar
