// SPDX-License-Identifier: Apache-2.0
// The phases of a training: told to the watch as they begin, and those of the first steps kept on a time line, in the format
// that chrome://tracing and Perfetto open.
#pragma once

#include "data/base/run_folder.hpp"
#include "sharding/mpi/activity.hpp"
#include "trainer/collective/collective.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace hepar::engine {

class Trace {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr const char* kSum = "sum over ranks";  // a phase in which a rank waits for others
  // `steps`: how many are recorded; 0: none. `entered` is told each phase as it begins, on its thread.
  Trace(std::int64_t steps, mpi::Activity& activity, std::function<void(const char*)> entered) : left_(steps), activity_(activity), entered_(std::move(entered)) {}

  [[nodiscard]] mpi::Activity::Scope enter(const char* phase);

  [[nodiscard]] bool on() const { return left_ > 0; }
  void add(const char* phase, int worker, Clock::time_point begin, Clock::time_point end);  // from any thread
  void step_done() { --left_; }
  // All ranks' events, written by rank 0 as `trace.json`. Collective; nothing is written when nothing was recorded.
  void write(const RunFolder& folder, collective::Collective& group) const;

 private:
  struct Event { const char* phase; int worker; Clock::time_point begin, end; };
  std::int64_t left_;
  mpi::Activity& activity_;
  std::function<void(const char*)> entered_;
  std::mutex lock_;
  std::vector<Event> events_;
};

// Adds the time that it lives to `total`, and to the trace when there is one.
class Timer {
 public:
  explicit Timer(double& total, Trace* trace = nullptr, const char* phase = "", int worker = 0) : total_(total), trace_(trace), phase_(phase), worker_(worker) {
    if (trace_ != nullptr) scope_.emplace(trace_->enter(phase));
  }
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
  std::optional<mpi::Activity::Scope> scope_;
  Trace::Clock::time_point start_ = Trace::Clock::now();
};

}  // namespace hepar::engine
