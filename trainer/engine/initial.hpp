// SPDX-License-Identifier: Apache-2.0
// What a training begins with besides its seed: parameters of another run, modules that stay or move slowly.
#pragma once

#include "trainer/engine/arena.hpp"
#include "trainer/engine/experiment.hpp"
#include "trainer/engine/model_file.hpp"

#include <string>
#include <vector>

namespace hepar::engine {

// What was taken from train.init_from. Empty when nothing was asked for.
struct Initial {
  std::string parameters_sha256;
  std::vector<std::string> taken, own;   // names of parameters: from there, and from this run's seed
  std::vector<std::string> trained_on;   // whom the other run saw, and those before it: this model has seen them too
  Contents contents;                     // their slides and volumes
};

// Puts the parameters of train.init_from into the arena. usage_error when no name and shape agrees. Local.
[[nodiscard]] Initial begin_from(const TrainConfig& config, Arena& arena);
// Sets the rates of segments by train.freeze and train.module_rates; usage_error for a module that there is not. Local.
void set_rates(const TrainConfig& config, Arena& arena);

}  // namespace hepar::engine
