// SPDX-License-Identifier: Apache-2.0
// Each kind of leak is planted once in records that are clean otherwise, and must be named.
#include "trainer/validation/audit.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace hepar::validation {
namespace {

const std::vector<std::string> kEveryone{"a", "b", "c", "d", "e", "f"};
const std::map<std::string, std::string> kCentre{{"a", "A"}, {"b", "A"}, {"c", "B"}, {"d", "B"}, {"e", "C"}, {"f", "C"}};

std::vector<FoldRecord> clean() {
  const auto fold = [](const std::string& centre, std::vector<std::string> test, std::vector<std::string> train, std::vector<std::string> inner) {
    FoldRecord record{centre, {centre}, train, inner, test, {{"transform", train}, {"propensity", train}, {"clinical_cox", train}, {"calibration", inner}}, test, "features", "tables", {}};
    return record;
  };
  return {fold("A", {"a", "b"}, {"c", "d", "e"}, {"f"}), fold("B", {"c", "d"}, {"a", "b", "e"}, {"f"}), fold("C", {"e", "f"}, {"a", "b", "c"}, {"d"})};
}

void expect_caught(const std::function<void(std::vector<FoldRecord>&)>& plant, const std::string& words) {
  std::vector<FoldRecord> folds = clean();
  plant(folds);
  const Audit result = audit(folds, kEveryone, kCentre);
  EXPECT_FALSE(result.passed()) << words;
  bool named = false;
  for (const std::string& problem : result.problems) named = named || problem.find(words) != std::string::npos;
  EXPECT_TRUE(named) << words << " is not named in: " << (result.problems.empty() ? "" : result.problems.front());
}

TEST(Audit, PassesCleanFolds) {
  const Audit result = audit(clean(), kEveryone, kCentre);
  EXPECT_TRUE(result.passed()) << result.problems.front();
  EXPECT_FALSE(result.checks.empty());
}

TEST(Audit, AllowsAFoldThatCouldNotBeTrainedAndPredictsNobody) {
  std::vector<FoldRecord> folds = clean();
  folds[1].not_trained = "nobody has an event";
  folds[1].predicted.clear();
  EXPECT_TRUE(audit(folds, kEveryone, kCentre).passed());
  expect_caught([](auto& f) { f[1].not_trained = "nobody has an event"; }, "not trained and yet predicts");
  expect_caught([](auto& f) { f[1].predicted.clear(); }, "predictions are not its test patients");
}
TEST(Audit, CatchesATestPatientInTraining) { expect_caught([](auto& f) { f[0].train.push_back("a"); }, "trained on and tested on"); }
TEST(Audit, CatchesATestPatientInCalibration) { expect_caught([](auto& f) { f[0].inner.push_back("b"); }, "calibrates and is tested on"); }
TEST(Audit, CatchesTheHeldOutCentreInTraining) {
  expect_caught([](auto& f) {
    f[0].test = {"a"};
    f[0].predicted = {"a"};
    f[0].train.push_back("b");
  }, "held-out centre");
}
TEST(Audit, CatchesATransformThatSawATestPatient) { expect_caught([](auto& f) { f[1].fitted_on["transform"].push_back("c"); }, "transform saw the test patient c"); }
TEST(Audit, CatchesANetworkWhoseStepsSawATestPatient) { expect_caught([](auto& f) { f[1].fitted_on["network"] = {"a", "c"}; }, "network saw the test patient c"); }
TEST(Audit, CatchesSettingsThatWereChosenOnTheTestedCentre) {
  expect_caught([](auto& f) { f[1].settings_chosen_on = {"A", "B"}; }, "settings that were chosen on the centre B");
  std::vector<FoldRecord> others = clean();
  others[1].settings_chosen_on = {"A", "C"};
  EXPECT_TRUE(audit(others, kEveryone, kCentre).passed());
}
TEST(Audit, CatchesOnePersonUnderTwoIds) {
  const std::vector<Twins> twins{{"slide", "a", "b"}, {"ct", "a", "d"}};
  const Audit result = audit(clean(), kEveryone, kCentre, twins);
  ASSERT_EQ(result.problems.size(), 2u) << "folds A and B test one of the pair on what the other taught";
  EXPECT_NE(result.problems[0].find("patients a and d have the same ct"), std::string::npos) << result.problems[0];
  EXPECT_TRUE(audit(clean(), kEveryone, kCentre, {{"slide", "a", "b"}}).passed()) << "both are held out together";
}
TEST(Audit, CatchesAPropensityThatSawACalibrationPatient) { expect_caught([](auto& f) { f[1].fitted_on["propensity"].push_back("f"); }, "propensity was fitted on patient f"); }
TEST(Audit, CatchesABaselineThatSawATestPatient) { expect_caught([](auto& f) { f[2].fitted_on["clinical_cox"].push_back("e"); }, "clinical_cox saw the test patient e"); }
TEST(Audit, CatchesCalibrationOnTrainingPatients) { expect_caught([](auto& f) { f[2].fitted_on["calibration"] = {"a"}; }, "calibration was fitted on patient a"); }
TEST(Audit, CatchesAPatientHeldOutTwice) {
  expect_caught([](auto& f) {
    f[1].test.push_back("a");
    f[1].predicted.push_back("a");
    f[1].train = {"b", "e"};
    for (auto& [what, keys] : f[1].fitted_on)
      if (what != "calibration") keys = {"b", "e"};
  }, "held out 2 times");
}
TEST(Audit, CatchesAPatientNeverHeldOut) {
  expect_caught([](auto& f) {
    f[2].test = {"e"};
    f[2].predicted = {"e"};
  }, "held out 0 times");
}
TEST(Audit, CatchesPredictionsOfOthers) { expect_caught([](auto& f) { f[0].predicted = {"a", "c"}; }, "predictions are not its test patients"); }
TEST(Audit, CatchesAMissingPrediction) { expect_caught([](auto& f) { f[0].predicted = {"a"}; }, "predictions are not its test patients"); }
TEST(Audit, CatchesADoubledPrediction) { expect_caught([](auto& f) { f[0].predicted = {"a", "b", "b"}; }, "predictions are not its test patients"); }
TEST(Audit, CatchesAnotherStore) { expect_caught([](auto& f) { f[1].features_sha256 = "other"; }, "another store"); }
TEST(Audit, CatchesAnInputKnownTooLate) { expect_caught([](auto& f) { f[1].inputs_known_late = {"mvi"}; }, "mvi is not known"); }

}  // namespace
}  // namespace hepar::validation
