// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/trace.hpp"

#include "data/base/files.hpp"

#include <nlohmann/json.hpp>

#include <span>
#include <string_view>

namespace hepar::engine {

mpi::Activity::Scope Trace::enter(const char* phase) {
  mpi::Activity::Scope scope = std::string_view(phase) == kSum ? activity_.wait_for_ranks(phase) : activity_.begin(phase);
  entered_(phase);
  return scope;
}

void Trace::add(const char* phase, int worker, Clock::time_point begin, Clock::time_point end) {
  const std::lock_guard guard(lock_);
  events_.push_back({phase, worker, begin, end});
}

void Trace::write(const RunFolder& folder, collective::Collective& group) const {
  // The ranks of a node share one steady clock; between nodes the lines may be shifted against each other.
  const auto microseconds = [](Clock::duration d) { return std::chrono::duration<double, std::micro>(d).count(); };
  std::string mine;
  for (const Event& event : events_)
    mine += nlohmann::ordered_json{{"name", event.phase}, {"ph", "X"}, {"pid", group.rank()}, {"tid", event.worker}, {"ts", microseconds(event.begin.time_since_epoch())}, {"dur", microseconds(event.end - event.begin)}}.dump() + ",\n";
  const std::vector<std::byte> all = group.gather(std::as_bytes(std::span(mine.data(), mine.size())), 0);
  if (group.rank() != 0 || all.empty()) return;
  const std::string_view events(reinterpret_cast<const char*>(all.data()), all.size() - 2);
  publish(folder.trace(), "{\"traceEvents\": [\n" + std::string(events) + "\n]}\n");
}

}  // namespace hepar::engine
