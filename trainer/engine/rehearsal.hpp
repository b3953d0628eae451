// SPDX-License-Identifier: Apache-2.0
// Training steps without a run's folder: what `bench step` measures is what `train` does.
#pragma once

#include "sharding/store/store.hpp"
#include "trainer/collective/collective.hpp"
#include "trainer/engine/experiment.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace hepar::engine {

class Training;

// Seconds of one step: wall time, and the parts summed over this rank's slots.
struct StepTimes {
  double wall = 0, load = 0, forward = 0, backward = 0, quantise = 0, reduce = 0, optimiser = 0;
  double loss = 0;
};

class Rehearsal {
 public:
  // Collective. What it is given outlives it.
  Rehearsal(const Experiment& experiment, const store::Store& store, std::vector<std::int64_t> patients, collective::Collective& group);
  ~Rehearsal();
  // The next step, update included. Collective.
  StepTimes step();
  // What another program needs to take the same steps, as twin.json and twin.safetensors. Local.
  void write_twin(const std::filesystem::path& folder);
  [[nodiscard]] std::int64_t parameters() const;
  [[nodiscard]] std::int64_t patients_in_step() const;
  [[nodiscard]] int slots_at_once() const;

 private:
  Training& training();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Seconds of one AdamW update of a model of this experiment's size: ours over the flat arena, and torch::optim::AdamW over
// the same tensors, one after the other `rounds` times.
struct OptimiserTimes { std::vector<double> ours, torch; std::int64_t parameters = 0; };
[[nodiscard]] OptimiserTimes time_optimisers(std::int64_t fusion_width, int rounds);

// Seconds to turn `count` gradients into fixed point and add them (law 2), and to add them as floats.
struct AddTimes { std::vector<double> fixed_point, floats; };
[[nodiscard]] AddTimes time_adding(std::size_t count, int rounds);

}  // namespace hepar::engine
