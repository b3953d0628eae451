// SPDX-License-Identifier: Apache-2.0
// The update from a reduced gradient: learning-rate schedule, clipping, AdamW (Loshchilov & Hutter 2019), EMA. Pure
// functions of their arguments, in one fixed order.
#pragma once

#include "trainer/engine/arena.hpp"
#include "trainer/engine/experiment.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hepar::engine {

// Steps of a training; `steps: auto` sees every patient often enough whatever their number.
[[nodiscard]] std::int64_t planned_steps(const TrainConfig& config, std::int64_t steps_per_epoch);

// Linear warm-up, then the schedule of `config`.
[[nodiscard]] double learning_rate(const TrainConfig& config, std::int64_t step, std::int64_t steps);

// What a gradient of this norm is multiplied with, so that it is at most `limit` (0: never clipped).
[[nodiscard]] float clip_factor(double norm, double limit);

// One update by the optimiser of `config`; `update` is 1 for the first. The gradient counts `factor` times; frozen segments stay as
// they are.
void apply_update(Arena& arena, std::span<const float> gradient, float factor, const TrainConfig& config, double rate, std::int64_t update);
void adamw(Arena& arena, std::span<const float> gradient, float factor, const TrainConfig& config, double rate, std::int64_t update);
void average(Arena& arena, double decay);

// The values of train.optimizer and train.schedule: the names of the tables in optimiser.cpp.
[[nodiscard]] std::vector<std::string> optimiser_names();
[[nodiscard]] std::vector<std::string> schedule_names();

}  // namespace hepar::engine
