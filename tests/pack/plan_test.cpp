// SPDX-License-Identifier: Apache-2.0
// The plan of shards covers every patient once, respects its limits, and stays where it is when patients join or leave.
#include "data/base/random.hpp"
#include "sharding/pack/pack.hpp"

#include <gtest/gtest.h>

#include <set>

namespace hepar::pack {

namespace {

const std::vector<store::StoredModality> kModalities{{"clinical", {Kind::vector, DType::float32, {3}, "", ""}, {}, {}},
                                                     {"slide", {Kind::bag, DType::float16, {384}, "", ""}, {}, {}},
                                                     {"report", {Kind::sequence, DType::int32, {}, "", ""}, {}, {}}};

std::vector<store::PatientSize> cohort(int n, std::uint64_t seed) {
  std::vector<store::PatientSize> sizes;
  Stream stream({seed});
  for (int i = 0; i < n; ++i) sizes.push_back({"P" + std::to_string(100000 + 2 * i), {static_cast<std::int64_t>(stream.below(600)), static_cast<std::int64_t>(stream.below(90))}});
  return sizes;
}

std::uint64_t bytes_of_patient(const store::PatientSize& size) { return static_cast<std::uint64_t>(size.items[0]) * 384 * 2 + static_cast<std::uint64_t>(size.items[1]) * 4; }

// The keys of each shard, as one text.
std::set<std::string> contents(const std::vector<store::PatientSize>& sizes, const std::vector<ShardPlan>& plans) {
  std::set<std::string> all;
  for (const ShardPlan& plan : plans) {
    std::string keys;
    for (std::int64_t i = 0; i < plan.patients; ++i) keys += sizes[static_cast<std::size_t>(plan.first + i)].key + ";";
    all.insert(keys);
  }
  return all;
}

}  // namespace

TEST(Plan, CoversEveryPatientOnceInOrderWithinItsLimits) {
  constexpr std::uint64_t kLimit = 20 << 20;
  for (std::uint64_t seed = 1; seed < 30; ++seed) {
    const auto sizes = cohort(700, seed);
    std::int64_t next = 0;
    for (const ShardPlan& plan : plan_shards(sizes, kModalities, kLimit, 200)) {
      EXPECT_EQ(plan.first, next);
      EXPECT_GT(plan.patients, 0);
      EXPECT_LE(plan.patients, 200);
      std::uint64_t bytes = 0;
      for (std::int64_t i = 0; i < plan.patients; ++i) bytes += bytes_of_patient(sizes[static_cast<std::size_t>(plan.first + i)]);
      EXPECT_LE(bytes, kLimit);
      next += plan.patients;
    }
    EXPECT_EQ(next, 700);
  }
}

TEST(Plan, APatientLargerThanAShardHasOneOfHisOwn) {
  std::vector<store::PatientSize> sizes = cohort(3, 1);
  sizes[1].items = {1 << 20, 0};
  const auto plans = plan_shards(sizes, kModalities, 1 << 20, 200);
  ASSERT_EQ(plans.size(), 3u);
  EXPECT_EQ(plans[1].patients, 1);
}

TEST(Plan, ANewPatientMovesFewShards) {
  std::int64_t kept = 0, all = 0;
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    auto sizes = cohort(8000, seed);
    const auto before = contents(sizes, plan_shards(sizes, kModalities, 64 << 20, 500));
    store::PatientSize added = sizes[static_cast<std::size_t>(seed) * 200];
    added.key += "x";
    sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(seed) * 200 + 1, added);
    for (const std::string& shard : contents(sizes, plan_shards(sizes, kModalities, 64 << 20, 500))) {
      ++all;
      kept += before.contains(shard) ? 1 : 0;
    }
  }
  EXPECT_GT(static_cast<double>(kept) / static_cast<double>(all), 0.8) << kept << " of " << all;
}

}  // namespace hepar::pack
