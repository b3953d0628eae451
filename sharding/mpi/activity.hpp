// SPDX-License-Identifier: Apache-2.0
// What the threads of this rank are doing, for the watch (watch.hpp) to say when it goes wrong. Safe from any thread; a call
// costs well under a microsecond.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace hepar::mpi {

// A rank at one moment, as its heartbeat tells it.
struct Doing {
  std::string phase, subject;  // "forward", "patients P00017, P00018"
  std::int64_t step = -1;      // of a training; -1: none
  double idle_seconds = 0;     // since anything began or ended here
  double limit_seconds = 0;    // that may pass so; 0: any time
  bool waiting = false;        // for other ranks

  [[nodiscard]] bool stalled() const { return limit_seconds > 0 && !waiting && idle_seconds > limit_seconds; }
  [[nodiscard]] std::string text() const;  // "forward of patients P00017, P00018 (step 12)", or "" when nothing is known
};

class Activity {
 public:
  // In its lifetime the calling thread does this. Scopes of a thread nest.
  class Scope {
   public:
    Scope(Activity& activity, std::uint64_t number) : activity_(activity), number_(number) {}
    Scope(Scope&& other) noexcept : activity_(other.activity_), number_(std::exchange(other.number_, 0)) {}
    ~Scope() {
      if (number_ != 0) activity_.end(number_);
    }

   private:
    Activity& activity_;
    std::uint64_t number_;  // 0: moved from
  };

  // `subject` is asked for only when it has to be told.
  [[nodiscard]] Scope begin(const char* phase, std::function<std::string()> subject = {});
  [[nodiscard]] Scope wait_for_ranks(const char* operation);

  // Steps: their number, and how long one took: a rank may be idle for ten times the slowest, and for at least `least`.
  void begin_steps(double least_idle_seconds);
  void step_done(std::int64_t number, double seconds);
  void end_steps();
  [[nodiscard]] double limit_seconds() const;  // as Doing's

  [[nodiscard]] Doing now() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry {
    std::uint64_t number;
    std::thread::id thread;
    const char* phase;
    std::function<std::string()> subject;
    Clock::time_point since;
    bool waits;
  };
  [[nodiscard]] double limit() const;
  [[nodiscard]] Scope add(const char* phase, std::function<std::string()> subject, bool waits);
  void end(std::uint64_t number);

  mutable std::mutex lock_;
  std::vector<Entry> entries_;  // in the order of their beginnings
  std::uint64_t begun_ = 0;
  Clock::time_point moved_ = Clock::now();
  double least_idle_ = 0, slowest_step_ = 0;
  std::int64_t step_ = -1;
};

}  // namespace hepar::mpi
