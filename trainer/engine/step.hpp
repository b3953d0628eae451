// SPDX-License-Identifier: Apache-2.0
// One optimiser step: slots to gradients to their sum over all ranks (ARCHITECTURE, "The step"). Two modes: reproducible.cpp
// and native.cpp.
#pragma once

#include "data/base/stop.hpp"
#include "trainer/collective/collective.hpp"
#include "trainer/engine/arena.hpp"
#include "trainer/engine/engine.hpp"
#include "trainer/engine/prefetch.hpp"
#include "trainer/engine/slot.hpp"
#include "trainer/engine/trace.hpp"
#include "trainer/engine/workers.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace hepar::engine {

// `load` to `quantise` are summed over this rank's workers; `reduce` is what this rank waited for sums over ranks.
struct StepSeconds { double load = 0, forward = 0, backward = 0, quantise = 0, reduce = 0; };

struct StepResult {
  double loss = 0;                       // mean over the step's patients
  double norm = 0;                       // of the gradient
  std::int64_t slots_here = 0;           // computed by this rank, repeats included
  std::int64_t not_finite_slots = 0;     // over all ranks
  std::int64_t overflows = 0;
  bool stop = false;                     // some rank was asked to stop
  std::vector<std::int64_t> bad_patients;  // store indices, of the slots that were not finite
  std::int64_t reduced_bytes = 0;        // given to all-reduces by this rank; none where it is alone
};

class StepEngine {
 public:
  virtual ~StepEngine() = default;
  // The gradient of one step, in `gradient` on every rank. Uses `exponents` and leaves them alone. Collective.
  virtual StepResult compute(const dataset::StepPlan& plan, std::int64_t step, const std::vector<int>& exponents, const Faults& faults) = 0;
  // The exponents of the step after this one, from its gradient.
  virtual void next_exponents(std::vector<int>& exponents) const = 0;
  // The step that follows: its batches may be read while the present one is computed.
  virtual void announce(const dataset::StepPlan& plan, std::int64_t step) = 0;

  [[nodiscard]] std::span<const float> gradient() const { return gradient_; }
  [[nodiscard]] const StepSeconds& seconds() const { return seconds_; }
  void trace_to(Trace* trace) { trace_ = trace; }
  void sum_early(bool early) { early_ = early; }  // sums over ranks are begun before all is computed; never changes a bit

 protected:
  // `prefetch`: batches to read ahead.
  StepEngine(const Learner& learner, const Arena& arena, collective::Collective& group, Workers& workers, std::size_t prefetch);
  [[nodiscard]] std::vector<std::int64_t> own_slots(const dataset::StepPlan& plan) const;  // of this rank, longest first
  [[nodiscard]] dataset::Batch take(const std::vector<std::int64_t>& patients, std::uint64_t key, int worker);
  // Whether this rank asks for a stop. The root writes the checkpoints: it alone knows how long before a deadline to ask.
  [[nodiscard]] bool wants_to_stop() const { return group_.rank() == 0 ? stop_requested() : stop_signalled(); }
  void begin_clock() { worker_seconds_.assign(worker_seconds_.size(), {}); }
  void add_up_clocks();

  const Learner& learner_;
  const Arena& arena_;
  collective::Collective& group_;
  Workers& workers_;
  Prefetch prefetch_;
  std::vector<StepSeconds> worker_seconds_;
  StepSeconds seconds_;
  std::span<float> gradient_;             // the derived class owns it
  bool early_ = false;
  Trace* trace_ = nullptr;
};

// Fixed point: the same bits whatever the ranks and threads.
[[nodiscard]] std::unique_ptr<StepEngine> make_reproducible(const Learner& learner, const Arena& arena, collective::Collective& group, Workers& workers, std::size_t prefetch);
// Several slots in a forward, float sums begun while backward goes on: repeatable at the same number of ranks and workers.
// `make_network`: another network of the same shape, for the workers beside the first.
[[nodiscard]] std::unique_ptr<StepEngine> make_native(const Learner& learner, Arena& arena, collective::Collective& group, Workers& workers, std::size_t prefetch,
                                                      const std::function<std::unique_ptr<model::Network>()>& make_network);

}  // namespace hepar::engine
