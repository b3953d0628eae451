// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/availability.hpp"

#include "tests/validation/cohort_store.hpp"

#include <gtest/gtest.h>

namespace hepar::validation {
namespace {

// Of 40 patients every other one lacks the size; of those, three have the event by the horizon of 60 months and twelve later.
void lack_size(int number, store::PatientRow& row) {
  const int own = number / 2;
  if (number % 2 == 0) row.cells = {{0, Cell::State::missing}};
  row.outcomes = {{true, number % 2 == 0 && own >= 3 ? 70.0 + own : 10.0 + number, number % 2 == 1 || own < 15 ? 1 : 0}};
}

TEST(Availability, CountsNoEventAfterTheHorizon) {
  const testing::StoreFolder folder({20, 20}, 2, {}, {"surgery", "tace"}, lack_size);
  const store::Store store = folder.open();
  FoldResult fold;
  fold.record.name = "C1";
  fold.endpoints = {{"os", {60}, {}, Survival(1), Survival(1), {}}};
  for (std::int64_t p = 0; p < store.patients(); ++p) {
    fold.record.test.push_back(store.row(p).key);
    fold.endpoints[0].natural[0].push_back(0.3 + 0.01 * static_cast<double>(p));
  }
  const auto rows = availability_json(store, {fold}, 10).at("os");
  ASSERT_EQ(rows.size(), 1u) << rows.dump();
  EXPECT_EQ(rows[0].at("pattern"), "size missing");
  for (const char* figure : {"harrell_c", "oe"}) {
    EXPECT_EQ(rows[0].at(figure).at("events"), 3) << figure;
    EXPECT_EQ(rows[0].at(figure).at("not_estimable"), "3 events, fewer than 10") << figure;
  }
}

}  // namespace
}  // namespace hepar::validation
