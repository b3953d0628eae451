// SPDX-License-Identifier: Apache-2.0
// The program: pins the machine, opens the MPI session, runs one command, and is the only place that ends a failed one.
#include "data/base/files.hpp"
#include "data/base/machine.hpp"
#include "data/base/results.hpp"
#include "data/base/stop.hpp"
#include "data/base/text.hpp"
#include "sharding/mpi/watch.hpp"
#if HEPAR_INGEST
#include "data/imaging/dicom_library.hpp"
#endif
#include "sharding/mpi/launch.hpp"
#include "tools/hepar/command_line.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace hepar {

namespace {

// Thread counts and instruction sets are read by BLAS, oneDNN and ATen when they are loaded, before main: set them and
// start over, once. An MPI rank re-executes before MPI_Init, so the launcher sees one process.
void pin_and_restart(char** argv) {
  if (std::getenv("HEPAR_PINNED") != nullptr) return;
  for (const auto& [name, value] : pinned_variables()) ::setenv(name.c_str(), value.c_str(), 1);
  ::setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);  // busy polling on shared cores costs up to half a step
  ::setenv("HEPAR_PINNED", "1", 1);
  ::execv("/proc/self/exe", argv);
  std::perror("hepar: cannot restart itself with pinned settings; going on");
}

void say(const std::string& message) {
  const std::string line = "hepar: error: " + message + "\n";
  std::fflush(stdout);
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

// Valid UTF-8, whatever bytes a path has: results that hold the command are JSON.
std::string printable(const std::string& text) {
  const nlohmann::json json = text;
  return nlohmann::json::parse(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

// A launcher that kills the other ranks of a failed one returns their code, not the program's: a job script that must know
// why (slurm/survive.sh) names a file for it.
void leave_verdict(ExitCode code) {
  const char* file = std::getenv("HEPAR_VERDICT");
  if (file == nullptr) return;
  try {
    publish(file, std::to_string(static_cast<int>(code)) + "\n");
  } catch (const std::exception&) {
    return;  // the script then goes by the launcher's code
  }
}

bool asks_for_ranks(const std::vector<std::string>& arguments, const program::Commands& commands) {
  const auto named = std::find_if(commands.begin(), commands.end(), [&](const auto& command) { return !arguments.empty() && command->name() == arguments.front(); });
  constexpr std::array<std::string_view, 4> kAlone{"--help", "--explain", "--list-folds", "--gather"};
  const bool alone = std::any_of(arguments.begin(), arguments.end(), [&](const std::string& word) { return std::find(kAlone.begin(), kAlone.end(), word) != kAlone.end(); });
  return named != commands.end() && (*named)->parallel() && !alone;
}

// Ranks that were not started alike would wait for each other, or train on different things.
void check_started_alike(const mpi::Communicator& world, program::Command& command) {
  if (world.size() == 1) return;
  std::vector<mpi::Common> things;
  mpi::together(world, [&] {
    std::string options;
    fs::path store;
    for (const Row& row : command.rows()) {
      options += row.name + "=" + row.get() + "\n";
      if (row.name == "store") store = fs::path(Yaml::parse(row.get(), "--store").text()) / "store.json";
    }
    std::error_code absent;
    things = {{"the program", sha256_file("/proc/self/exe"), "start the same file on every node: srun --mpi=pmix /shared/path/hepar …"},
              {"the configuration", sha256(options), "let every node read the same --config file, on a file system that all see"},
              {"the store", fs::exists(store, absent) ? sha256_file(store) : std::string("absent"), "name a store on a file system that all nodes see"}};
  });
  mpi::check_common(world, things);
  if (command.parallel()) mpi::check_devices(world, mpi::only_device(mpi::process_environment()));
}

int run(const std::vector<std::string>& arguments, const program::Commands& commands, const mpi::Session& session) {
  const mpi::Communicator& world = session.world();
  program::CommandLine line;
  mpi::together(world, [&] { line = program::parse_command_line(arguments, commands); });
  if (line.command == nullptr) {
    if (world.root()) fmt::print("{}", line.text);
    return 0;
  }
  check_started_alike(world, *line.command);
#if HEPAR_INGEST
  const imaging::DicomLibrary decoders;  // before any thread
#endif
  const Console console = Console::detect(line.quiet || !world.root());
  const mpi::Watch::Task verdict = world.watch().on_loss([](const mpi::Loss& loss) {
    if (loss.speaker) leave_verdict(ExitCode::rank_failed);
  });
  if (const std::string why = session.start_watch(); !why.empty()) console.warning("the ranks do not watch each other: " + why);
  const program::Context context{world, console, line.json, printable("hepar " + join(arguments, " ")), line.configured};
  return static_cast<int>(line.command->run(context, line.words));
}

// A command is done when its results have arrived. One that ends otherwise says so by its code.
int with_results(int code, const mpi::Communicator& world) {
  mpi::together(world, [&] {
    if (world.root() && code == static_cast<int>(ExitCode::done)) finish_results();
  });
  return code;
}

// Before MPI starts: with a wrong launch it would abort with a page of its own, or wait. 0: nothing is wrong.
int refused_launch(const std::vector<std::string>& arguments, const program::Commands& commands) {
  const mpi::Environment environment = mpi::process_environment();
  const std::optional<Error> problem = mpi::launch_problem(environment, {asks_for_ranks(arguments, commands), mpi::library_speaks_pmi()});
  if (!problem) return 0;
  if (mpi::first_process(environment)) {
    say(problem->what());
    leave_verdict(problem->code());
  }
  return static_cast<int>(problem->code());
}

// What ends the program: the message is printed once, by the rank that has it.
int failure_code(const std::exception& error, const mpi::Communicator& world, bool agreed) {
  const Error known = as_error(error);
  std::string message = known.what();
  if (world.size() > 1 && !agreed) message = "rank " + std::to_string(world.rank()) + " of " + std::to_string(world.size()) + ": " + message;
  if (!agreed || world.root()) {
    say(message);
    leave_verdict(known.code());
  }
  return static_cast<int>(known.code());
}

// A group of ranks failed while others work on: its spokesman ends the program, the others wait to be ended.
[[noreturn]] void end_group(const AgreedError& error, const mpi::Session& session) {
  constexpr unsigned kGraceSeconds = 10;
  if (!error.spokesman()) ::sleep(kGraceSeconds);
  session.abort(error.spokesman() ? failure_code(error, session.world(), false) : static_cast<int>(error.code()));
}

}  // namespace

}  // namespace hepar

int main(int argc, char** argv) {
  if (!__builtin_cpu_supports("avx2")) {
    std::fputs("hepar: error: this build needs a processor with AVX2; build with -DHEPAR_ARCH=x86-64\n", stderr);
    return static_cast<int>(hepar::ExitCode::usage);
  }
  hepar::pin_and_restart(argv);
  hepar::install_stop_signals();
  std::signal(SIGXFSZ, SIG_IGN);  // writing beyond a file-size limit is then EFBIG, an error like a full disk
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const hepar::program::Commands commands = hepar::program::commands();
  if (const int code = hepar::refused_launch(arguments, commands)) return code;
  hepar::mpi::Session session(argc, argv);
  try {
    const int code = hepar::with_results(hepar::run(arguments, commands, session), session.world());
    session.finish();
    return code;
  } catch (const hepar::AgreedError& error) {
    if (!error.everywhere()) hepar::end_group(error, session);
    // Every rank is here with the same code: end together, so that the launcher reports that code and nothing else.
    const int code = hepar::failure_code(error, session.world(), true);
    session.finish();
    return code;
  } catch (const std::exception& error) {
    session.abort(hepar::failure_code(error, session.world(), false));
  }
}
