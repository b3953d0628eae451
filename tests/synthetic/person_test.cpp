// SPDX-License-Identifier: Apache-2.0
// The generator's promises: pure functions of (seed, number), potential outcomes that agree with what is observed, no
// treatment after an event, and the design values of the study.
#include "data/synthetic/person.hpp"
#include "data/synthetic/report_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace hepar::synthetic {
namespace {

constexpr std::int64_t kMany = 3000;
constexpr double kDay = 1 / 30.4375;

Options options_with(const std::string& effect, std::uint64_t seed = 5) {
  Options options;
  options.patients = kMany;
  options.centres = 12;
  options.seed = seed;
  options.effect = effect;
  return options;
}

const std::vector<Person>& people(const std::string& effect = "clinical") {
  static std::map<std::string, std::vector<Person>> made;
  std::vector<Person>& list = made[effect];
  if (list.empty()) {
    const Options options = options_with(effect);
    const std::vector<Centre> centres = draw_centres(options);
    for (std::int64_t i = 0; i < kMany; ++i) list.push_back(draw_person(options, centres, i));
  }
  return list;
}

template <class Test>
double share(Test test) {
  return static_cast<double>(std::count_if(people().begin(), people().end(), test)) / kMany;
}

TEST(Synthetic, APatientIsAPureFunctionOfSeedAndNumber) {
  const Options options = options_with("clinical");
  const std::vector<Centre> centres = draw_centres(options);
  const Person again = draw_person(options, centres, 17), &first = people()[17], other = draw_person(options_with("clinical", 6), draw_centres(options_with("clinical", 6)), 17);
  EXPECT_EQ(again.log_hazard, first.log_hazard);
  EXPECT_EQ(again.potential[1].recurrence, first.potential[1].recurrence);
  EXPECT_EQ(report_text(options, again), report_text(options, first));
  EXPECT_NE(other.log_hazard, first.log_hazard);
}

TEST(Synthetic, TheTreatmentDoesNotChangeWhoThePatientIs) {
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(people("none")[i].log_hazard, people("latent")[i].log_hazard);
    EXPECT_EQ(people("none")[i].potential[0].recurrence, people("latent")[i].potential[0].recurrence) << "under surgery alone no effect applies";
  }
}

TEST(Synthetic, UntilATreatmentStartsEveryCourseIsThatOfSurgery) {
  for (const Person& p : people())
    for (std::size_t arm = 1; arm < kArms; ++arm) {
      const double start = p.start_day[arm] * kDay, surgery = std::min(p.potential[0].recurrence, p.potential[0].death), treated = std::min(p.potential[arm].recurrence, p.potential[arm].death);
      if (std::min(surgery, treated) < start - 0.125) {
        EXPECT_EQ(surgery, treated) << p.id << " arm " << arm;
      }
    }
}

TEST(Synthetic, WhatIsObservedIsThePotentialOutcomeOfTheRecordedArm) {
  for (const Person& p : people()) {
    const Observed seen = observe(p);
    const Course& course = p.potential[p.intended_arm];
    if (seen.death >= 0) {
      EXPECT_EQ(seen.death, course.death);
    }
    if (seen.recurrence >= 0) {
      EXPECT_EQ(seen.recurrence, course.recurrence);
    }
    if (seen.death < 0) {
      EXPECT_GT(course.death, p.censored);
    }
    EXPECT_LE(seen.recurrence, seen.last_contact);
    EXPECT_LE(seen.death, seen.last_contact);
  }
}

TEST(Synthetic, NobodyStartsATreatmentAfterAnEventOrTheEndOfFollowUp) {
  std::size_t never_started = 0;
  for (const Person& p : people()) {
    const Observed seen = observe(p);
    for (const double start : {seen.tace_start, seen.systemic_start}) {
      if (start < 0) continue;
      EXPECT_LT(start, seen.last_contact / kDay);
      if (seen.recurrence >= 0) {
        EXPECT_LT(start, seen.recurrence / kDay);
      }
      EXPECT_GE(start, 25);
      EXPECT_LE(start, 84);
    }
    never_started += p.intended_arm != 0 && seen.tace_start < 0 && seen.systemic_start < 0 ? 1 : 0;
  }
  EXPECT_GT(never_started, 10u) << "the immortal time that an analysis has to face";
}

TEST(Synthetic, StartsSpreadOverTheWindow) {
  std::vector<double> tace, systemic;
  for (const Person& p : people()) {
    tace.push_back(p.start_day[1]);
    systemic.push_back(p.start_day[3]);
  }
  EXPECT_LT(*std::min_element(tace.begin(), tace.end()), 26);
  EXPECT_GT(*std::max_element(tace.begin(), tace.end()), 59);
  EXPECT_LT(*std::min_element(systemic.begin(), systemic.end()), 29);
  EXPECT_GT(*std::max_element(systemic.begin(), systemic.end()), 83);
}

TEST(Synthetic, TheCohortLooksLikeTheDesign) {
  EXPECT_NEAR(share([](const Person& p) { return p.mvi == 0; }), 0.60, 0.04);
  EXPECT_NEAR(share([](const Person& p) { return p.mvi == 2; }), 0.13, 0.03);
  EXPECT_NEAR(share([](const Person& p) { return p.multiple != 0; }), 0.17, 0.03);
  EXPECT_NEAR(share([](const Person& p) { return p.sex == 1; }), 0.84, 0.02);
  EXPECT_NEAR(share([](const Person& p) { return p.hbsag == 1; }), 0.82, 0.02);
  const std::array<double, kArms> arms{0.55, 0.28, 0.09, 0.08};
  for (std::size_t a = 0; a < kArms; ++a) EXPECT_NEAR(share([&](const Person& p) { return p.intended_arm == a; }), arms[a], 0.07) << kArmNames[a];
  EXPECT_NEAR(share([](const Person& p) { return p.potential[0].recurrence <= 60; }), 0.58, 0.05);
  EXPECT_NEAR(share([](const Person& p) { return p.potential[0].death > 60; }), 0.62, 0.05);
  const auto recurs = [](double from, double to) { return share([&](const Person& p) { return p.potential[0].recurrence > from && p.potential[0].recurrence <= to; }); };
  EXPECT_GT(recurs(0, 12), recurs(12, 24) * 1.5) << "the peak is in the first year";
}

TEST(Synthetic, EveryKindOfMissingnessAndIneligibilityIsThere) {
  EXPECT_NEAR(share([](const Person& p) { return !p.has_ct; }), 0.05, 0.015);
  EXPECT_NEAR(share([](const Person& p) { return !p.has_slide; }), 0.10, 0.02);
  EXPECT_NEAR(share([](const Person& p) { return !p.has_report; }), 0.08, 0.02);
  EXPECT_GT(share([](const Person& p) { return p.age > 75; }), 0);
  EXPECT_GT(share([](const Person& p) { return p.prior_therapy; }), 0);
  EXPECT_GT(share([](const Person& p) { return p.r1; }), 0);
  EXPECT_GT(share([](const Person& p) { return p.metastasis; }), 0);
  EXPECT_GT(share([](const Person& p) { return p.other_histology; }), 0);
  EXPECT_GT(share([](const Person& p) { return p.lost; }), 0);
}

TEST(Synthetic, TreatmentIsGivenByIndication) {
  double treated = 0, untreated = 0, n = 0, m = 0;
  for (const Person& p : people()) (p.intended_arm != 0 ? treated : untreated) += p.clinical_log_hazard, (p.intended_arm != 0 ? n : m) += 1;
  EXPECT_GT(treated / n, untreated / m + 0.2);
}

TEST(Synthetic, EffectsAreThoseOfTheirSwitch) {
  for (const Person& p : people()) {
    if (p.mvi > 0) {
      EXPECT_DOUBLE_EQ(p.log_effect[1], std::log(0.70));
    }
    EXPECT_GE(p.log_effect[2], std::log(0.60) - 1e-12);
    EXPECT_EQ(p.log_effect[0], 0);
  }
  for (const Person& p : people("none")) EXPECT_EQ(p.log_effect, people("none").front().log_effect);
  double helped = 0, harmed = 0;
  for (const Person& p : people("latent")) (p.log_effect[1] < 0 ? helped : harmed) += 1;
  EXPECT_GT(helped, 100);
  EXPECT_GT(harmed, 100);
}

TEST(Synthetic, TheTrueRiskIsTheShareOfPotentialOutcomes) {
  // Averaged over the cohort, the computed risk must be what the simulated courses did.
  constexpr std::array<double, 3> kHorizon{36, 36, 60};
  for (std::size_t arm = 0; arm < kArms; ++arm)
    for (std::size_t endpoint = 0; endpoint < 3; ++endpoint) {
      double risk = 0, happened = 0;
      for (const Person& p : people()) {
        const Course& c = p.potential[arm];
        risk += true_risk(p, arm, endpoint, kHorizon[endpoint], p.log_hazard);
        const double when = endpoint == 0 ? std::min(c.recurrence, c.death) : endpoint == 1 ? c.recurrence : c.death;
        happened += when <= kHorizon[endpoint] ? 1 : 0;
      }
      EXPECT_NEAR(risk / kMany, happened / kMany, 0.03) << kArmNames[arm] << " endpoint " << endpoint;
    }
}

TEST(Synthetic, WhatIsPaintedTellsTheLatent) {
  // The reader's log hazard explains most of what the latents add.
  double with = 0, of = 0, mean_rest = 0, mean_read = 0;
  for (const Person& p : people()) {
    mean_rest += (p.log_hazard - p.clinical_log_hazard) / kMany;
    mean_read += (readable_log_hazard(p) - p.clinical_log_hazard) / kMany;
  }
  double of_read = 0;
  for (const Person& p : people()) {
    const double rest = p.log_hazard - p.clinical_log_hazard - mean_rest, read = readable_log_hazard(p) - p.clinical_log_hazard - mean_read;
    with += rest * read;
    of += rest * rest;
    of_read += read * read;
  }
  EXPECT_GT(with / std::sqrt(of * of_read), 0.88);
  EXPECT_NEAR(with / of_read, 1, 0.06) << "a posterior mean is not over- or underconfident";
}

}  // namespace
}  // namespace hepar::synthetic
