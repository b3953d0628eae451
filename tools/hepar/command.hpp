// SPDX-License-Identifier: Apache-2.0
// A command of the program: its name, its option rows, its story. One file a command; commands.cpp lists them in order.
#pragma once

#include "data/base/log.hpp"
#include "data/base/options.hpp"
#include "sharding/mpi/session.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hepar::program {

// What every command gets. stdout is for results (rank 0 only), `console` for progress and notes (silent on other ranks).
struct Context {
  const mpi::Communicator& world;
  const Console& console;
  bool json = false;               // --json: results as JSON on stdout
  std::string command_line;        // as typed, for run.json
  bool configured = false;         // at least one --config was given
};

class Command {
 public:
  virtual ~Command() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;        // "shard", "cohort check"
  [[nodiscard]] virtual std::string_view summary() const = 0;     // one clause
  [[nodiscard]] virtual std::string_view example() const = 0;
  [[nodiscard]] virtual std::vector<Row> rows() = 0;              // bound to this object's members
  // Its work is shared out over ranks: a launch that gives it too few or too many is refused.
  [[nodiscard]] virtual bool parallel() const { return false; }
  // What the words that are no options mean (inspect PATH…); empty: none are taken.
  [[nodiscard]] virtual std::string_view positional() const { return {}; }
  // True: what is no option of its own belongs to another command (submit COMMAND …) and comes as words, unread.
  [[nodiscard]] virtual bool wraps_a_command() const { return false; }
  // The value of `schema:` in its --config files; empty: the command takes no --config.
  [[nodiscard]] virtual std::string_view schema() const { return {}; }
  // A second such value, of files whose keys are among this command's.
  [[nodiscard]] virtual std::string_view also_reads() const { return {}; }
  // Groups of rows that `hepar validate --help` explains, for this command's help to stay short.
  [[nodiscard]] virtual std::vector<std::string> explained_elsewhere() const { return {}; }
  // Top-level keys of --config files that are no options; `take` gets every document, in order.
  [[nodiscard]] virtual std::vector<std::string> sections() const { return {}; }
  virtual void take(const Yaml&) {}
  // The rows once every source has been applied, with the origin of each value (for --explain and config.yaml).
  virtual void resolved(const std::vector<Row>&) {}
  // Called by all ranks, collective. Throws Error.
  [[nodiscard]] virtual ExitCode run(const Context& context, const std::vector<std::string>& words) = 0;
};

using Commands = std::vector<std::unique_ptr<Command>>;

// The commands, in the order of the help page.
[[nodiscard]] Commands commands();
// The halves of that list; a build without a half links an empty one (CMakeLists.txt chooses the file).
void add_ingest_commands(Commands& list);
void add_trainer_commands(Commands& list);

[[nodiscard]] std::unique_ptr<Command> make_doctor_command();
[[nodiscard]] std::unique_ptr<Command> make_status_command();
[[nodiscard]] std::unique_ptr<Command> make_submit_command();
[[nodiscard]] std::unique_ptr<Command> make_synth_command();
[[nodiscard]] std::unique_ptr<Command> make_cohort_check_command();
[[nodiscard]] std::unique_ptr<Command> make_shard_command();
[[nodiscard]] std::unique_ptr<Command> make_inspect_command();
[[nodiscard]] std::unique_ptr<Command> make_radiomics_command();
[[nodiscard]] std::unique_ptr<Command> make_train_command();
[[nodiscard]] std::unique_ptr<Command> make_validate_command();
[[nodiscard]] std::unique_ptr<Command> make_sweep_command();
[[nodiscard]] std::unique_ptr<Command> make_predict_command();
[[nodiscard]] std::unique_ptr<Command> make_evaluate_command();
[[nodiscard]] std::unique_ptr<Command> make_report_command();
[[nodiscard]] std::unique_ptr<Command> make_stats_command();
[[nodiscard]] std::unique_ptr<Command> make_plan_command();
[[nodiscard]] std::unique_ptr<Command> make_bench_command();

}  // namespace hepar::program
