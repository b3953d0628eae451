// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/fold_plan.hpp"

#include "tests/validation/cohort_store.hpp"
#include "trainer/validation/fold_run.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace hepar::validation {
namespace {

using testing::StoreFolder;

const std::vector<std::string> kEndpoints{"os"};

// What every plan owes, whatever its scheme.
void expect_lawful(const store::Store& store, const std::vector<Fold>& folds, bool everybody) {
  std::map<std::int64_t, int> tested;
  for (const Fold& fold : folds) {
    const std::set<std::int64_t> test(fold.test.begin(), fold.test.end()), train(fold.train.begin(), fold.train.end());
    for (const std::int64_t p : fold.test) ++tested[p];
    for (const std::int64_t p : fold.train) EXPECT_FALSE(test.contains(p)) << fold.name;
    for (const std::int64_t p : fold.inner) {
      EXPECT_FALSE(test.contains(p)) << fold.name;
      EXPECT_FALSE(train.contains(p)) << fold.name;
    }
    EXPECT_EQ(fold.test.size() + fold.train.size() + fold.inner.size(), static_cast<std::size_t>(store.patients()));
    const std::set<std::string> held_out(fold.held_out.begin(), fold.held_out.end());
    for (const auto* part : {&fold.train, &fold.inner})
      for (const std::int64_t p : *part) EXPECT_FALSE(held_out.contains(store.row(p).centre)) << fold.name;
  }
  if (!everybody) return;
  for (std::int64_t p = 0; p < store.patients(); ++p) EXPECT_EQ(tested[p], 1);
}

TEST(FoldPlan, HoldsOutEachCentreOnce) {
  const StoreFolder folder({20, 30, 40});
  const store::Store store = folder.open();
  const std::vector<Fold> folds = plan_folds(store, patients_of(store, kEndpoints), {kEndpoints, {}, 1});
  ASSERT_EQ(folds.size(), 3u);
  EXPECT_EQ(folds[1].name, "C2");
  EXPECT_EQ(folds[1].test.size(), 30u);
  expect_lawful(store, folds, true);
}

TEST(FoldPlan, PoolsCentresWithFewEvents) {
  const StoreFolder folder({40, 6, 8, 60, 10});
  const store::Store store = folder.open();
  engine::ValidationConfig config;
  config.pool_below_events = 10;
  const std::vector<Fold> folds = plan_folds(store, patients_of(store, kEndpoints), {kEndpoints, config, 1});
  ASSERT_EQ(folds.size(), 3u);
  EXPECT_EQ(folds[2].name, "pool-1");
  EXPECT_EQ(folds[2].held_out, (std::vector<std::string>{"C2", "C3", "C5"}));
  expect_lawful(store, folds, true);
}

TEST(FoldPlan, GivesAPoolANameThatNoCentreHas) {
  const StoreFolder folder({60, 60, 6, 8}, 2, {"pool-1", "A", "B", "C"});
  const store::Store store = folder.open();
  engine::ValidationConfig config;
  config.pool_below_events = 5;
  const std::vector<Fold> folds = plan_folds(store, patients_of(store, kEndpoints), {kEndpoints, config, 1});
  std::set<std::string> names;
  for (const Fold& fold : folds) EXPECT_TRUE(names.insert(fold.name).second) << fold.name << " twice";
  EXPECT_TRUE(names.contains("pool-2"));
  expect_lawful(store, folds, true);
}

TEST(ValidationFolder, KeepsEveryFoldInsideAndApart) {
  const ValidationFolder folder{"v"};
  EXPECT_EQ(folder.fold("C01").root, std::filesystem::path("v/folds/C01"));
  EXPECT_EQ(folder.fold("Zürich 肝").root, std::filesystem::path("v/folds/Zürich 肝"));
  EXPECT_EQ(folder.fold("A/B").root, std::filesystem::path("v/folds/A%2FB"));
  EXPECT_EQ(folder.fold("..").root, std::filesystem::path("v/folds/%2E%2E"));
  EXPECT_NE(folder.fold("A%2FB").root, folder.fold("A/B").root);
}

TEST(FoldPlan, DealsPatientsOrCentresToKFolds) {
  const StoreFolder folder({20, 20, 20, 20, 20, 20});
  const store::Store store = folder.open();
  engine::ValidationConfig config;
  config.scheme = "grouped_k_fold";
  config.folds = 3;
  expect_lawful(store, plan_folds(store, patients_of(store, kEndpoints), {kEndpoints, config, 1}), true);
  config.group = "centre";
  const std::vector<Fold> folds = plan_folds(store, patients_of(store, kEndpoints), {kEndpoints, config, 1});
  for (const Fold& fold : folds) EXPECT_EQ(fold.held_out.size(), 2u);
  expect_lawful(store, folds, true);
}

TEST(FoldPlan, SplitsOnce) {
  const StoreFolder folder({50, 50});
  const store::Store store = folder.open();
  engine::ValidationConfig config;
  config.scheme = "split";
  config.test = 0.2;
  const std::vector<Fold> folds = plan_folds(store, patients_of(store, kEndpoints), {kEndpoints, config, 1});
  ASSERT_EQ(folds.size(), 1u);
  EXPECT_EQ(folds[0].test.size(), 20u);
  expect_lawful(store, folds, false);
}

TEST(FoldPlan, KeepsTheInnerShareAndDependsOnTheSeedAlone) {
  const StoreFolder folder({400, 400});
  const store::Store store = folder.open();
  const std::vector<Fold> first = plan_folds(store, patients_of(store, kEndpoints), {kEndpoints, {}, 1}), again = plan_folds(store, patients_of(store, kEndpoints), {kEndpoints, {}, 1}), other = plan_folds(store, patients_of(store, kEndpoints), {kEndpoints, {}, 2});
  EXPECT_NEAR(static_cast<double>(first[0].inner.size()), 40, 25);
  EXPECT_EQ(first[0].inner, again[0].inner);
  EXPECT_NE(first[0].inner, other[0].inner);
  engine::ValidationConfig none;
  none.inner_use.clear();
  EXPECT_TRUE(plan_folds(store, patients_of(store, kEndpoints), {kEndpoints, none, 1})[0].inner.empty());
}

TEST(FoldPlan, RefusesOneCentreAndTooManyFolds) {
  const StoreFolder folder({12});
  const store::Store store = folder.open();
  try {
    (void)plan_folds(store, patients_of(store, kEndpoints), {kEndpoints, {}, 1});
    FAIL() << "one centre was held out from itself";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_NE(std::string(error.what()).find("two centres"), std::string::npos);
  }
  engine::ValidationConfig config;
  config.scheme = "grouped_k_fold";
  config.folds = 13;
  EXPECT_THROW((void)plan_folds(store, patients_of(store, kEndpoints), {kEndpoints, config, 1}), Error);
}

// An endpoint that nobody asked for makes no centre small, and knowing it alone makes no patient of the validation.
TEST(FoldPlan, LooksAtTheEndpointsThatAreAskedForAlone) {
  const StoreFolder folder({40, 30});
  const store::Store store = folder.open();
  EXPECT_EQ(patients_of(store, kEndpoints).size(), 70u);
  EXPECT_TRUE(patients_of(store, {"rfs"}).empty());
  engine::ValidationConfig config;
  config.pool_below_events = 18;  // the second centre has 15
  EXPECT_EQ(plan_folds(store, patients_of(store, kEndpoints), {kEndpoints, config, 1})[1].name, "pool-1");
  EXPECT_EQ(plan_folds(store, patients_of(store, kEndpoints), {{"rfs"}, config, 1})[1].name, "C2");
}

// Each value that the option takes has its plan.
TEST(FoldPlan, KnowsEverySchemeOfTheExperiment) {
  const StoreFolder folder({20, 20, 20, 20, 20, 20});
  const store::Store store = folder.open();
  for (const char* scheme : {"leave_one_centre_out", "grouped_k_fold", "split"}) {
    engine::Experiment experiment;
    std::vector<Row> rows = engine::rows(experiment);
    hepar::apply(Yaml::parse(std::string("validation: {scheme: ") + scheme + "}", "experiment.yaml"), rows);
    EXPECT_FALSE(plan_folds(store, patients_of(store, kEndpoints), {kEndpoints, experiment.validation, 1}).empty()) << scheme;
  }
}

}  // namespace
}  // namespace hepar::validation
