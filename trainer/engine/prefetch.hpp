// SPDX-License-Identifier: Apache-2.0
// Batches read ahead by a thread of its own, for ranks that have a core to spare.
#pragma once

#include "trainer/dataset/dataset.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace hepar::engine {

class Prefetch {
 public:
  using Read = std::function<dataset::Batch(const std::vector<std::int64_t>& patients, std::uint64_t key)>;
  // Holds at most `batches` at a time; with 0 there is no thread and nothing is ever ready.
  Prefetch(std::size_t batches, Read read);
  Prefetch(const Prefetch&) = delete;
  ~Prefetch();

  // To be read when there is room, in this order, after what was announced before. Each announced batch is to be taken once:
  // what is never taken keeps its room.
  void announce(std::vector<std::pair<std::uint64_t, std::vector<std::int64_t>>> wanted);
  // The batch of this key when it is ready or being read; nullopt: read it yourself.
  [[nodiscard]] std::optional<dataset::Batch> take(std::uint64_t key);

 private:
  void serve();

  std::size_t room_;
  Read read_;
  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<std::pair<std::uint64_t, std::vector<std::int64_t>>> wanted_;
  std::map<std::uint64_t, dataset::Batch> ready_;
  std::optional<std::uint64_t> reading_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace hepar::engine
