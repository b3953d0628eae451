// SPDX-License-Identifier: Apache-2.0
#include "trainer/collective/lane.hpp"

#include <exception>

namespace hepar::collective {

struct Lane::Ticket {
  std::function<void()> call;
  bool done = false;
  std::exception_ptr failure;
};

class Lane::Handle : public Pending::Work {
 public:
  Handle(Lane& lane, std::shared_ptr<Ticket> ticket) : lane_(lane), ticket_(std::move(ticket)) {}
  ~Handle() override {
    std::unique_lock guard(lane_.lock_);
    if (ticket_->done) return;
    guard.unlock();
    lane_.give_up_();
    guard.lock();
    lane_.changed_.wait(guard, [&] { return ticket_->done; });
  }
  bool finished() override {
    const std::lock_guard guard(lane_.lock_);
    return ticket_->done;
  }
  void wait() override {
    std::unique_lock guard(lane_.lock_);
    lane_.changed_.wait(guard, [&] { return ticket_->done; });  // the call itself has a deadline
    if (ticket_->failure) std::rethrow_exception(ticket_->failure);
  }

 private:
  Lane& lane_;
  std::shared_ptr<Ticket> ticket_;
};

Lane::~Lane() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard guard(lock_);
    ending_ = true;
    if (!waiting_.empty()) give_up_();
  }
  changed_.notify_all();
  thread_.join();
}

std::shared_ptr<Lane::Ticket> Lane::add(std::function<void()> call) {
  auto ticket = std::make_shared<Ticket>();
  ticket->call = std::move(call);
  {
    const std::lock_guard guard(lock_);
    waiting_.push_back(ticket);
    if (!thread_.joinable()) thread_ = std::thread([this] { serve(); });
  }
  changed_.notify_all();
  return ticket;
}

Pending Lane::start(std::function<void()> call) { return Pending(std::make_unique<Handle>(*this, add(std::move(call)))); }

void Lane::run(const std::function<void()>& call) {
  bool idle = false;
  {
    const std::lock_guard guard(lock_);
    idle = waiting_.empty();
  }
  if (idle) return call();  // only the caller's thread could add to it meanwhile
  start(call).wait();
}

void Lane::serve() {
  std::unique_lock guard(lock_);
  while (true) {
    changed_.wait(guard, [&] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::shared_ptr<Ticket> ticket = waiting_.front();
    guard.unlock();
    try {
      ticket->call();
    } catch (...) {
      ticket->failure = std::current_exception();
    }
    guard.lock();
    ticket->done = true;
    waiting_.pop_front();
    changed_.notify_all();
  }
}

}  // namespace hepar::collective
