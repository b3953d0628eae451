// SPDX-License-Identifier: Apache-2.0
// Which arm a patient's time counts to.
#include "trainer/objective/objective.hpp"

#include <gtest/gtest.h>

#include <map>

namespace hepar::objective {
namespace {

enum Arm : int { surgery, tace, tace_systemic, systemic };
constexpr std::size_t kTace = *treatment_kind("tace"), kSystemic = *treatment_kind("systemic");

HeadSpec head() {
  HeadSpec spec;
  spec.cuts = {0, 3, 6, 9, 12};
  spec.arms = {"surgery", "tace", "tace_systemic", "systemic"};
  return spec;
}

Subject seen_until(double months, int arm) {
  Subject subject{.known = true};
  subject.history = {true, std::nullopt, std::nullopt, months, months};
  subject.arm = arm;
  return subject;
}

// Months of survived person-time by arm.
std::map<int, double> months_by_arm(const HeadSpec& spec, const Account& account) {
  std::map<int, double> months;
  for (const Term& term : account.terms)
    if (term.cause == 0 && term.process == 0) {
      const auto k = static_cast<std::size_t>(term.interval);
      months[term.arm] += term.share * (spec.cuts[k + 1] - spec.cuts[k]);
    }
  return months;
}

TEST(PersonTime, BeforeAStartCountsToSurgery) {
  Subject subject = seen_until(10, tace);
  subject.start_months[kTace] = 1.25;
  const auto months = months_by_arm(head(), account_of(head(), subject));
  EXPECT_NEAR(months.at(surgery), 1.25, 1e-12);
  EXPECT_NEAR(months.at(tace), 8.75, 1e-12);
}

TEST(PersonTime, BetweenTwoStartsCountsToTheOneThatBegan) {
  Subject subject = seen_until(12, tace_systemic);
  subject.start_months[kSystemic] = 1, subject.start_months[kTace] = 2.5;
  const auto months = months_by_arm(head(), account_of(head(), subject));
  EXPECT_NEAR(months.at(surgery), 1, 1e-12);
  EXPECT_NEAR(months.at(systemic), 1.5, 1e-12);
  EXPECT_NEAR(months.at(tace_systemic), 9.5, 1e-12);
  EXPECT_EQ(months.count(tace), 0U);
}

TEST(PersonTime, AnEventCountsToTheArmThatHeld) {
  Subject subject{.known = true};
  subject.history = {true, 4.0, std::nullopt, 4.0, 4.0};
  subject.arm = tace, subject.start_months[kTace] = 3.5;
  const Account account = account_of(head(), subject);
  const Term& event = account.terms.back();
  EXPECT_EQ(event.cause, 1);
  EXPECT_EQ(event.arm, tace);
  EXPECT_EQ(event.interval, 1);
  EXPECT_NEAR(months_by_arm(head(), account).at(surgery), 3.5, 1e-12);
}

TEST(PersonTime, LeavingPartsOutCountsAnIntervalToTheArmAtItsEnd) {
  Subject subject = seen_until(10, tace);
  subject.start_months[kTace] = 1.25;
  const auto months = months_by_arm(head(), account_of(head(), subject, PartialInterval::left_out));
  EXPECT_EQ(months.count(surgery), 0U);
  EXPECT_NEAR(months.at(tace), 9, 1e-12);
}

TEST(PersonTime, TheArmAtRecurrenceStaysAfterIt) {
  Subject subject{.known = true};
  subject.history = {true, 2.0, 11.0, 2.0, 11.0};
  subject.arm = tace, subject.start_months[kTace] = 1;
  for (const Term& term : account_of(head(), subject).terms)
    if (term.process == 1) { EXPECT_EQ(term.arm, tace); }
}

TEST(PersonTime, ADeathInTheIntervalOfTheRecurrenceCountsInTheNext) {
  Subject subject{.known = true};
  subject.history = {true, 4.0, 5.0, 4.0, 5.0};
  const Account account = account_of(head(), subject);
  EXPECT_EQ(account.terms.back().process, 1);
  EXPECT_EQ(account.terms.back().interval, 2);
  EXPECT_EQ(account.terms.back().cause, 1);
}

TEST(PersonTime, TimesAtACutBelongToTheIntervalBefore) {
  const Account account = account_of(head(), seen_until(6, surgery));
  ASSERT_EQ(account.terms.size(), 2U);
  EXPECT_EQ(account.terms[1].interval, 1);
  EXPECT_EQ(account.terms[1].share, 1);
  Subject recurs{.known = true};
  recurs.history = {true, 6.0, std::nullopt, 6.0, 6.0};
  EXPECT_EQ(account_of(head(), recurs).terms.back().interval, 1);
}

TEST(PersonTime, AnEventBeyondTheLastCutIsSurvivalOfAll) {
  Subject subject{.known = true};
  subject.history = {true, 40.0, std::nullopt, 40.0, 50.0};
  const Account account = account_of(head(), subject);
  ASSERT_EQ(account.terms.size(), 4U);
  for (const Term& term : account.terms) EXPECT_TRUE(term.cause == 0 && term.share == 1 && term.process == 0);
}

TEST(PersonTime, UndeterminedCountsToSurgeryAndOtherEndsAtItsStart) {
  const History history{true, std::nullopt, std::nullopt, 10, 10};
  Assignment undetermined{.arm = -1, .state = "undetermined"};
  const Subject first = subject_of(head(), {}, history, {}, undetermined);
  EXPECT_NEAR(months_by_arm(head(), account_of(head(), first)).at(surgery), 10, 1e-12);

  Assignment other{.arm = -1, .state = "other"};
  other.start_day[kTace] = 2 * kDaysPerMonth;
  const auto months = months_by_arm(head(), account_of(head(), subject_of(head(), {}, history, {}, other)));
  EXPECT_EQ(months.size(), 1U);
  EXPECT_NEAR(months.at(surgery), 2, 1e-12);

  other.start_day[kTace].reset();  // nobody knows when it began
  EXPECT_TRUE(account_of(head(), subject_of(head(), {}, history, {}, other)).terms.empty());
}

TEST(PersonTime, AOneArmCohortIgnoresStarts) {
  HeadSpec one = head();
  one.arms = {"all"};
  const Subject subject = subject_of(one, {}, {true, std::nullopt, std::nullopt, 10, 10}, {}, {.arm = -1, .state = "unknown"});
  EXPECT_NEAR(months_by_arm(one, account_of(one, subject)).at(0), 10, 1e-12);
}

TEST(Heads, OneForHistoriesAndOneADirectEndpoint) {
  EndpointSpec rfs, os, direct;
  rfs.name = "rfs", os.name = "os", direct.name = "months";
  rfs.recurrence_is_event = rfs.death_is_event = os.death_is_event = true;
  rfs.horizon_months = 36, os.horizon_months = 60, direct.horizon_months = 30;
  direct.time_column = "t";
  const std::vector<EndpointSpec> endpoints{rfs, direct, os};
  const std::vector<HeadSpec> heads = heads_for(endpoints, {}, true);
  ASSERT_EQ(heads.size(), 2U);
  EXPECT_EQ(heads[0].endpoints, (std::vector<std::string>{"rfs", "os"}));
  EXPECT_EQ(heads[0].cuts, (std::vector<double>{0, 3, 6, 9, 12, 15, 18, 21, 24, 30, 36, 42, 48, 54, 60}));
  EXPECT_EQ(heads[1].name, "months");
  EXPECT_EQ(heads[1].cuts.back(), 30);
}

}  // namespace
}  // namespace hepar::objective
