// SPDX-License-Identifier: Apache-2.0
// Gradients summed bucket by bucket: the whole arena once, the same bits early or late, whatever order segments finish in.
#include "trainer/engine/buckets.hpp"

#include "data/base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <thread>

namespace hepar::engine {
namespace {

TEST(Buckets, CoverEveryElementOnceFromTheEnd) {
  for (const std::size_t size : {std::size_t{1}, kBucketBytes / 4, kBucketBytes / 4 + 1, 5 * kBucketBytes / 4 + 17}) {
    std::size_t end = size;
    for (const Bucket& bucket : buckets_of(size, 4)) {
      EXPECT_EQ(bucket.first + bucket.count, end);
      EXPECT_LE(4 * bucket.count, kBucketBytes);
      EXPECT_GT(bucket.count, 0U);
      end = bucket.first;
    }
    EXPECT_EQ(end, 0U);
  }
  EXPECT_TRUE(buckets_of(0, 4).empty());
}

// Segments of very different lengths; several buckets in one and several in a bucket.
std::vector<Segment> segments_of(std::int64_t& size) {
  std::vector<Segment> segments;
  for (const std::int64_t count : {3LL, 700000LL, 1LL, 1300000LL, 20LL, 260000LL, 5LL}) {
    segments.push_back({"s" + std::to_string(segments.size()), {count}, size, count, true});
    size += count;
  }
  return segments;
}

struct Reduced { std::vector<float> sum; double squares = 0; };

Reduced reduced(int ranks, std::size_t replicas, bool early) {
  std::int64_t size = 0;
  const std::vector<Segment> segments = segments_of(size);
  auto group = collective::make_threads(ranks);
  std::vector<Reduced> of_rank(static_cast<std::size_t>(ranks));
  std::vector<std::thread> threads;
  for (auto& member : group)
    threads.emplace_back([&] {
      std::vector<std::vector<float>> own(replicas, std::vector<float>(static_cast<std::size_t>(size)));
      std::vector<std::span<float>> views(own.begin(), own.end());
      BucketSum sum(segments, views, *member);
      for (int step = 0; step < 2; ++step) {  // the second time too
        sum.begin(early);
        std::vector<std::thread> workers;
        for (std::size_t r = 0; r < replicas; ++r)
          workers.emplace_back([&, r] {
            std::vector<std::size_t> order(segments.size());
            std::iota(order.begin(), order.end(), std::size_t{0});
            std::rotate(order.begin(), order.begin() + (member->rank() + static_cast<int>(r)) % 7, order.end());  // another order on every rank
            for (const std::size_t s : order) {
              Stream stream({static_cast<std::uint64_t>(member->rank()), r, s});
              for (std::int64_t i = 0; i < segments[s].count; ++i) own[r][static_cast<std::size_t>(segments[s].first + i)] = static_cast<float>(stream.uniform() - 0.5);
              sum.ready(s);
            }
          });
        for (std::thread& worker : workers) worker.join();
        of_rank[static_cast<std::size_t>(member->rank())] = {own[0], sum.finish()};
        of_rank[static_cast<std::size_t>(member->rank())].sum = own[0];
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const Reduced& other : of_rank) {
    EXPECT_EQ(other.sum, of_rank[0].sum);
    EXPECT_EQ(other.squares, of_rank[0].squares);
  }
  return of_rank[0];
}

TEST(BucketSum, EarlyAndLateGiveTheSameBits) {
  for (const std::size_t replicas : {1U, 2U}) {
    const Reduced late = reduced(3, replicas, false), early = reduced(3, replicas, true);
    EXPECT_EQ(late.sum, early.sum) << replicas;
    EXPECT_EQ(late.squares, early.squares) << replicas;
    EXPECT_GT(late.squares, 0) << replicas;
  }
}

TEST(BucketSum, SaysWhenASegmentWasForgotten) {
  std::int64_t size = 0;
  const std::vector<Segment> segments = segments_of(size);
  const auto alone = collective::make_self();
  std::vector<float> gradient(static_cast<std::size_t>(size));
  BucketSum sum(segments, {gradient}, *alone);
  sum.begin(false);
  for (std::size_t s = 1; s < segments.size(); ++s) sum.ready(s);
  EXPECT_THROW((void)sum.finish(), Error);
}

}  // namespace
}  // namespace hepar::engine
