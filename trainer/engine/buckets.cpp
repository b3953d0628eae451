// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/buckets.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace hepar::engine {

std::vector<Bucket> buckets_of(std::size_t elements, std::size_t bytes_of_element) {
  const std::size_t most = kBucketBytes / bytes_of_element;
  std::vector<Bucket> buckets;
  for (std::size_t end = elements; end > 0; end = buckets.back().first) {
    const std::size_t count = std::min(end, most);
    buckets.push_back({end - count, count});
  }
  return buckets;
}

double squares(std::span<const float> values) {
  // Several sums side by side: one alone waits for its own last addition.
  constexpr std::size_t kLanes = 16;
  std::array<double, kLanes> sums{};
  const std::size_t whole = values.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += static_cast<double>(values[i + lane]) * static_cast<double>(values[i + lane]);
  for (std::size_t i = whole; i < values.size(); ++i) sums[i - whole] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

BucketSum::BucketSum(const std::vector<Segment>& segments, std::vector<std::span<float>> replicas, collective::Collective& group)
    : replicas_(std::move(replicas)), group_(group), buckets_(buckets_of(replicas_.front().size(), sizeof(float))), expected_(buckets_.size(), 0) {
  for (const Segment& segment : segments) {
    const auto begin = static_cast<std::size_t>(segment.first), end = begin + static_cast<std::size_t>(segment.count);
    std::pair<std::size_t, std::size_t> touched{buckets_.size(), 0};
    for (std::size_t b = 0; b < buckets_.size(); ++b) {
      if (end <= buckets_[b].first || begin >= buckets_[b].first + buckets_[b].count) continue;
      touched = {std::min(touched.first, b), b + 1};
      expected_[b] += replicas_.size();
    }
    touches_.push_back(touched);
  }
  pending_.resize(buckets_.size());
}

void BucketSum::begin(bool early) {
  early_ = early;
  next_ = 0;
  missing_ = expected_;
}

void BucketSum::ready(std::size_t segment) {
  const std::lock_guard guard(lock_);
  for (std::size_t b = touches_[segment].first; b < touches_[segment].second; ++b) --missing_[b];
  for (; early_ && next_ < buckets_.size() && missing_[next_] == 0; ++next_) start(next_);
}

void BucketSum::start(std::size_t bucket) {
  const std::span<float> sum = replicas_.front().subspan(buckets_[bucket].first, buckets_[bucket].count);
  for (std::size_t r = 1; r < replicas_.size(); ++r) {
    const std::span<const float> more = replicas_[r].subspan(buckets_[bucket].first, buckets_[bucket].count);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
  }
  if (early_) {
    pending_[bucket] = group_.start_sum(sum);
  } else {
    group_.all_reduce_sum(sum);
  }
}

double BucketSum::finish() {
  double total = 0;
  for (std::size_t b = 0; b < buckets_.size(); ++b) {
    if (missing_[b] != 0) throw Error(ExitCode::bug, "bucket " + std::to_string(b) + " of the gradient is not ready");
    if (next_ == b) start(next_++);
    pending_[b].wait();
    total += squares(replicas_.front().subspan(buckets_[b].first, buckets_[b].count));
  }
  return total;
}

}  // namespace hepar::engine
