// SPDX-License-Identifier: Apache-2.0
// Training steps of the default multimodal model: both modes, and native mode without sums over ranks, which no exchange can
// beat, take turns in the same ranks.
#include "sharding/store/store.hpp"
#include "tools/hepar/bench_figures.hpp"
#include "trainer/engine/rehearsal.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <iostream>
#include <optional>
#include <string>

namespace hepar::program {

namespace {

// The largest over ranks, in nanoseconds: exact enough, and the one maximum that the group has.
double slowest(double seconds, collective::Collective& group) {
  auto nanoseconds = static_cast<std::int64_t>(std::llround(seconds * 1e9));
  group.all_reduce_max(std::span(&nanoseconds, 1));
  return static_cast<double>(nanoseconds) * 1e-9;
}

// A group that exchanges nothing in a step: each rank computes its share and keeps its own sums.
class Silent : public collective::Collective {
 public:
  explicit Silent(collective::Collective& group) : Collective(group.standing()), group_(group) {}
  std::string_view name() const override { return group_.name(); }
  int rank() const override { return group_.rank(); }
  int size() const override { return group_.size(); }
  void all_reduce_sum(collective::Values) override {}
  collective::Pending start_sum(collective::Values) override { return {}; }
  bool overlaps() const override { return false; }
  void all_reduce_max(std::span<std::int64_t> values) override { group_.all_reduce_max(values); }
  void broadcast(std::span<std::byte> bytes, int root) override { group_.broadcast(bytes, root); }
  std::vector<std::byte> gather(std::span<const std::byte> bytes, int root) override { return group_.gather(bytes, root); }
  void barrier() override { group_.barrier(); }
  bool whole() const override { return group_.whole(); }

 private:
  collective::Collective& group_;
};

struct Phase { const char* name; double engine::StepTimes::* seconds; };
constexpr std::array<Phase, 6> kPhases{{{"data", &engine::StepTimes::load},
                                       {"forward", &engine::StepTimes::forward},
                                       {"backward", &engine::StepTimes::backward},
                                       {"quantise", &engine::StepTimes::quantise},
                                       {"reduce", &engine::StepTimes::reduce},
                                       {"optimiser", &engine::StepTimes::optimiser}}};

// Returns the loss.
double take_step(engine::Rehearsal& rehearsal, const std::string& name, collective::Collective& group, Figures& figures) {
  const engine::StepTimes times = rehearsal.step();
  const double wall = slowest(times.wall, group);
  figures.add(name + ", patients/s", "patients/s", static_cast<double>(rehearsal.patients_in_step()) / wall);
  figures.add(name + ", step", "ms", 1e3 * wall);
  for (const Phase& phase : kPhases) {
    const double seconds = slowest(times.*phase.seconds, group);
    if (seconds > 0) figures.add(name + ", " + phase.name, "ms", 1e3 * seconds);
  }
  return times.loss;
}

// With --paced each round waits for a line of input: another program's steps take their turn in between.
void wait_for_turn(const BenchRequest& request, const mpi::Communicator& world) {
  if (request.paced && world.root()) {
    std::string line;
    std::getline(std::cin, line);
  }
  (void)world.patient_max(0);
}
void say_over(const BenchRequest& request, const mpi::Communicator& world) {
  if (request.paced && world.root()) fmt::print(stderr, "my turn is over\n");
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
  if (request.twin.empty()) reproducible.train.steps = native.train.steps = "1000000";  // a learning rate that hardly moves
  Silent silent(*group);
  engine::Rehearsal first(reproducible, *store, patients, *group), second(native, *store, patients, *group), bound(native, *store, patients, silent);
  if (world.root() && !request.twin.empty()) second.write_twin(request.twin);
  wait_for_turn(request, world);
  constexpr int kWarm = 12;  // native mode tries in its first steps whether overlap pays
  for (int warm = 0; warm < (request.small ? 1 : kWarm); ++warm) {
    (void)first.step();
    figures.add(label + "native, loss", "", second.step().loss);
    (void)bound.step();
  }
  say_over(request, world);
  for (int round = 0; round < request.rounds; ++round) {
    wait_for_turn(request, world);
    for (int step = 0; step < request.steps; ++step) {
      take_step(first, label + "reproducible", *group, figures);
      figures.add(label + "native, loss", "", take_step(second, label + "native", *group, figures));
      if (world.size() > 1) take_step(bound, label + "no sums", *group, figures);
    }
    say_over(request, world);
  }
  figures.add_ratio(label + "reproducible / native, step", label + "reproducible, step", label + "native, step");
  if (world.size() > 1) figures.add_ratio(label + "native / no sums, step", label + "native, step", label + "no sums, step");
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
