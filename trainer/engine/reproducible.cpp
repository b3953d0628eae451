// SPDX-License-Identifier: Apache-2.0
// Law 2: slot gradients as 64-bit fixed point, added as integers.
#include "trainer/engine/buckets.hpp"
#include "trainer/engine/reducer.hpp"
#include "trainer/engine/step.hpp"

#include "data/base/random.hpp"

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <thread>

namespace hepar::engine {

namespace {

constexpr double kLossScale = 0x1p32;  // losses are summed as integers, so that logs agree over rank counts

// What follows the gradients in the reduced buffer, the same places on every rank.
enum Trailer : std::size_t { kStop, kLoss, kOverflow, kSlots, kTrailer };

class Reproducible final : public StepEngine {
 public:
  Reproducible(const Learner& learner, const Arena& arena, collective::Collective& group, Workers& workers, std::size_t prefetch)
      : StepEngine(learner, arena, group, workers, prefetch), storage_(static_cast<std::size_t>(arena.size())), largest_(arena.segments().size()),
        parts_(static_cast<std::size_t>(workers.count())) {
    gradient_ = storage_;
  }

  StepResult compute(const dataset::StepPlan& plan, std::int64_t step, const std::vector<int>& exponents, const Faults& faults) override;
  void next_exponents(std::vector<int>& exponents) const override {
    for (std::size_t s = 0; s < exponents.size(); ++s) exponents[s] = next_exponent(largest_[s], exponents[s]);
  }
  void announce(const dataset::StepPlan& plan, std::int64_t step) override {
    std::vector<std::pair<std::uint64_t, std::vector<std::int64_t>>> wanted;
    for (const std::int64_t slot : own_slots(plan)) wanted.emplace_back(slot_key(step, slot), plan.slots[static_cast<std::size_t>(slot)].patients);
    prefetch_.announce(std::move(wanted));
  }

 private:
  // What a worker has added so far in this step.
  struct Part { std::vector<std::int64_t> sums; bool any = false; };
  struct SlotOutcome { double loss = 0; std::int64_t overflow = 0; bool broken = false; };

  [[nodiscard]] std::uint64_t slot_key(std::int64_t step, std::int64_t slot) const {
    return hash_words({learner_.seed, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(slot)}) | 1;  // 0 means prediction
  }
  SlotOutcome compute_slot(const dataset::StepPlan& plan, const dataset::Slot& slot, std::int64_t step, const std::vector<int>& exponents, const Faults& faults, int worker);
  double reduce(const std::vector<int>& exponents);

  std::vector<float> storage_;
  std::vector<float> largest_;            // of each segment of the gradient
  std::vector<Part> parts_;               // one a worker; the first ends as the sum, with a trailer
};

Reproducible::SlotOutcome Reproducible::compute_slot(const dataset::StepPlan& plan, const dataset::Slot& slot, std::int64_t step, const std::vector<int>& exponents, const Faults& faults,
                                                     int worker) {
  StepSeconds& seconds = worker_seconds_[static_cast<std::size_t>(worker)];
  if (faults.slow_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(faults.slow_ms));
  if (step == faults.memory_step && slot.index == 0) throw std::bad_alloc();
  const std::uint64_t key = slot_key(step, slot.index);
  const dataset::Batch batch = take(slot.patients, key, worker);
  at::Tensor loss;
  {
    const Timer timer(seconds.forward, trace_, "forward", worker);
    loss = loss_of(learner_, learner_.network, batch, key, static_cast<double>(plan.patients));
  }
  SlotOutcome outcome{loss.item<double>()};
  outcome.broken = !std::isfinite(outcome.loss);
  std::vector<at::Tensor> gradients;
  {
    const Timer timer(seconds.backward, trace_, "backward", worker);
    gradients = torch::autograd::grad({loss}, arena_.tensors(), /*grad_outputs=*/{}, /*retain_graph=*/false, /*create_graph=*/false, /*allow_unused=*/true);
  }
  const Timer timer(seconds.quantise, trace_, "fixed point", worker);
  Part& part = parts_[static_cast<std::size_t>(worker)];
  for (std::size_t s = 0; s < gradients.size(); ++s) {
    const Segment& segment = arena_.segments()[s];
    const std::span<std::int64_t> sums = std::span(part.sums).subspan(static_cast<std::size_t>(segment.first), static_cast<std::size_t>(segment.count));
    if (!gradients[s].defined() || segment.rate == 0) {  // an input that nobody in this slot has, or frozen
      if (!part.any) std::fill(sums.begin(), sums.end(), 0);
      continue;
    }
    at::Tensor flat = gradients[s].contiguous();
    float* values = flat.data_ptr<float>();
    if (faults.nan_at(step) && slot.index == 0 && s == 0) values[0] = std::numeric_limits<float>::quiet_NaN();
    if (step == faults.overflow_step && slot.index == 0 && s == 0) values[0] = std::ldexp(1.5f, 50 - exponents[s]);
    if (step == faults.break_step) values[0] += 1e-3f * static_cast<float>(group_.rank() + 1);
    const std::span<const float> gradient(values, sums.size());
    const Trouble trouble = part.any ? add_fixed_point(gradient, exponents[s], sums) : set_fixed_point(gradient, exponents[s], sums);
    outcome.overflow += trouble.overflow;
    outcome.broken = outcome.broken || trouble.not_finite > 0;
  }
  part.any = true;
  return outcome;
}

StepResult Reproducible::compute(const dataset::StepPlan& plan, std::int64_t step, const std::vector<int>& exponents, const Faults& faults) {
  const std::size_t size = storage_.size(), slots = plan.slots.size();
  const std::vector<std::int64_t> mine = own_slots(plan);
  std::vector<SlotOutcome> outcomes(mine.size());
  begin_clock();
  for (std::size_t w = 0; w < parts_.size(); ++w) {
    parts_[w].any = false;
    parts_[w].sums.resize(w == 0 ? size + kTrailer + slots : size);
  }
  workers_.run(static_cast<std::int64_t>(mine.size()), [&](int worker, std::int64_t task) {
    const dataset::Slot& slot = plan.slots[static_cast<std::size_t>(mine[static_cast<std::size_t>(task)])];
    within_memory(learner_, "slot " + std::to_string(slot.index), slot.patients,
                  [&] { outcomes[static_cast<std::size_t>(task)] = compute_slot(plan, slot, step, exponents, faults, worker); });
  });
  add_up_clocks();

  if (!parts_[0].any) std::fill_n(parts_[0].sums.begin(), size, 0);
  const std::span<std::int64_t> trailer = std::span(parts_[0].sums).subspan(size);
  std::fill(trailer.begin(), trailer.end(), 0);
  trailer[kStop] = wants_to_stop() ? 1 : 0;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    trailer[kLoss] += std::isfinite(outcomes[i].loss) ? std::llround(std::clamp(outcomes[i].loss, -1e6, 1e6) * kLossScale) : 0;
    trailer[kOverflow] += outcomes[i].overflow;
    trailer[kSlots] += 1;
    trailer[kTrailer + static_cast<std::size_t>(mine[i])] = outcomes[i].broken ? 1 : 0;
  }
  StepResult result;
  {
    double whole = 0;  // the trace's alone: `reduce` keeps apart what it waits for and what it computes
    const Timer timer(whole, trace_, Trace::kSum);
    result.norm = std::sqrt(reduce(exponents));
  }
  if (trailer[kSlots] != static_cast<std::int64_t>(slots)) throw Error(ExitCode::bug, "a step lost a slot: " + std::to_string(trailer[kSlots]) + " of " + std::to_string(slots));
  result.loss = static_cast<double>(trailer[kLoss]) / kLossScale;
  result.slots_here = static_cast<std::int64_t>(mine.size());
  result.overflows = trailer[kOverflow];
  result.stop = trailer[kStop] != 0;
  result.reduced_bytes = group_.size() > 1 ? static_cast<std::int64_t>(std::span(parts_[0].sums).size_bytes()) : 0;
  for (std::size_t slot = 0; slot < slots; ++slot) {
    if (trailer[kTrailer + slot] == 0) continue;
    ++result.not_finite_slots;
    result.bad_patients.insert(result.bad_patients.end(), plan.slots[slot].patients.begin(), plan.slots[slot].patients.end());
  }
  return result;
}

// Over workers and ranks and back to floats, a bucket at a time while it lies in the cache. Returns the sum of squares.
double Reproducible::reduce(const std::vector<int>& exponents) {
  const std::span<std::int64_t> sums = parts_[0].sums;
  const std::vector<Bucket> buckets = buckets_of(sums.size(), sizeof(std::int64_t));
  std::vector<collective::Pending> pending(buckets.size());
  const auto start = [&](std::size_t b) {
    const Bucket& bucket = buckets[b];
    {
      const Timer timer(seconds_.quantise);
      for (std::size_t w = 1; w < parts_.size(); ++w)
        for (std::size_t i = bucket.first; parts_[w].any && i < std::min(bucket.first + bucket.count, storage_.size()); ++i) sums[i] += parts_[w].sums[i];
    }
    const Timer timer(seconds_.reduce);
    if (early_) pending[b] = group_.start_sum(sums.subspan(bucket.first, bucket.count));
    else group_.all_reduce_sum(sums.subspan(bucket.first, bucket.count));
  };
  double total = 0;
  std::fill(largest_.begin(), largest_.end(), 0.0f);
  for (std::size_t b = 0; early_ && b < buckets.size(); ++b) start(b);
  for (std::size_t b = 0; b < buckets.size(); ++b) {
    if (!early_) start(b);
    {
      const Timer timer(seconds_.reduce);
      pending[b].wait();
    }
    const Timer timer(seconds_.quantise);
    const std::size_t begin = buckets[b].first, end = std::min(begin + buckets[b].count, storage_.size());
    for (std::size_t s = 0; s < arena_.segments().size(); ++s) {
      const auto first = std::max(begin, static_cast<std::size_t>(arena_.segments()[s].first));
      const auto last = std::min(end, static_cast<std::size_t>(arena_.segments()[s].first + arena_.segments()[s].count));
      if (first < last) largest_[s] = std::max(largest_[s], from_fixed_point(sums.subspan(first, last - first), exponents[s], gradient_.subspan(first, last - first)));
    }
    if (begin < end) total += squares(gradient_.subspan(begin, end - begin));
  }
  return total;
}

}  // namespace

std::unique_ptr<StepEngine> make_reproducible(const Learner& learner, const Arena& arena, collective::Collective& group, Workers& workers, std::size_t prefetch) {
  return std::make_unique<Reproducible>(learner, arena, group, workers, prefetch);
}

}  // namespace hepar::engine
