// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/prefetch.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace hepar::engine {
namespace {

// Reads nothing but remembers who asked for it.
struct Reader {
  std::atomic<int> reads{0};
  Prefetch::Read read = [this](const std::vector<std::int64_t>& patients, std::uint64_t) {
    dataset::Batch batch;
    batch.patients = patients;
    ++reads;
    return batch;
  };
  void wait_for(int n) const {
    for (int i = 0; i < 3000 && reads < n; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_EQ(reads, n);
  }
};

TEST(Prefetch, KeepsWhatWasReadWhenTheNextStepIsAnnounced) {
  Reader reader;
  Prefetch prefetch(4, reader.read);
  prefetch.announce({{1, {10}}, {2, {20}}});
  reader.wait_for(2);
  prefetch.announce({{3, {30}}, {4, {40}}});
  for (const std::uint64_t key : {1, 2}) {
    const auto batch = prefetch.take(key);
    ASSERT_TRUE(batch.has_value()) << key;
    EXPECT_EQ(batch->patients, std::vector<std::int64_t>{static_cast<std::int64_t>(10 * key)});
  }
  reader.wait_for(4);
  EXPECT_TRUE(prefetch.take(3).has_value());
  EXPECT_TRUE(prefetch.take(4).has_value());
  EXPECT_EQ(reader.reads, 4) << "a batch was read twice";
}

TEST(Prefetch, GivesEachBatchOnceAndReadsNoMoreThanItHolds) {
  Reader reader;
  Prefetch prefetch(2, reader.read);
  prefetch.announce({{1, {10}}, {2, {20}}, {3, {30}}});
  reader.wait_for(2);
  EXPECT_FALSE(prefetch.take(3).has_value()) << "there was no room for it";
  EXPECT_TRUE(prefetch.take(1).has_value());
  EXPECT_FALSE(prefetch.take(1).has_value()) << "a repeated step reads its own";
  EXPECT_TRUE(prefetch.take(2).has_value());
  EXPECT_EQ(reader.reads, 2) << "what its user has read is read no more";
}

TEST(Prefetch, WithoutRoomHasNothing) {
  Reader reader;
  Prefetch prefetch(0, reader.read);
  prefetch.announce({{1, {10}}});
  EXPECT_FALSE(prefetch.take(1).has_value());
  EXPECT_EQ(reader.reads, 0);
}

}  // namespace
}  // namespace hepar::engine
