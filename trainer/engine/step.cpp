// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/step.hpp"

#include "data/base/random.hpp"
#include "data/base/stop.hpp"
#include "trainer/engine/reducer.hpp"

#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <thread>

namespace hepar::engine {

namespace {

using Clock = std::chrono::steady_clock;

class Timer {
 public:
  explicit Timer(double& total) : total_(total) {}
  ~Timer() { total_ += std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  double& total_;
  Clock::time_point start_ = Clock::now();
};

constexpr double kLossScale = 0x1p32;  // losses are summed as integers, so that logs agree over rank counts

// What follows the gradients in the reduced buffer, the same places on every rank.
enum Trailer : std::size_t { kStop, kLoss, kOverflow, kSlots, kTrailer };

}  // namespace

StepEngine::StepEngine(const Learner& learner, const Arena& arena, collective::Collective& group, Workers& workers, std::size_t prefetch)
    : learner_(learner), arena_(arena), group_(group), workers_(workers), gradient_(static_cast<std::size_t>(arena.size())),
      worker_sums_(static_cast<std::size_t>(workers.count())), worker_seconds_(static_cast<std::size_t>(workers.count())),
      prefetch_(prefetch, [&learner](const std::vector<std::int64_t>& patients, std::uint64_t key) { return learner.transform.batch(learner.store, patients, learner.config.bag_cap, key); }) {}

std::uint64_t StepEngine::slot_key(std::int64_t step, std::int64_t slot) const {
  return hash_words({learner_.seed, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(slot)}) | 1;  // 0 means prediction
}

void StepEngine::announce(const dataset::StepPlan& plan, std::int64_t step) {
  std::vector<std::pair<std::uint64_t, std::vector<std::int64_t>>> wanted;
  const auto shares = dataset::share_out(plan, learner_.cost, group_.size());
  for (const std::int64_t slot : shares.at(static_cast<std::size_t>(group_.rank())))
    wanted.emplace_back(slot_key(step, slot), plan.slots[static_cast<std::size_t>(slot)].patients);
  prefetch_.announce(std::move(wanted));
}

StepEngine::SlotOutcome StepEngine::compute(const std::vector<std::int64_t>& patients, std::uint64_t key, double denominator, std::vector<at::Tensor>& gradients, int worker) {
  StepSeconds& seconds = worker_seconds_[static_cast<std::size_t>(worker)];
  dataset::Batch batch;
  {
    const Timer timer(seconds.load);
    std::optional<dataset::Batch> ahead = prefetch_.take(key);
    batch = ahead ? std::move(*ahead) : learner_.transform.batch(learner_.store, patients, learner_.config.bag_cap, key);
  }
  at::Tensor loss;
  {
    const Timer timer(seconds.forward);
    const std::vector<at::Tensor> outputs = learner_.network.forward(batch, {key, true});
    for (std::size_t h = 0; h < learner_.heads.size(); ++h) {
      std::vector<objective::Subject> subjects;
      for (const std::int64_t p : patients) subjects.push_back(learner_.subjects[h][static_cast<std::size_t>(p)]);
      const at::Tensor nll = objective::negative_log_likelihood(learner_.heads[h], outputs[h], subjects);
      loss = loss.defined() ? at::add(loss, nll) : nll;
    }
    // The penalty is shared out by patients, so that the step's sum holds it once.
    loss = at::add(at::mul(loss, 1 / denominator), learner_.network.penalty(), static_cast<double>(patients.size()) / denominator);
  }
  const Timer timer(seconds.backward);
  const double value = loss.item<double>();
  const auto computed = torch::autograd::grad({loss}, arena_.tensors(), /*grad_outputs=*/{}, /*retain_graph=*/false, /*create_graph=*/false, /*allow_unused=*/true);
  gradients.assign(computed.begin(), computed.end());
  return {value, std::isfinite(value)};
}

StepResult StepEngine::reproducible(const dataset::StepPlan& plan, std::int64_t step, const std::vector<int>& exponents, const Faults& faults) {
  const std::size_t size = gradient_.size(), slots = plan.slots.size();
  sums_.assign(size + kTrailer + slots, 0);
  worker_seconds_.assign(worker_seconds_.size(), {});
  const auto shares = dataset::share_out(plan, learner_.cost, group_.size());
  const std::vector<std::int64_t>& mine = shares.at(static_cast<std::size_t>(group_.rank()));
  std::vector<std::int64_t> loss(mine.size()), overflow(mine.size()), broken(mine.size());
  for (std::size_t w = 1; w < worker_sums_.size(); ++w) worker_sums_[w].assign(size, 0);

  workers_.run(static_cast<std::int64_t>(mine.size()), [&](int worker, std::int64_t task) {
    const auto at = static_cast<std::size_t>(task);
    const dataset::Slot& slot = plan.slots[static_cast<std::size_t>(mine[at])];
    if (faults.slow_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(faults.slow_ms));
    std::vector<at::Tensor> gradients;
    const SlotOutcome outcome = compute(slot.patients, slot_key(step, slot.index), static_cast<double>(plan.patients), gradients, worker);
    const Timer timer(worker_seconds_[static_cast<std::size_t>(worker)].quantise);
    std::int64_t* sums = worker == 0 ? sums_.data() : worker_sums_[static_cast<std::size_t>(worker)].data();
    Trouble trouble;
    for (std::size_t s = 0; s < gradients.size(); ++s) {
      if (!gradients[s].defined()) continue;  // an input that nobody in this slot has
      const Segment& segment = arena_.segments()[s];
      at::Tensor flat = gradients[s].contiguous();
      float* values = flat.data_ptr<float>();
      if (step == faults.nan_step && slot.index == 0 && s == 0) values[0] = std::numeric_limits<float>::quiet_NaN();
      if (step == faults.overflow_step && slot.index == 0 && s == 0) values[0] = std::ldexp(1.5f, 50 - exponents[s]);
      if (step == faults.break_step) values[0] += 1e-3f * static_cast<float>(group_.rank() + 1);
      const Trouble one = add_fixed_point({values, static_cast<std::size_t>(segment.count)}, exponents[s], {sums + segment.first, static_cast<std::size_t>(segment.count)});
      trouble.not_finite += one.not_finite;
      trouble.overflow += one.overflow;
    }
    broken[at] = !outcome.finite || trouble.not_finite > 0 ? 1 : 0;
    overflow[at] = trouble.overflow;
    loss[at] = outcome.finite ? std::llround(std::clamp(outcome.loss, -1e6, 1e6) * kLossScale) : 0;
  });

  for (std::size_t w = 1; w < worker_sums_.size(); ++w)
    for (std::size_t i = 0; i < size; ++i) sums_[i] += worker_sums_[w][i];
  std::int64_t* trailer = sums_.data() + size;
  trailer[kStop] = stop_requested() ? 1 : 0;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    trailer[kLoss] += loss[i];
    trailer[kOverflow] += overflow[i];
    trailer[kSlots] += 1;
    trailer[kTrailer + static_cast<std::size_t>(mine[i])] = broken[i];
  }
  seconds_ = {};
  for (const StepSeconds& s : worker_seconds_) {
    seconds_.load += s.load;
    seconds_.forward += s.forward;
    seconds_.backward += s.backward;
    seconds_.quantise += s.quantise;
  }
  {
    const Timer timer(seconds_.reduce);
    group_.all_reduce_sum(std::span<std::int64_t>(sums_));
  }
  if (trailer[kSlots] != static_cast<std::int64_t>(slots)) throw Error(ExitCode::bug, "a step lost a slot: " + std::to_string(trailer[kSlots]) + " of " + std::to_string(slots));
  for (std::size_t s = 0; s < arena_.segments().size(); ++s) {
    const auto first = static_cast<std::size_t>(arena_.segments()[s].first), count = static_cast<std::size_t>(arena_.segments()[s].count);
    from_fixed_point({sums_.data() + first, count}, exponents[s], {gradient_.data() + first, count});
  }
  StepResult result{static_cast<double>(trailer[kLoss]) / kLossScale, static_cast<std::int64_t>(mine.size()), 0, trailer[kOverflow], trailer[kStop] != 0, {}, group_.size() > 1 ? static_cast<std::int64_t>(std::span(sums_).size_bytes()) : 0};
  for (std::size_t slot = 0; slot < slots; ++slot) {
    if (trailer[kTrailer + slot] == 0) continue;
    ++result.not_finite_slots;
    result.bad_patients.insert(result.bad_patients.end(), plan.slots[slot].patients.begin(), plan.slots[slot].patients.end());
  }
  return result;
}

StepResult StepEngine::native(const dataset::StepPlan& plan, std::int64_t step, const Faults& faults) {
  const auto shares = dataset::share_out(plan, learner_.cost, group_.size());
  const std::vector<std::int64_t>& mine = shares.at(static_cast<std::size_t>(group_.rank()));
  // As many batches as there are workers, each of several slots: fewer, larger products than slot by slot.
  const std::size_t batches = std::min<std::size_t>(mine.size(), static_cast<std::size_t>(workers_.count()));
  std::vector<std::vector<float>> sums(batches);
  std::vector<SlotOutcome> outcomes(batches);
  worker_seconds_.assign(worker_seconds_.size(), {});
  workers_.run(static_cast<std::int64_t>(batches), [&](int worker, std::int64_t task) {
    const auto b = static_cast<std::size_t>(task);
    std::vector<std::int64_t> patients;
    for (std::size_t i = b; i < mine.size(); i += batches) {
      const dataset::Slot& slot = plan.slots[static_cast<std::size_t>(mine[i])];
      patients.insert(patients.end(), slot.patients.begin(), slot.patients.end());
    }
    const std::uint64_t key = hash_words({learner_.seed, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(group_.rank()), b}) | 1;
    std::vector<at::Tensor> gradients;
    outcomes[b] = compute(patients, key, static_cast<double>(plan.patients), gradients, worker);
    sums[b].assign(gradient_.size(), 0.0f);
    for (std::size_t s = 0; s < gradients.size(); ++s) {
      if (!gradients[s].defined()) continue;
      const at::Tensor flat = gradients[s].contiguous();
      const Segment& segment = arena_.segments()[s];
      std::copy_n(flat.data_ptr<float>(), segment.count, sums[b].data() + segment.first);
    }
    if (step == faults.nan_step && task == 0 && group_.rank() == 0) sums[b][0] = std::numeric_limits<float>::quiet_NaN();
  });
  seconds_ = {};
  for (const StepSeconds& s : worker_seconds_) {
    seconds_.load += s.load;
    seconds_.forward += s.forward;
    seconds_.backward += s.backward;
  }
  std::fill(gradient_.begin(), gradient_.end(), 0.0f);
  for (const std::vector<float>& sum : sums)
    for (std::size_t i = 0; i < gradient_.size(); ++i) gradient_[i] += sum[i];
  std::array<double, 3> trailer{0, stop_requested() ? 1.0 : 0.0, 0};
  for (const SlotOutcome& outcome : outcomes) trailer[0] += outcome.loss;
  {
    const Timer timer(seconds_.reduce);
    group_.all_reduce_sum(std::span<float>(gradient_));
    group_.all_reduce_sum(std::span<double>(trailer));
  }
  const bool finite = std::isfinite(trailer[0]) && std::all_of(gradient_.begin(), gradient_.end(), [](float g) { return std::isfinite(g); });
  StepResult result{trailer[0], static_cast<std::int64_t>(mine.size()), finite ? 0 : 1, 0, trailer[1] > 0, {}, group_.size() > 1 ? static_cast<std::int64_t>(std::span(gradient_).size_bytes() + sizeof trailer) : 0};
  if (!finite)
    for (const dataset::Slot& slot : plan.slots) result.bad_patients.insert(result.bad_patients.end(), slot.patients.begin(), slot.patients.end());
  return result;
}

}  // namespace hepar::engine
