// SPDX-License-Identifier: Apache-2.0
#include "trainer/dataset/dataset.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace hepar::dataset {
namespace {

std::vector<std::int64_t> some(std::int64_t n) {
  std::vector<std::int64_t> list;
  for (std::int64_t i = 0; i < n; ++i) list.push_back(3 * i + 1);
  return list;
}

TEST(Sampler, UsesEveryPatientExactlyOnceAnEpoch) {
  for (const std::int64_t n : {1, 4, 63, 64, 65, 130}) {
    const Sampler sampler(some(n), 9, 4, 4);
    EXPECT_EQ(sampler.steps_per_epoch(), (n + 15) / 16);
    for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
      std::vector<std::int64_t> seen;
      for (std::int64_t s = 0; s < sampler.steps_per_epoch(); ++s) {
        const StepPlan plan = sampler.step(epoch * sampler.steps_per_epoch() + s);
        EXPECT_EQ(plan.epoch, epoch);
        std::int64_t count = 0;
        for (const Slot& slot : plan.slots) {
          EXPECT_FALSE(slot.patients.empty());
          seen.insert(seen.end(), slot.patients.begin(), slot.patients.end());
          count += static_cast<std::int64_t>(slot.patients.size());
        }
        EXPECT_EQ(count, plan.patients);
      }
      std::sort(seen.begin(), seen.end());
      EXPECT_EQ(seen, some(n));
    }
  }
}

TEST(Sampler, IsAPureFunctionOfSeedAndStep) {
  std::vector<std::int64_t> reversed = some(50);
  std::reverse(reversed.begin(), reversed.end());
  const Sampler a(some(50), 1, 2, 4), b(reversed, 1, 2, 4), c(some(50), 2, 2, 4);
  bool differs = false, epochs_differ = false;
  for (std::int64_t s = 20; s-- > 0;)
    for (std::size_t k = 0; k < a.step(s).slots.size(); ++k) {
      EXPECT_EQ(a.step(s).slots[k].patients, b.step(s).slots[k].patients);
      differs |= a.step(s).slots[k].patients != c.step(s).slots[k].patients;
      epochs_differ |= a.step(s).slots[k].patients != a.step(s + a.steps_per_epoch()).slots[k].patients;
    }
  EXPECT_TRUE(differs);
  EXPECT_TRUE(epochs_differ);
}

TEST(ShareOut, GivesEverySlotToOneRankAndBalances) {
  const Sampler sampler(some(200), 1, 13, 4);
  const StepPlan plan = sampler.step(0);
  std::vector<double> cost(601);
  for (std::size_t p = 0; p < cost.size(); ++p) cost[p] = 1 + static_cast<double>(p % 17);
  for (int ranks = 1; ranks <= 5; ++ranks) {
    const auto shares = share_out(plan, cost, ranks);
    ASSERT_EQ(shares.size(), static_cast<std::size_t>(ranks));
    std::set<std::int64_t> slots;
    double most = 0, all = 0, largest = 0;
    for (const auto& share : shares) {
      double load = 0;
      for (const std::int64_t slot : share) {
        EXPECT_TRUE(slots.insert(slot).second);
        double own = 0;
        for (const std::int64_t p : plan.slots[static_cast<std::size_t>(slot)].patients) own += cost[static_cast<std::size_t>(p)];
        load += own, largest = std::max(largest, own);
      }
      most = std::max(most, load), all += load;
    }
    EXPECT_EQ(slots.size(), plan.slots.size());
    EXPECT_LE(most, all / ranks + largest);
    EXPECT_EQ(shares, share_out(plan, cost, ranks));
  }
}

TEST(ShareOut, MoreRanksThanSlotsLeavesSomeIdle) {
  const Sampler sampler(some(4), 1, 4, 4);
  const auto shares = share_out(sampler.step(0), std::vector<double>(20, 1.0), 3);
  EXPECT_EQ(shares[0].size() + shares[1].size() + shares[2].size(), 1U);
}

}  // namespace
}  // namespace hepar::dataset
