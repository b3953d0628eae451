// SPDX-License-Identifier: Apache-2.0
// The command line on top of the option rows: defaults < --config files in order < --set < flags.
#pragma once

#include "tools/hepar/command.hpp"

#include <optional>
#include <string>
#include <vector>

namespace hepar::program {

struct CommandLine {
  Command* command = nullptr;              // null: `text` answers (help, version, completion, reference)
  std::vector<std::string> words;          // positional
  bool quiet = false, json = false, configured = false;
  std::string text;                        // what to print on stdout instead of running
};

// Throws usage_error with the nearest known name. Rows are applied to the command's members.
[[nodiscard]] CommandLine parse_command_line(const std::vector<std::string>& arguments, const Commands& commands);

[[nodiscard]] std::string flag_of(const Row& row);  // predict_at → predict-at
[[nodiscard]] std::string overview(const Commands& commands);
[[nodiscard]] std::string help(Command& command);
[[nodiscard]] std::string reference_page(const Commands& commands);   // Markdown
[[nodiscard]] std::string bash_completion(const Commands& commands);

}  // namespace hepar::program
