// SPDX-License-Identifier: Apache-2.0
// From patients to a loss that can be differentiated: what both modes of a step share. Internal to the room.
#pragma once

#include "sharding/mpi/activity.hpp"
#include "trainer/dataset/dataset.hpp"
#include "trainer/dataset/staging.hpp"
#include "trainer/engine/experiment.hpp"
#include "trainer/model/network.hpp"
#include "trainer/objective/objective.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace hepar::engine {

// What a step reads. All of it outlives the step.
struct Learner {
  const store::Store& store;
  const dataset::Transform& transform;
  const model::Network& network;
  const std::vector<objective::HeadSpec>& heads;
  const std::vector<std::vector<objective::Subject>>& subjects;  // [head][store patient]
  const std::vector<double>& cost;                               // of a store patient
  const TrainConfig& config;
  std::uint64_t seed = 0;
  const dataset::Staging* staging = nullptr;                     // where features are read, when it is not the store
  mpi::Activity* activity = nullptr;                             // told whose slot is computed
};

[[nodiscard]] dataset::Batch read_batch(const Learner& learner, const std::vector<std::int64_t>& patients, std::uint64_t key);

// The share of these patients in the step's loss, which is a mean over `denominator` patients. `key`: of the random masks.
[[nodiscard]] at::Tensor loss_of(const Learner& learner, const model::Network& network, const dataset::Batch& batch, std::uint64_t key, double denominator);

// Runs `work`, and tells the watch whose it is; memory that is not there becomes an error that names the slot, its patients and the keys to lower.
void within_memory(const Learner& learner, const std::string& slot, const std::vector<std::int64_t>& patients, const std::function<void()>& work);

}  // namespace hepar::engine
