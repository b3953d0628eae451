// SPDX-License-Identifier: Apache-2.0
// Pathology reports in Chinese or English with natural variation.
#pragma once

#include "data/synthetic/synthetic.hpp"

#include <string>

namespace hepar::synthetic {

[[nodiscard]] bool in_chinese(const Options& options, const Person& person);
[[nodiscard]] std::string report_text(const Options& options, const Person& person);

}  // namespace hepar::synthetic
