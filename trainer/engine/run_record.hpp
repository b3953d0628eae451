// SPDX-License-Identifier: Apache-2.0
// What a run says of itself: status.json, events.jsonl, run.json.
#pragma once

#include "data/base/error.hpp"
#include "trainer/engine/run_folder.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <fstream>
#include <string>

namespace hepar::engine {

struct Status {
  std::string state = "running";   // running | finished | stopped | failed
  std::string kind = "running";    // "class": done, stopped, usage, input, store, training, rank, disk, bug
  int exit_code = 0;
  std::int64_t step = 0;
  int rank = 0;
  std::string phase, message;
  std::int64_t generation = 1;
};
// "class" of status.json.
[[nodiscard]] std::string status_class(ExitCode code);
void publish_status(const RunFolder& folder, const Status& status);
// One more than the generation of the status that is there; 1 for a new run.
[[nodiscard]] std::int64_t next_generation(const RunFolder& folder);

// events.jsonl: one line an event, in the order of steps. A resume keeps the lines up to its step.
class Events {
 public:
  Events(const RunFolder& folder, std::int64_t keep_until_step);
  void add(const nlohmann::ordered_json& event);

 private:
  std::ofstream file_;
};

// The identity of what computed: two runs with the same text give the same bits.
[[nodiscard]] std::string machine_identity();
[[nodiscard]] nlohmann::ordered_json machine_json();

}  // namespace hepar::engine
