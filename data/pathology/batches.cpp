// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/batches.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

namespace hepar::pathology {

namespace {

// Batches in flight. Used ones come back, so that their memory is asked for once.
class Belt {
 public:
  explicit Belt(std::size_t most) : most_(most) {}

  // Maker's side: room for one more; false when the user has left.
  bool take_empty(TileBatch& batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || full_.size() < most_; });
    if (stopped_) return false;
    if (!empty_.empty()) {
      batch = std::move(empty_.back());
      empty_.pop_back();
    }
    batch.index.clear();
    return true;
  }
  void put_full(TileBatch batch) {
    const std::lock_guard lock(mutex_);
    full_.push_back(std::move(batch));
    changed_.notify_all();
  }
  void finish(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    error_ = std::move(error);
    changed_.notify_all();
  }

  // User's side: the next batch; false at the end.
  bool take_full(TileBatch& batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return finished_ || !full_.empty(); });
    if (full_.empty()) return false;
    batch = std::move(full_.front());
    full_.pop_front();
    changed_.notify_all();
    return true;
  }
  void give_back(TileBatch batch) {
    const std::lock_guard lock(mutex_);
    empty_.push_back(std::move(batch));
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] std::exception_ptr error() const { return error_; }

 private:
  std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<TileBatch> full_;
  std::vector<TileBatch> empty_;
  bool finished_ = false, stopped_ = false;
  std::exception_ptr error_;
};

}  // namespace

void run_batches(std::size_t ahead, const std::function<bool(TileBatch&)>& make, const std::function<void(TileBatch&)>& use) {
  if (ahead == 0) {
    TileBatch batch;
    for (bool more = true; more;) {
      batch.index.clear();
      more = make(batch);
      if (!batch.index.empty()) use(batch);
    }
    return;
  }
  Belt belt(ahead);
  std::exception_ptr failed;
  {
    const std::jthread maker([&] {
      try {
        TileBatch batch;
        for (bool more = true; more && belt.take_empty(batch);) {
          more = make(batch);
          if (!batch.index.empty()) belt.put_full(std::move(batch));
          batch = {};
        }
        belt.finish(nullptr);
      } catch (...) {
        belt.finish(std::current_exception());  // thrown again on the caller's thread
      }
    });
    try {
      TileBatch batch;
      while (belt.take_full(batch)) {
        use(batch);
        belt.give_back(std::move(batch));
      }
    } catch (...) {
      failed = std::current_exception();
      belt.stop();
    }
  }
  if (failed) std::rethrow_exception(failed);
  if (belt.error()) std::rethrow_exception(belt.error());
}

}  // namespace hepar::pathology
