// SPDX-License-Identifier: Apache-2.0
// A recommendation from a patient's curve and the strategies' relative effects.
#include "trainer/validation/decisions.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace hepar::validation {
namespace {

std::vector<Strategy> arms() { return {{"surgery", 100, ""}, {"tace", 50, ""}, {"systemic", 3, "3 patients of the training fold received it"}}; }

std::vector<EndpointSpec> endpoints() {
  EndpointSpec rfs;
  rfs.name = "rfs";
  rfs.recurrence_is_event = rfs.death_is_event = true;
  rfs.horizon_months = 36;
  EndpointSpec os;
  os.name = "os";
  os.death_is_event = true;
  return {os, rfs};
}

DecisionRule::Patient patient_with(const DecisionRule& rule, double tace, double se) {
  std::vector<double> survival;
  for (const double month : rule.grid()) survival.push_back(std::exp(-0.02 * month));
  return {survival, {{0, 0}, {tace, se}, {std::nan(""), std::nan("")}}, {0.6, 0.4, 0}, {}};
}

TEST(DecisionRule, RecommendsTheLargestGainAndSaysHowSureItIs) {
  const DecisionRule rule({}, arms(), endpoints(), {});
  EXPECT_EQ(rule.endpoint(), "rfs");  // recurrence and death, though os comes first
  const Decision decision = rule.of(patient_with(rule, -0.5, 0.1));
  EXPECT_EQ(decision.recommended, 1);
  EXPECT_GT(decision.gain[1], 2);
  EXPECT_LT(decision.low[1], decision.gain[1]);
  EXPECT_GT(decision.high[1], decision.gain[1]);
  EXPECT_TRUE(decision.sensitive[1]);
  EXPECT_FALSE(decision.sensitive[0]);
  EXPECT_TRUE(std::isnan(decision.months[2]));  // never recommended, never a number
  EXPECT_FALSE(rule.of(patient_with(rule, -0.5, 0.4)).sensitive[1]);
}

TEST(DecisionRule, FallsBackOnASmallGainAndCountsToxicity) {
  engine::DecisionConfig config;
  const DecisionRule plain(config, arms(), endpoints(), {});
  const Decision small = plain.of(patient_with(plain, -0.02, 0.1));
  EXPECT_EQ(small.recommended, 0);
  EXPECT_TRUE(small.small_gain);
  config.toxicity_months = {"tace=30"};
  const DecisionRule costly(config, arms(), endpoints(), {});
  const Decision decision = costly.of(patient_with(costly, -0.5, 0.1));
  EXPECT_EQ(decision.recommended, 0);
  EXPECT_TRUE(decision.sensitive[1]);  // the gain is there, the price is another matter
  config.toxicity_months = {"tce=1"};
  EXPECT_THROW(DecisionRule(config, arms(), endpoints(), {}), Error);
}

TEST(DecisionRule, AbstainsWithoutSupportOrWithoutAModality) {
  engine::DecisionConfig config;
  config.required = {"slide"};
  const DecisionRule rule(config, arms(), endpoints(), {"clinical", "slide"});
  DecisionRule::Patient patient = patient_with(rule, -0.5, 0.1);
  patient.propensity = {0.99, 0.01, 0};
  patient.missing = {"slide"};
  EXPECT_EQ(rule.of(patient).abstained, (std::vector<std::string>{"low_support", "missing_slide"}));
  config.required = {"sldie"};
  EXPECT_THROW(DecisionRule(config, arms(), endpoints(), {"clinical", "slide"}), Error);
}

TEST(DecisionsCsv, NamesEveryArm) {
  DecisionsCsv csv({"surgery", "tace", "systemic"});
  const DecisionRule rule({}, arms(), endpoints(), {});
  store::PatientRow row;
  row.id = "P1";
  row.centre = "C1";
  csv.add(row, "C1", rule.of(patient_with(rule, -0.5, 0.1)));
  EXPECT_NE(csv.text().find("gain_low_tace"), std::string::npos);
  EXPECT_EQ(csv.text().find("nan"), std::string::npos);
}

}  // namespace
}  // namespace hepar::validation
