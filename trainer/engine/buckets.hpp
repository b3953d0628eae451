// SPDX-License-Identifier: Apache-2.0
// The flat gradient in buckets that a cache holds (distributed.md, section 3: a sum over ranks costs several times as much
// an element beyond 4 MiB). Bucket 0 lies at the end of the arena, where backward finishes first; buckets are summed in the
// order of their numbers on every rank.
#pragma once

#include "trainer/collective/collective.hpp"
#include "trainer/engine/arena.hpp"

#include <cstddef>
#include <mutex>
#include <span>
#include <vector>

namespace hepar::engine {

inline constexpr std::size_t kBucketBytes = std::size_t{2} << 20;

struct Bucket { std::size_t first = 0, count = 0; };
[[nodiscard]] std::vector<Bucket> buckets_of(std::size_t elements, std::size_t bytes_of_element);

// Sum of squares in a fixed order: the same bits wherever the same values lie.
[[nodiscard]] double squares(std::span<const float> values);

// Sums gradients over the replicas of a rank and over ranks. A bucket that is begun early is summed while backward goes on;
// the sums are the same bits either way.
class BucketSum {
 public:
  // `replicas`: flat gradients of this rank, all of the arena's size; the result comes into the first.
  BucketSum(const std::vector<Segment>& segments, std::vector<std::span<float>> replicas, collective::Collective& group);

  // A step begins. `early`: a bucket is begun as soon as it and all before it are ready.
  void begin(bool early);
  // This replica adds nothing more to the segment. Each pair once a step; from any thread.
  void ready(std::size_t segment);
  // After every pair has been ready. Collective; returns the sum of squares of the whole gradient.
  double finish();

 private:
  void start(std::size_t bucket);

  std::vector<std::span<float>> replicas_;
  collective::Collective& group_;
  std::vector<Bucket> buckets_;
  std::vector<std::pair<std::size_t, std::size_t>> touches_;  // of a segment: its first bucket and one past its last
  std::vector<std::size_t> expected_, missing_;               // of a bucket: pairs to be ready
  std::mutex lock_;
  std::vector<collective::Pending> pending_;
  std::size_t next_ = 0;                                      // the first bucket that has not been begun
  bool early_ = false;
};

}  // namespace hepar::engine
