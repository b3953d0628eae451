// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/prefetch.hpp"

#include <ATen/Parallel.h>

#include <algorithm>

namespace hepar::engine {

Prefetch::Prefetch(std::size_t batches, Read read) : room_(batches), read_(std::move(read)) {
  if (room_ > 0) thread_ = std::thread([this] { serve(); });
}

Prefetch::~Prefetch() {
  {
    const std::lock_guard guard(lock_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Prefetch::announce(std::vector<std::pair<std::uint64_t, std::vector<std::int64_t>>> wanted) {
  if (room_ == 0) return;
  {
    const std::lock_guard guard(lock_);
    wanted_.insert(wanted_.end(), std::make_move_iterator(wanted.begin()), std::make_move_iterator(wanted.end()));
  }
  changed_.notify_all();
}

std::optional<dataset::Batch> Prefetch::take(std::uint64_t key) {
  if (room_ == 0) return std::nullopt;
  std::unique_lock guard(lock_);
  changed_.wait(guard, [&] { return reading_ != key; });
  std::erase_if(wanted_, [&](const auto& entry) { return entry.first == key; });
  const auto found = ready_.find(key);
  if (found == ready_.end()) return std::nullopt;
  dataset::Batch batch = std::move(found->second);
  ready_.erase(found);
  changed_.notify_all();
  return batch;
}

void Prefetch::serve() {
  at::set_num_threads(1);
  std::unique_lock guard(lock_);
  while (true) {
    changed_.wait(guard, [&] { return ending_ || (!wanted_.empty() && ready_.size() < room_); });
    if (ending_) return;
    const auto [key, patients] = std::move(wanted_.front());
    wanted_.pop_front();
    reading_ = key;
    guard.unlock();
    std::optional<dataset::Batch> batch;
    try {
      batch = read_(patients, key);
    } catch (const std::exception&) {
      // Whoever needs the batch reads it again and reports the error where it can be named.
    }
    guard.lock();
    reading_.reset();
    if (batch) ready_.emplace(key, std::move(*batch));
    changed_.notify_all();
  }
}

}  // namespace hepar::engine
