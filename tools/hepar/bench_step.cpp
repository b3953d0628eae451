// SPDX-License-Identifier: Apache-2.0
// Training steps of the default multimodal model: reproducible and native mode take turns in the same ranks.
#include "sharding/store/store.hpp"
#include "tools/hepar/bench_figures.hpp"
#include "trainer/engine/rehearsal.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <optional>

namespace hepar::program {

namespace {

// The largest over ranks, in nanoseconds: exact enough, and the one maximum that the group has.
double slowest(double seconds, collective::Collective& group) {
  auto nanoseconds = static_cast<std::int64_t>(std::llround(seconds * 1e9));
  group.all_reduce_max(std::span(&nanoseconds, 1));
  return static_cast<double>(nanoseconds) * 1e-9;
}

struct Phase { const char* name; double engine::StepTimes::* seconds; };
constexpr std::array<Phase, 6> kPhases{{{"data", &engine::StepTimes::load},
                                       {"forward", &engine::StepTimes::forward},
                                       {"backward", &engine::StepTimes::backward},
                                       {"quantise", &engine::StepTimes::quantise},
                                       {"reduce", &engine::StepTimes::reduce},
                                       {"optimiser", &engine::StepTimes::optimiser}}};

void take_step(engine::Rehearsal& rehearsal, const std::string& name, collective::Collective& group, Figures& figures) {
  const engine::StepTimes times = rehearsal.step();
  const double wall = slowest(times.wall, group);
  figures.add(name + ", patients/s", "patients/s", static_cast<double>(rehearsal.patients_in_step()) / wall);
  figures.add(name + ", step", "ms", 1e3 * wall);
  for (const Phase& phase : kPhases) {
    const double seconds = slowest(times.*phase.seconds, group);
    if (seconds > 0) figures.add(name + ", " + phase.name, "ms", 1e3 * seconds);
  }
}

void compare_modes(const BenchRequest& request, const std::filesystem::path& path, const std::string& label, Figures& figures) {
  const mpi::Communicator& world = request.context.world;
  const auto group = collective::make_collective(world);
  std::optional<store::Store> store;
  mpi::together(world, [&] { store.emplace(store::Store::open(path)); });
  std::vector<std::int64_t> patients;
  for (std::int64_t p = 0; p < store->patients(); ++p)
    if (store->row(p).verdict.eligible()) patients.push_back(p);
  engine::Experiment reproducible = request.experiment, native = request.experiment;
  reproducible.mode = "reproducible", native.mode = "native";
  reproducible.train.steps = native.train.steps = "1000000";  // a learning rate that hardly moves
  engine::Rehearsal first(reproducible, *store, patients, *group), second(native, *store, patients, *group);
  for (engine::Rehearsal* warm : {&first, &second}) (void)warm->step();
  for (int round = 0; round < request.rounds; ++round) {
    take_step(first, label + "reproducible", *group, figures);
    take_step(second, label + "native", *group, figures);
  }
  figures.add_ratio(label + "reproducible / native, step", label + "reproducible, step", label + "native, step");
  figures.note(fmt::format("{}{} parameters, {} patients a step, slots at once a rank: {}; phases are summed over a rank's slots, the slowest rank's", label,
                           first.parameters(), first.patients_in_step(), first.slots_at_once()));
}

}  // namespace

Figures bench_step(const BenchRequest& request) {
  Figures figures;
  if (!request.store.empty()) {
    compare_modes(request, request.store, "", figures);
    return figures;
  }
  const std::int64_t patients = request.experiment.train.slots_per_step * request.experiment.train.patients_per_slot;
  for (const long long tiles : request.tiles) {
    const MadeStore made(request.context.world, patients, tiles);
    compare_modes(request, made.path(), fmt::format("{} tiles: ", tiles), figures);
  }
  return figures;
}

}  // namespace hepar::program
