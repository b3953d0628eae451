// SPDX-License-Identifier: Apache-2.0
// A row as a vector: raw values, states and times; nothing stands in for a missing value.
#include "data/clinical/vector.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace hepar::clinical {
namespace {

Cohort small_cohort() {
  Cohort cohort;
  for (const char* name : {"age", "afp", "mvi"}) {
    ColumnSpec column;
    column.name = name;
    cohort.spec.columns.push_back(column);
  }
  cohort.spec.columns[1].keep_limits = true;
  cohort.spec.columns[2].type = ColumnType::category;
  cohort.spec.columns[2].values = {"M0", "M1", "M2"};
  cohort.spec.columns[2].known = {KnownAt::kPostOp};
  cohort.spec.columns[2].from = {"table", "report.mvi"};
  cohort.spec.columns[2].conflict_is_query = true;
  ModalitySpec clinical;
  clinical.name = "clinical";
  clinical.columns = {"mvi", "afp", "age"};
  cohort.spec.modalities = {clinical};
  PatientRecord patient;
  patient.cells = {{63, Cell::State::known}, {60500, Cell::State::above_limit}, {}};
  cohort.patients = {patient};
  return cohort;
}

TEST(ClinicalVector, KeepsTheModalitysOrderValuesStatesAndTimes) {
  const Cohort cohort = small_cohort();
  const ClinicalVector vector = vector_of(cohort.patients[0], cohort.spec, cohort.spec.modalities[0], nullptr);
  EXPECT_TRUE(vector.present());
  EXPECT_TRUE(std::isnan(vector.values.at(0)));
  EXPECT_EQ(vector.values.at(1), 60500);
  EXPECT_EQ(vector.values.at(2), 63);
  EXPECT_EQ(vector.states, (std::vector{Cell::State::missing, Cell::State::above_limit, Cell::State::known}));
  EXPECT_EQ(vector.known.at(0).text(), "post_op");
  EXPECT_EQ(vector.known.at(2).text(), "pre_op");
}

TEST(ClinicalVector, TakesFactsOfExtractionAndLeavesConflictsOpen) {
  Cohort cohort = small_cohort();
  const Facts facts{{"report.mvi", {Fact::State::known, "M2", "report"}}};
  EXPECT_EQ(vector_of(cohort.patients[0], cohort.spec, cohort.spec.modalities[0], &facts).values.at(0), 2);
  cohort.patients[0].cells[2] = {1, Cell::State::known};
  const ClinicalVector vector = vector_of(cohort.patients[0], cohort.spec, cohort.spec.modalities[0], &facts);
  EXPECT_EQ(vector.states.at(0), Cell::State::query);
  EXPECT_TRUE(std::isnan(vector.values.at(0)));
}

TEST(ClinicalVector, SaysWhyItIsAbsent) {
  Cohort cohort = small_cohort();
  cohort.patients[0].cells = {{}, {}, {}};
  EXPECT_EQ(vector_of(cohort.patients[0], cohort.spec, cohort.spec.modalities[0], nullptr).reason,
            Reason::not_recorded);
  cohort.patients[0].cells[2] = {1, Cell::State::known};
  const Facts facts{{"report.mvi", {Fact::State::known, "M2", "report"}}};
  EXPECT_EQ(vector_of(cohort.patients[0], cohort.spec, cohort.spec.modalities[0], &facts).reason, Reason::query);
  cohort.spec.modalities[0].kind = Kind::bag;
  EXPECT_THROW((void)vector_of(cohort.patients[0], cohort.spec, cohort.spec.modalities[0], nullptr), Error);
}

TEST(ClinicalVector, CountsWhatEachColumnHolds) {
  Cohort cohort = small_cohort();
  cohort.patients.push_back(cohort.patients[0]);
  cohort.patients[1].cells = {{}, {5, Cell::State::known}, {1, Cell::State::known}};
  const std::vector<ColumnCount> counts = count_columns(cohort, cohort.spec.modalities[0]);
  EXPECT_EQ(counts.at(0).column, "mvi");
  EXPECT_EQ(counts.at(0).usable, 1);
  EXPECT_EQ(counts.at(1).limited, 1);
  EXPECT_EQ(counts.at(2).missing, 1);
}

}  // namespace
}  // namespace hepar::clinical
