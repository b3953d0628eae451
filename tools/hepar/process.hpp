// SPDX-License-Identifier: Apache-2.0
// Another program's answer: its exit code and what it wrote.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace hepar::program {

struct Answer {
  int code;
  std::string text;  // stdout and stderr together
};
// nullopt when there is no such program. The launcher's variables are kept from it: it would take itself for a rank.
[[nodiscard]] std::optional<Answer> ask(const std::vector<std::string>& words);

}  // namespace hepar::program
