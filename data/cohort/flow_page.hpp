// SPDX-License-Identifier: Apache-2.0
// Who of a cohort entered and why the others did not, as part of a page.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace hepar {

// `flow`: what flow.json holds (Flow::json).
[[nodiscard]] std::string flow_html(const nlohmann::ordered_json& flow);

}  // namespace hepar
