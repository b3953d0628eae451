// SPDX-License-Identifier: Apache-2.0
// The handle of a collective that was begun and has not been waited for.
#pragma once

#include <memory>

namespace hepar::collective {

class Pending {
 public:
  // What a backend keeps of it. Its destructor gives the work up if it is not done: nothing touches the values afterwards,
  // and the group is of no more use (its owner is failing).
  class Work {
   public:
    virtual ~Work() = default;
    [[nodiscard]] virtual bool finished() = 0;
    virtual void wait() = 0;
  };

  Pending() = default;  // nothing is left to wait for
  explicit Pending(std::unique_ptr<Work> work) : work_(std::move(work)) {}

  [[nodiscard]] bool finished() const { return work_ == nullptr || work_->finished(); }  // returns at once
  // Until the values are the sum; throws what went wrong. Returns at once when it was waited for before.
  void wait() {
    if (work_ == nullptr) return;
    const std::unique_ptr<Work> done = std::move(work_);
    done->wait();
  }

 private:
  std::unique_ptr<Work> work_;
};

}  // namespace hepar::collective
