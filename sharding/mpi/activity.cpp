// SPDX-License-Identifier: Apache-2.0
#include "sharding/mpi/activity.hpp"

#include <algorithm>

namespace hepar::mpi {

namespace {

constexpr double kSlowestSteps = 10;

}  // namespace

std::string Doing::text() const {
  if (phase.empty()) return {};
  return phase + (subject.empty() ? "" : " of " + subject) + (step < 0 ? "" : " (step " + std::to_string(step) + ")");
}

Activity::Scope Activity::begin(const char* phase, std::function<std::string()> subject) { return add(phase, std::move(subject), false); }

Activity::Scope Activity::wait_for_ranks(const char* operation) { return add(operation, {}, true); }

Activity::Scope Activity::add(const char* phase, std::function<std::string()> subject, bool waits) {
  const std::lock_guard guard(lock_);
  moved_ = Clock::now();
  entries_.push_back({++begun_, std::this_thread::get_id(), phase, std::move(subject), moved_, waits});
  return {*this, begun_};
}

void Activity::end(std::uint64_t number) {
  const std::lock_guard guard(lock_);
  moved_ = Clock::now();
  std::erase_if(entries_, [&](const Entry& entry) { return entry.number == number; });
}

void Activity::begin_steps(double least_idle_seconds) {
  const std::lock_guard guard(lock_);
  moved_ = Clock::now();
  least_idle_ = least_idle_seconds;
  slowest_step_ = 0;
}

void Activity::step_done(std::int64_t number, double seconds) {
  const std::lock_guard guard(lock_);
  moved_ = Clock::now();
  step_ = number;
  slowest_step_ = std::max(slowest_step_, seconds);
}

void Activity::end_steps() {
  const std::lock_guard guard(lock_);
  least_idle_ = 0;
  step_ = -1;
}

double Activity::limit() const { return least_idle_ > 0 ? std::max(least_idle_, kSlowestSteps * slowest_step_) : 0; }

double Activity::limit_seconds() const {
  const std::lock_guard guard(lock_);
  return limit();
}

Doing Activity::now() const {
  const std::lock_guard guard(lock_);
  Doing doing;
  doing.step = step_;
  doing.idle_seconds = std::chrono::duration<double>(Clock::now() - moved_).count();
  doing.limit_seconds = limit();
  // The innermost of each thread; of those the one that works and has done so longest, else one that waits.
  const Entry* chosen = nullptr;
  for (const Entry& entry : entries_) {
    const bool innermost =
        std::none_of(entries_.begin(), entries_.end(), [&](const Entry& other) { return other.thread == entry.thread && other.number > entry.number; });
    if (innermost && (chosen == nullptr || (chosen->waits && !entry.waits))) chosen = &entry;
  }
  if (chosen == nullptr) return doing;
  doing.phase = chosen->phase;
  doing.waiting = chosen->waits;
  // What it is about may be said by a scope around it.
  for (const Entry& entry : entries_)
    if (entry.thread == chosen->thread && entry.subject) doing.subject = entry.subject();
  return doing;
}

}  // namespace hepar::mpi
