// SPDX-License-Identifier: Apache-2.0
// The phases of a training's first steps on a time line, in the format that chrome://tracing and Perfetto open.
#pragma once

#include "data/base/run_folder.hpp"
#include "trainer/collective/collective.hpp"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace hepar::engine {

class Trace {
 public:
  using Clock = std::chrono::steady_clock;
  // `steps`: how many are recorded; 0: none.
  explicit Trace(std::int64_t steps) : left_(steps) {}

  [[nodiscard]] bool on() const { return left_ > 0; }
  void add(const char* phase, int worker, Clock::time_point begin, Clock::time_point end);  // from any thread
  void step_done() { --left_; }
  // All ranks' events, written by rank 0 as `trace.json`. Collective; nothing is written when nothing was recorded.
  void write(const RunFolder& folder, collective::Collective& group) const;

 private:
  struct Event { const char* phase; int worker; Clock::time_point begin, end; };
  std::int64_t left_;
  std::mutex lock_;
  std::vector<Event> events_;
};

// Adds the time that it lives to `total`, and to the trace when there is one.
class Timer {
 public:
  explicit Timer(double& total, Trace* trace = nullptr, const char* phase = "", int worker = 0) : total_(total), trace_(trace), phase_(phase), worker_(worker) {}
  Timer(const Timer&) = delete;
  ~Timer() {
    const Trace::Clock::time_point end = Trace::Clock::now();
    total_ += std::chrono::duration<double>(end - start_).count();
    if (trace_ != nullptr && trace_->on()) trace_->add(phase_, worker_, start_, end);
  }

 private:
  double& total_;
  Trace* trace_;
  const char* phase_;
  int worker_;
  Trace::Clock::time_point start_ = Trace::Clock::now();
};

}  // namespace hepar::engine
