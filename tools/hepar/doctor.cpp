// SPDX-License-Identifier: Apache-2.0
// `hepar doctor`: what this machine has, what is wrong with it, and the command that mends it.
#include "data/base/files.hpp"
#include "data/base/machine.hpp"
#include "sharding/mpi/launch.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/print_json.hpp"
#if HEPAR_TRAINER
#include "trainer/collective/collective.hpp"
#endif

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <dlfcn.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace hepar::program {

namespace {

enum class State { pass, warn, fail };
constexpr std::array<const char*, 3> kStates{"PASS", "WARN", "FAIL"};

struct Check {
  std::string what;
  State state = State::pass;
  std::string found, fix;
};

// A library says its own version where it has a C function for that; else its file name does.
struct Library {
  const char* name;
  const char* symbol;        // as the linker knows it; one that is misspelt reads as 'not in this build' (launch_test looks)
  const char* version_text;  // a function that returns text, or null
};
constexpr std::array<Library, 4> kLibraries{{{"HDF5", "H5open", nullptr}, {"OpenSlide", "openslide_open", "openslide_get_version"},
                                             {"DCMTK", "_ZN13DcmFileFormatC1Ev", nullptr}, {"OpenSSL", "EVP_sha256", nullptr}}};

std::string version_of(const Library& library) {
  const std::string file = file_that_answers(library.symbol);
  if (file.empty()) return std::string(library.name) + " not in this build";
  using Text = const char* (*)();
  const auto text = library.version_text == nullptr ? nullptr : reinterpret_cast<Text>(::dlsym(RTLD_DEFAULT, library.version_text));
  return std::string(library.name) + " " + (text != nullptr ? text() : fs::path(file).filename().string().c_str());
}

Check libraries() {
  // A wheel's file name has no version, and LibTorch no C function that says it: what the build found.
  std::string found = mpi::library_version() + ", LibTorch " + (HEPAR_TRAINER ? HEPAR_LIBTORCH : "not in this build");
  for (const Library& library : kLibraries) found += ", " + version_of(library);
  return {"libraries", State::pass, found, ""};
}

Check locale_of_files() {
  // Paths and messages are UTF-8 bytes whatever the locale; a terminal in another encoding shows them wrongly.
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string text = value;
    const bool utf8 = text.find("UTF-8") != std::string::npos || text.find("utf8") != std::string::npos || text == "C" || text == "POSIX";
    return {"locale", utf8 ? State::pass : State::warn, std::string(name) + "=" + text, utf8 ? "" : "export LC_ALL=C.UTF-8"};
  }
  return {"locale", State::pass, "none set (bytes are UTF-8)", ""};
}

Check processor(const Machine& machine) {
  return {"processor", State::pass, fmt::format("{}, {} usable cores, {} GiB", machine.cpu, machine.cores, machine.memory_bytes >> 30), ""};
}

Check blas(const Machine& machine) {
  const std::string found = fmt::format("{} {}", name_of(machine.blas), machine.blas_path);
  const std::string fix = "apt-get install libopenblas0-pthread && update-alternatives --auto libblas.so.3-x86_64-linux-gnu";
  if (machine.blas == BlasFlavour::openblas_pthread || machine.blas == BlasFlavour::openblas_openmp) return {"BLAS", State::pass, found, ""};
  if (machine.blas == BlasFlavour::openblas_serial) return {"BLAS", State::fail, found + ": wrong gradients with several slots at once", fix};
  if (machine.blas == BlasFlavour::reference) return {"BLAS", State::warn, found + ": a training step takes about 8.6 times as long", fix};
  if (machine.blas == BlasFlavour::none) return {"BLAS", State::pass, "none is linked (a build without the trainer)", ""};
  return {"BLAS", State::pass, found, ""};
}

Check pins(const Machine& machine) {
  for (const auto& [name, value] : pinned_variables())
    if (machine.pins.at(name) != value) return {"pinned variables", State::warn, name + "=" + machine.pins.at(name), "unset HEPAR_PINNED, so that hepar sets " + name + "=" + value};
  return {"pinned variables", State::pass, fmt::format("{} set", pinned_variables().size()), ""};
}

Check launch(const mpi::Communicator& world) {
  // The question that a command asks whose work is shared out over ranks.
  const mpi::Environment environment = mpi::process_environment();
  const mpi::Launch launch = mpi::read_launch(environment);
  const std::string by = launch.started() ? fmt::format("{}, by {}", launch.launcher, launch.by) : "no launcher";
  const std::string found = fmt::format("{} rank{} from {}; rank {}, local rank {} of {}", world.size(), world.size() == 1 ? "" : "s", by, world.rank(), world.node_rank(), world.node_size());
  const std::optional<Error> problem = mpi::launch_problem(environment, {true, mpi::library_speaks_pmi()});
  return {"MPI launch", problem ? State::warn : State::pass, found, problem ? problem->what() : ""};
}

// Cores that the launcher ties a rank to, against those that the job gave it.
Check binding(const Machine& machine) {
  const char* given = std::getenv("SLURM_CPUS_PER_TASK");
  const int cores = given == nullptr ? 0 : std::atoi(given);
  const bool tied = cores > machine.cores;
  return {"cores of a rank", tied ? State::warn : State::pass, fmt::format("{} usable{}", machine.cores, cores > 0 ? fmt::format(", {} given by Slurm", cores) : ""), tied ? "mpirun --bind-to none, or export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK before srun" : ""};
}

// Summing over GPUs needs CUDA's runtime and NCCL; a LibTorch for CUDA brings both.
Check gpus() {
#if HEPAR_TRAINER
  const collective::GpuFound found = collective::find_gpus();
  if (found.usable) return {"GPU", State::pass, found.text, ""};
  // A driver without the rest of it is a GPU that lies idle.
  void* driver = ::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (driver != nullptr) return {"GPU", State::warn, "a driver is there, and no GPU can be used: " + found.text, "check nvidia-smi; put libcudart and libnccl.so.2 on LD_LIBRARY_PATH"};
  return {"GPU", State::pass, "none (CPU training): " + found.text, ""};
#else
  return {"GPU", State::pass, "not used by this build", ""};
#endif
}

Check folder(const std::string& path) {
  struct statvfs space {};
  if (::statvfs(path.c_str(), &space) != 0) return {"folder " + path, State::fail, "not reachable", "mkdir -p " + path};
  constexpr long kTmpfs = 0x01021994, kRamfs = 0x858458f6;  // linux/magic.h
  struct statfs kind {};
  const bool memory = ::statfs(path.c_str(), &kind) == 0 && (kind.f_type == kTmpfs || kind.f_type == kRamfs);
  const double free_gib = static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize) / 0x1p30;
  const auto start = std::chrono::steady_clock::now();
  try {
    const fs::path probe = fs::path(path) / (".hepar-probe-" + std::to_string(::getpid()));
    publish(probe, std::string(4096, 'x'));
    fs::remove(probe);
  } catch (const Error& error) {
    return {"folder " + path, State::fail, error.what(), "choose a writable folder"};
  }
  const double milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  const std::string found = fmt::format("{:.1f} GiB free{}, a durable write takes {:.1f} ms", free_gib, memory ? " in memory (lost at reboot)" : "", milliseconds);
  const std::string fix = free_gib < 2 ? "free space" : memory ? "--folder on a disk" : "";
  return {"folder " + path, fix.empty() ? State::pass : State::warn, found, fix};
}

Check open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return {"open files", limit.rlim_cur < 256 ? State::warn : State::pass, fmt::format("{} allowed", limit.rlim_cur), limit.rlim_cur < 256 ? "ulimit -n 1024" : ""};
}

class Doctor : public Command {
 public:
  std::string_view name() const override { return "doctor"; }
  std::string_view summary() const override { return "what this machine has, what is wrong, and the command that mends it"; }
  std::string_view example() const override { return "hepar doctor --folder /scratch"; }
  std::vector<Row> rows() override { return {row("folder", folder_, "where stores and runs will be written")}; }

  ExitCode run(const Context& context, const std::vector<std::string>&) override {
    if (!context.world.root()) return ExitCode::done;
    const Machine machine = this_machine();
    const std::vector<Check> checks{{"hepar", State::pass, fmt::format("{}, g++ {}, ingest {}, trainer {}", HEPAR_VERSION, __VERSION__, HEPAR_INGEST ? "yes" : "no", HEPAR_TRAINER ? "yes" : "no"), ""},
                                    processor(machine), libraries(), blas(machine), pins(machine), launch(context.world), binding(machine), gpus(), open_files(), locale_of_files(), folder(folder_)};
    bool usable = true;
    nlohmann::ordered_json out = nlohmann::ordered_json::array();
    for (const Check& check : checks) {
      const char* state = kStates[static_cast<std::size_t>(check.state)];
      usable = usable && check.state != State::fail;
      out.push_back({{"check", check.what}, {"state", state}, {"found", check.found}, {"fix", check.fix}});
      if (context.json) continue;
      fmt::print("{}  {:<18} {}\n", state, check.what, check.found);
      if (!check.fix.empty()) fmt::print("{:<25}mend: {}\n", "", check.fix);
    }
    if (context.json) print_json(out, 2);
    return usable ? ExitCode::done : ExitCode::usage;
  }

 private:
  std::string folder_ = ".";
};

}  // namespace

std::unique_ptr<Command> make_doctor_command() { return std::make_unique<Doctor>(); }

}  // namespace hepar::program
