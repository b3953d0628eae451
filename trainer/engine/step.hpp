// SPDX-License-Identifier: Apache-2.0
// One optimiser step: slots to gradients to their sum over all ranks (ARCHITECTURE, "The step").
#pragma once

#include "trainer/collective/collective.hpp"
#include "trainer/dataset/dataset.hpp"
#include "trainer/engine/arena.hpp"
#include "trainer/engine/engine.hpp"
#include "trainer/engine/prefetch.hpp"
#include "trainer/engine/workers.hpp"
#include "trainer/objective/objective.hpp"

#include <cstdint>
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
};

struct StepSeconds { double load = 0, forward = 0, backward = 0, quantise = 0, reduce = 0; };

struct StepResult {
  double loss = 0;                       // mean over the step's patients
  std::int64_t slots_here = 0;           // computed by this rank, repeats included
  std::int64_t not_finite_slots = 0;     // over all ranks
  std::int64_t overflows = 0;
  bool stop = false;                     // some rank was asked to stop
  std::vector<std::int64_t> bad_patients;  // store indices, of the slots that were not finite
  std::int64_t reduced_bytes = 0;        // given to all-reduces by this rank; none where it is alone
};

// Gradients of one step, in `gradient` on every rank. Collective.
class StepEngine {
 public:
  // `prefetch`: batches to read ahead.
  StepEngine(const Learner& learner, const Arena& arena, collective::Collective& group, Workers& workers, std::size_t prefetch = 0);

  // Fixed point: the same bits whatever the ranks and threads. Uses `exponents`; leaves them alone.
  StepResult reproducible(const dataset::StepPlan& plan, std::int64_t step, const std::vector<int>& exponents, const Faults& faults);
  // The step that follows: its batches may be read while the present one is computed (reproducible mode).
  void announce(const dataset::StepPlan& plan, std::int64_t step);
  // One forward over this rank's slots, float sums: repeatable at the same number of ranks.
  StepResult native(const dataset::StepPlan& plan, std::int64_t step, const Faults& faults);

  [[nodiscard]] std::span<float> gradient() { return gradient_; }
  [[nodiscard]] const StepSeconds& seconds() const { return seconds_; }

 private:
  struct SlotOutcome { double loss = 0; bool finite = true; };
  [[nodiscard]] std::uint64_t slot_key(std::int64_t step, std::int64_t slot) const;
  [[nodiscard]] SlotOutcome compute(const std::vector<std::int64_t>& patients, std::uint64_t key, double denominator, std::vector<at::Tensor>& gradients, int worker);

  const Learner& learner_;
  const Arena& arena_;
  collective::Collective& group_;
  Workers& workers_;
  std::vector<float> gradient_;
  std::vector<std::int64_t> sums_;                       // arena + trailer
  std::vector<std::vector<std::int64_t>> worker_sums_;   // arena, workers 1 …
  std::vector<StepSeconds> worker_seconds_;
  StepSeconds seconds_;
  Prefetch prefetch_;
};

}  // namespace hepar::engine
