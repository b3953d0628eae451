// SPDX-License-Identifier: Apache-2.0
// What people read about the commands; all of it follows from the option rows.
#include "tools/hepar/command_line.hpp"

#include "data/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hepar::program {

namespace {

// "train" of train.steps; empty for an option of the command itself.
std::string group_of(const Row& row) {
  const std::size_t dot = row.name.find('.');
  return dot == std::string::npos ? "" : row.name.substr(0, dot);
}

std::string describe(const Row& row) {
  const std::string unit = row.unit.empty() ? "" : ", " + row.unit;
  const std::string value = row.required ? "required" : "default " + row.get();
  return fmt::format("{} [{}{}; {}]", row.help, row.kind, unit, value);
}

constexpr const char* kExitCodes =
    "exit codes: 0 done, 2 usage or configuration, 3 input data, 4 store/checkpoint/run corrupt or not matching,\n"
    "  5 training cannot go on, 6 a rank or the network failed (run again), 70 a bug, 74 disk, 75 stopped with a checkpoint\n";

}  // namespace

std::string overview(const Commands& commands) {
  std::string text = "hepar COMMAND [--config FILE]... [--set key.path=value]... [options]\n"
                     "from hospital files to a validated treatment-decision model, the same bits on any number of MPI ranks\n\n";
  for (const auto& command : commands) text += fmt::format("  {:<14} {}\n", command->name(), command->summary());
  text += "\n  hepar COMMAND --help · hepar reference · hepar completion bash · hepar --version\n\n";
  return text + kExitCodes;
}

std::string help(Command& command) {
  std::string text = fmt::format("hepar {}{}{}: {}\n\n", command.name(), command.positional().empty() ? "" : " ", command.positional(), command.summary());
  std::string group;
  const std::vector<std::string> elsewhere = command.explained_elsewhere();
  std::vector<Row> rows = command.rows();
  std::ranges::stable_partition(rows, [](const Row& row) { return group_of(row).empty(); });
  for (const Row& row : rows) {
    const std::string prefix = group_of(row);
    if (prefix == "faults" || std::ranges::find(elsewhere, prefix) != elsewhere.end()) continue;  // faults: for tests of the laws
    if (prefix != group) text += fmt::format("{}:\n", prefix);
    group = prefix;
    text += fmt::format("  {:<32} {}\n", "--" + flag_of(row), describe(row));
  }
  if (!elsewhere.empty()) text += fmt::format("groups {}: as in hepar validate --help\n", join(elsewhere, ", "));
  if (!command.schema().empty()) text += fmt::format("  {:<32} {}\n", "--config FILE", "YAML of " + std::string(command.schema()) + "; later files win");
  text += fmt::format("  {:<32} {}\n", "--set key.path=value", "wins over --config");
  text += fmt::format("  {:<32} {}\n", "--quiet, --json", "no progress; results as JSON");
  return text + "\nexample: " + std::string(command.example()) + "\n";
}

std::string reference_page(const Commands& commands) {
  std::string text = "# Commands and options\n\nMade by `hepar reference` from the option table.\n";
  for (const auto& command : commands) {
    text += fmt::format("\n## hepar {}\n{}.\n\n| option | meaning | value | unit | default |\n|---|---|---|---|---|\n", command->name(), command->summary());
    for (const Row& row : command->rows()) {
      std::string kind = row.kind;
      for (std::size_t at = 0; (at = kind.find('|', at)) != std::string::npos; at += 2) kind.replace(at, 1, "\\|");
      text += fmt::format("| `{}` | {} | {} | {} | {} |\n", "--" + flag_of(row), row.help, kind, row.unit, row.required ? "required" : "`" + row.get() + "`");
    }
    text += fmt::format("\n    {}\n", command->example());
  }
  return text + "\n" + kExitCodes;
}

std::string bash_completion(const Commands& commands) {
  std::string text = "# bash completion for hepar: source this file\n_hepar() {\n  local word=\"${COMP_WORDS[COMP_CWORD]}\" options=\"\"\n  case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n";
  std::string names;
  for (const auto& command : commands) {
    std::string options = "--help --quiet --json --set --config";
    for (const Row& row : command->rows()) options += " --" + flag_of(row);
    text += fmt::format("    \"{}\"*) options=\"{}\" ;;\n", command->name(), options);
    names += std::string(command->name()) + " ";
  }
  text += "  esac\n  if [ \"$COMP_CWORD\" = 1 ]; then options=\"" + names + "\"; fi\n";
  return text + "  COMPREPLY=($(compgen -f -W \"$options\" -- \"$word\"))\n}\ncomplete -F _hepar hepar\n";
}

}  // namespace hepar::program
