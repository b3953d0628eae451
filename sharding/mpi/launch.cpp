// SPDX-License-Identifier: Apache-2.0
#include "sharding/mpi/launch.hpp"

#include "data/base/files.hpp"
#include "data/base/machine.hpp"
#include "data/base/text.hpp"
#include "sharding/mpi/session.hpp"

#include <array>
#include <cstdlib>
#include <map>

namespace hepar::mpi {

namespace {

// The variables of a launcher; `step`: it was started by srun when this one is there too.
struct LauncherVariables {
  const char *rank, *size, *local_rank, *name, *name_in_step;
};
// In order: mpirun in a Slurm job sets Slurm's variables and PMIx's as well, to values that mean something else.
constexpr std::array<LauncherVariables, 4> kLaunchers{{{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "mpirun (Open MPI)", "mpirun (Open MPI)"},
                                                       {"PMIX_RANK", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "PMIx", "srun (PMIx)"},
                                                       {"PMI_RANK", "PMI_SIZE", "SLURM_LOCALID", "PMI", "srun (PMI)"},
                                                       {"PMI_ID", "PMI_SIZE", "SLURM_LOCALID", "PMI", "srun (PMI)"}}};

int number_of(const Environment& environment, const char* name, int otherwise) {
  const char* value = environment(name);
  return value == nullptr ? otherwise : static_cast<int>(parse_integer(value).value_or(otherwise));
}

bool has(const Environment& environment, const char* name) { return environment(name) != nullptr; }

Error wrong(const std::string& what, const std::string& remedy) { return usage_error(what, {}, remedy + " (HEPAR_LAUNCH=as-is accepts it)"); }

// Ranks of this node that the launcher promised.
int ranks_here(const Environment& environment, const Launch& launch) {
  if (has(environment, "OMPI_COMM_WORLD_LOCAL_SIZE")) return number_of(environment, "OMPI_COMM_WORLD_LOCAL_SIZE", 1);
  if (!launch.started() || !has(environment, "SLURM_STEP_TASKS_PER_NODE")) return 1;
  // "4(x2),3": what stands first is the most there is.
  const std::string text = environment("SLURM_STEP_TASKS_PER_NODE");
  return static_cast<int>(parse_integer(text.substr(0, text.find_first_of("(,"))).value_or(1));
}

using Check = std::optional<Error> (*)(const Environment&, const Launch&, const LaunchQuestion&);

// srun without MPI: as many programs as tasks, each alone and with all the work.
std::optional<Error> worlds_of_one(const Environment& environment, const Launch& launch, const LaunchQuestion&) {
  const int tasks = number_of(environment, "SLURM_STEP_NUM_TASKS", 1);
  if (launch.started() || !has(environment, "SLURM_STEP_ID") || tasks < 2) return std::nullopt;
  return wrong("srun started " + std::to_string(tasks) + " tasks without MPI: each would do all the work alone", "srun --mpi=pmix hepar …");
}

std::optional<Error> alone_in_an_allocation(const Environment& environment, const Launch& launch, const LaunchQuestion& question) {
  const int tasks = number_of(environment, "SLURM_NTASKS", 1);
  if (!question.parallel || launch.started() || !has(environment, "SLURM_JOB_ID") || has(environment, "SLURM_STEP_ID") || tasks < 2) return std::nullopt;
  return wrong("one process in a Slurm job of " + std::to_string(tasks) + " tasks: the others would idle", "srun --mpi=pmix hepar … (or mpirun --bind-to none hepar …), or #SBATCH --ntasks=1");
}

std::optional<Error> language_not_spoken(const Environment&, const Launch& launch, const LaunchQuestion& question) {
  if (launch.launcher != "srun (PMI)" || question.speaks_pmi) return std::nullopt;
  return wrong("srun --mpi=pmi2 speaks what this Open MPI does not", "srun --mpi=pmix hepar … (srun --mpi=list shows the site's plugins), or mpirun --bind-to none hepar …");
}

std::optional<Error> another_number_of_ranks(const Environment& environment, const Launch& launch, const LaunchQuestion& question) {
  const int tasks = number_of(environment, "SLURM_NTASKS", launch.size);
  // Inside a step that number is not the job's: on other nodes mpirun's ranks stand in the step of its own daemon.
  if (!question.parallel || !launch.by.starts_with("OMPI") || !has(environment, "SLURM_JOB_ID") || has(environment, "SLURM_STEP_ID") || tasks == launch.size) return std::nullopt;
  const bool more = launch.size > tasks;
  return wrong("mpirun started " + std::to_string(launch.size) + " ranks in a Slurm job of " + std::to_string(tasks) + " tasks: " + (more ? "they would share cores" : "the others would idle"),
               "#SBATCH --ntasks=" + std::to_string(launch.size) + ", or mpirun without -n");
}

std::optional<Error> more_ranks_than_devices(const Environment& environment, const Launch& launch, const LaunchQuestion& question) {
  const int devices = number_of(environment, "SLURM_GPUS_ON_NODE", 0), ranks = ranks_here(environment, launch);
  if (!question.parallel || devices < 1 || ranks <= devices) return std::nullopt;
  return wrong(std::to_string(ranks) + " ranks of a node would share " + std::to_string(devices) + " GPU" + (devices == 1 ? "" : "s"), "#SBATCH --ntasks-per-node=" + std::to_string(devices) + ", or --gpus-per-node=" + std::to_string(ranks));
}

constexpr std::array<Check, 5> kChecks{&worlds_of_one, &alone_in_an_allocation, &language_not_spoken, &another_number_of_ranks, &more_ranks_than_devices};

}  // namespace

Environment process_environment() {
  return [](const char* name) -> const char* { return std::getenv(name); };
}

Launch read_launch(const Environment& environment) {
  for (const LauncherVariables& known : kLaunchers) {
    if (!has(environment, known.rank)) continue;
    return {has(environment, "SLURM_STEP_ID") ? known.name_in_step : known.name, known.rank, number_of(environment, known.rank, 0), number_of(environment, known.size, 1), number_of(environment, known.local_rank, 0)};
  }
  return {};
}

std::optional<Error> launch_problem(const Environment& environment, const LaunchQuestion& question) {
  const char* setting = environment("HEPAR_LAUNCH");
  if (setting != nullptr && std::string_view(setting) == "as-is") return std::nullopt;
  if (setting != nullptr) return usage_error("HEPAR_LAUNCH is '" + std::string(setting) + "'", {}, "unset it, or set as-is");
  const Launch launch = read_launch(environment);
  for (const Check check : kChecks)
    if (std::optional<Error> problem = check(environment, launch, question)) return problem;
  return std::nullopt;
}

bool first_process(const Environment& environment) {
  const Launch launch = read_launch(environment);
  return (launch.started() ? launch.rank : number_of(environment, "SLURM_STEP_ID", -1) >= 0 ? number_of(environment, "SLURM_PROCID", 0) : 0) == 0;
}

bool library_speaks_pmi() {
  const std::string library = file_that_answers("ompi_mpi_init");
  if (library.empty()) return true;  // another MPI
  bool parts = false, pmi = false;
  for (const char* folder : {"openmpi", "openmpi3", "openmpi/lib/openmpi", "openmpi/lib/openmpi3"}) {
    std::error_code ignored;
    for (const fs::directory_entry& part : fs::directory_iterator(fs::path(library).parent_path() / folder, ignored)) {
      const std::string name = part.path().filename().string();
      parts = parts || name.starts_with("mca_pmix_");
      pmi = pmi || name.starts_with("mca_pmix_s1") || name.starts_with("mca_pmix_s2");
    }
  }
  return !parts || pmi;
}

void check_common(const Communicator& world, const std::vector<Common>& things) {
  if (world.size() == 1) return;
  std::string all;
  for (const Common& thing : things) all += thing.hash + "\n";
  const auto number = static_cast<std::int64_t>(xxh3(std::as_bytes(std::span(all.data(), all.size()))) >> 2);
  std::array<std::int64_t, 2> extremes{number, -number};
  world.all_reduce_max(extremes);
  if (extremes[0] == -extremes[1]) return;
  const std::vector<std::string> hashes = world.all_gather_texts(all), hosts = world.all_gather_texts(this_machine().host);
  std::optional<Error> problem;
  for (std::size_t i = 0; i < things.size() && !problem; ++i)
    for (std::size_t rank = 1; rank < hashes.size() && !problem; ++rank)
      if (split(hashes[rank], '\n')[i] != split(hashes[0], '\n')[i])
        problem = usage_error(things[i].what + " is another on rank " + std::to_string(rank) + " (" + hosts[rank] + ") than on rank 0 (" + hosts[0] + ")", {}, things[i].remedy);
  throw AgreedError(problem.value_or(usage_error("the ranks were not started alike")), true, world.root());
}

std::string only_device(const Environment& environment) {
  const char* visible = environment("CUDA_VISIBLE_DEVICES");
  if (visible == nullptr || *visible == '\0' || std::string_view(visible).find(',') != std::string_view::npos) return {};
  // Where the site hides devices, every task's only one is number 0; Slurm then says which it is.
  const char* of_task = environment("SLURM_STEP_GPUS");
  const bool named = of_task != nullptr && std::string_view(of_task).find(',') == std::string_view::npos;
  return std::string("GPU ") + (named ? of_task : visible);
}

void check_devices(const Communicator& world, const std::string& device) {
  if (world.size() == 1) return;
  std::int64_t any = device.empty() ? 0 : 1;
  world.all_reduce_max(std::span(&any, 1));
  if (any == 0) return;
  std::map<std::string, std::size_t> holder;
  const std::vector<std::string> all = world.all_gather_texts(device.empty() ? "" : device + " of " + this_machine().host);
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    if (all[rank].empty()) continue;
    const auto [found, first] = holder.emplace(all[rank], rank);
    if (!first) throw AgreedError(wrong("ranks " + std::to_string(found->second) + " and " + std::to_string(rank) + " would both compute on " + all[rank], "#SBATCH --gpus-per-node=N with --ntasks-per-node=N, and no --gpu-bind"), true, world.root());
  }
}

}  // namespace hepar::mpi
