// SPDX-License-Identifier: Apache-2.0
// The order of a group's calls on one rank: what was begun runs on a thread of its own, one after the other; what is waited
// for at once runs in the caller's thread when nothing is under way. Internal to the room.
#pragma once

#include "trainer/collective/pending.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace hepar::collective {

class Lane {
 public:
  // `give_up` makes the call that is under way throw soon, from another thread.
  explicit Lane(std::function<void()> give_up) : give_up_(std::move(give_up)) {}
  Lane(const Lane&) = delete;
  ~Lane();

  [[nodiscard]] Pending start(std::function<void()> call);
  void run(const std::function<void()>& call);

 private:
  struct Ticket;
  class Handle;
  void serve();
  std::shared_ptr<Ticket> add(std::function<void()> call);

  std::function<void()> give_up_;
  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Ticket>> waiting_;  // the first one is under way
  bool ending_ = false;
  std::thread thread_;  // from the first call that was begun
};

}  // namespace hepar::collective
