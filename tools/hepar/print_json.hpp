// SPDX-License-Identifier: Apache-2.0
// What a command says under --json, for scripts.
#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>

namespace hepar::program {

// Paths may hold any bytes, JSON may not: what is no UTF-8 is shown as U+FFFD. `indent` -1: all on one line.
inline std::string json_text(const nlohmann::ordered_json& document, int indent = -1) {
  return document.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}
inline void print_json(const nlohmann::ordered_json& document, int indent = -1) { fmt::print("{}", json_text(document, indent)); }

}  // namespace hepar::program
