// SPDX-License-Identifier: Apache-2.0
// What a run says of itself: events.jsonl, run.json.
#pragma once

#include "data/base/run_folder.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <fstream>
#include <string>

namespace hepar::engine {

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
