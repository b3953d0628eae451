// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/step.hpp"

namespace hepar::engine {

StepEngine::StepEngine(const Learner& learner, const Arena& arena, collective::Collective& group, Workers& workers, std::size_t prefetch)
    : learner_(learner), arena_(arena), group_(group), workers_(workers),
      prefetch_(prefetch, [&learner](const std::vector<std::int64_t>& patients, std::uint64_t key) { return read_batch(learner, patients, key); }),
      worker_seconds_(static_cast<std::size_t>(workers.count())) {}

std::vector<std::int64_t> StepEngine::own_slots(const dataset::StepPlan& plan) const {
  return dataset::share_out(plan, learner_.cost, group_.size()).at(static_cast<std::size_t>(group_.rank()));
}

dataset::Batch StepEngine::take(const std::vector<std::int64_t>& patients, std::uint64_t key, int worker) {
  const Timer timer(worker_seconds_[static_cast<std::size_t>(worker)].load, trace_, "data wait", worker);
  std::optional<dataset::Batch> ahead = prefetch_.take(key);
  return ahead ? std::move(*ahead) : read_batch(learner_, patients, key);
}

void StepEngine::add_up_clocks() {
  seconds_ = {};
  for (const StepSeconds& s : worker_seconds_) {
    seconds_.load += s.load;
    seconds_.forward += s.forward;
    seconds_.backward += s.backward;
    seconds_.quantise += s.quantise;
    seconds_.reduce += s.reduce;
  }
}

}  // namespace hepar::engine
