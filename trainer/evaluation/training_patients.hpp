// SPDX-License-Identifier: Apache-2.0
// Whom a model has learned from, and who of a store is among them: a prediction of theirs is no evidence.
#pragma once

#include "sharding/store/store.hpp"
#include "trainer/engine/model_file.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace hepar::evaluation {

// Learned from: entered a step, here or in a run that this one began from, or anything that predicts was fitted on them.
class TrainingPatients {
 public:
  explicit TrainingPatients(const engine::ModelFile& model);
  // By key, or by a slide or volume of the same bytes under another id.
  [[nodiscard]] bool contains(const store::Store& store, std::int64_t patient) const;
  [[nodiscard]] std::int64_t count(const store::Store& store, const std::vector<std::int64_t>& patients) const;

 private:
  std::set<std::string> keys_;
  engine::Contents contents_;
};

// The patients whose predictions can be sealed: those that the model has not learned from. input_error when there are none.
[[nodiscard]] std::vector<std::int64_t> unseen(const TrainingPatients& training, const store::Store& store, const std::vector<std::int64_t>& patients);

}  // namespace hepar::evaluation
