// SPDX-License-Identifier: Apache-2.0
// How this process was started, and whether that fits what Slurm has given: read from the environment before MPI starts, so
// that a wrong launch ends in a second with the line that mends it. HEPAR_LAUNCH=as-is in the environment accepts any launch.
#pragma once

#include "data/base/error.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace hepar::mpi {

class Communicator;

// The value of a variable, or null.
using Environment = std::function<const char*(const char*)>;
[[nodiscard]] Environment process_environment();

// Who started this process, by the launcher's own variables: under mpirun those of Slurm are wrong in every rank.
struct Launch {
  std::string launcher = "none";  // "mpirun (Open MPI)", "srun (PMIx)", "srun (PMI)", "PMIx", "PMI" or "none"
  std::string by;                 // the variable that says so
  int rank = 0, size = 1, local_rank = 0;
  [[nodiscard]] bool started() const { return launcher != "none"; }
};
[[nodiscard]] Launch read_launch(const Environment& environment);

// What of the launch cannot be meant (usage_error), or nothing. `parallel`: the command shares its work out over ranks.
// `speaks_pmi`: the MPI library can be started through Slurm's PMI.
struct LaunchQuestion {
  bool parallel = true;
  bool speaks_pmi = true;
};
[[nodiscard]] std::optional<Error> launch_problem(const Environment& environment, const LaunchQuestion& question);

// The first of all processes of a wrong launch, which alone speaks.
[[nodiscard]] bool first_process(const Environment& environment);

// False when this Open MPI keeps its parts in files and none of them is for Slurm's PMI.
[[nodiscard]] bool library_speaks_pmi();

// What must be the same on every rank: a name for people, and a hash. usage_error naming the first thing and rank that differ,
// with their hosts. Collective; two numbers travel when all is well.
struct Common {
  std::string what, hash, remedy;
};
void check_common(const Communicator& world, const std::vector<Common>& things);

// Two ranks of one node on one device (`device`: what this rank computes on, empty: none) is a usage_error. Collective.
void check_devices(const Communicator& world, const std::string& device);
// The device that this process would take, by CUDA_VISIBLE_DEVICES: "GPU 0", empty when the variable gives none or several.
[[nodiscard]] std::string only_device(const Environment& environment);

}  // namespace hepar::mpi
