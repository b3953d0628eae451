// SPDX-License-Identifier: Apache-2.0
// The fastest step: slots joined in a forward as long as that pays, floats summed in buckets while backward goes on.
#include "trainer/engine/buckets.hpp"
#include "trainer/engine/step.hpp"

#include "data/base/random.hpp"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <new>
#include <numeric>
#include <utility>

namespace hepar::engine {

namespace {

using torch::autograd::variable_list;

// Input values of one forward: more slots make longer products and fewer calls, until what a layer makes leaves the cache and
// the allocator's own memory (glibc maps and unmaps what is over 32 MiB, a page fault every 4 KiB).
constexpr double kForwardValues = 2e6;

// One forward of several slots.
struct Group {
  std::vector<std::int64_t> patients;
  std::uint64_t key = 0;                   // of its masks and its batch
};

// A worker's own leaves over the shared values, and its flat gradient: backward runs in several of them at once.
struct Replica {
  std::unique_ptr<model::Network> own;
  const model::Network* network = nullptr;
  std::vector<at::Tensor> leaves;
  std::vector<float> gradient;
  std::vector<std::shared_ptr<torch::autograd::Node>> accumulators;  // a hook lives as long as its node
  std::vector<std::uint8_t> filled;        // of a segment: this step has put something there
  bool last = false;                       // the backward that runs is the step's last one here
  bool poisoned = false;                   // for tests: a NaN is to be put into the first segment that comes
};

class Native final : public StepEngine {
 public:
  Native(const Learner& learner, Arena& arena, collective::Collective& group, Workers& workers, std::size_t prefetch, const std::function<std::unique_ptr<model::Network>()>& make_network)
      : StepEngine(learner, arena, group, workers, prefetch), replicas_(static_cast<std::size_t>(workers.count())) {
    std::vector<std::span<float>> gradients;
    for (std::size_t r = 0; r < replicas_.size(); ++r) {
      Replica& replica = replicas_[r];
      if (r > 0) replica.own = make_network();
      replica.network = r > 0 ? replica.own.get() : &learner.network;
      replica.leaves = r > 0 ? arena.bind(*replica.own) : arena.tensors();
      replica.gradient.resize(static_cast<std::size_t>(arena.size()));
      replica.filled.resize(replica.leaves.size());
      gradients.emplace_back(replica.gradient);
      for (std::size_t s = 0; s < replica.leaves.size(); ++s) {
        replica.accumulators.push_back(torch::autograd::impl::grad_accumulator(replica.leaves[s]));
        replica.accumulators.back()->add_post_hook(std::make_unique<Arrived>(*this, r, s));
      }
    }
    gradient_ = gradients.front();
    sum_ = std::make_unique<BucketSum>(arena.segments(), std::move(gradients), group);
  }

  StepResult compute(const dataset::StepPlan& plan, std::int64_t step, const std::vector<int>&, const Faults& faults) override;
  void next_exponents(std::vector<int>&) const override {}  // there is no fixed point here
  void announce(const dataset::StepPlan& plan, std::int64_t step) override {
    std::vector<std::pair<std::uint64_t, std::vector<std::int64_t>>> wanted;
    for (const std::vector<Group>& groups : groups_of(plan, step))
      for (const Group& group : groups) wanted.emplace_back(group.key, group.patients);
    prefetch_.announce(std::move(wanted));
  }

 private:
  // Called by backward when a parameter's gradient of this pass is complete.
  struct Arrived : torch::autograd::FunctionPostHook {
    Arrived(Native& owner, std::size_t replica, std::size_t segment) : owner(owner), replica(replica), segment(segment) {}
    variable_list operator()(const variable_list& outputs, const variable_list&) override {
      owner.arrived(owner.replicas_[replica], segment);
      return outputs;
    }
    Native& owner;
    std::size_t replica, segment;
  };

  [[nodiscard]] double values_of(std::int64_t patient) const;
  [[nodiscard]] std::vector<std::vector<Group>> groups_of(const dataset::StepPlan& plan, std::int64_t step) const;
  void arrived(Replica& replica, std::size_t segment);
  double run_groups(Replica& replica, const std::vector<Group>& groups, double denominator, int worker);

  std::vector<Replica> replicas_;
  std::unique_ptr<BucketSum> sum_;
};

double Native::values_of(std::int64_t patient) const {
  double values = 0;
  for (const dataset::Input& input : learner_.transform.inputs()) {
    const int modality = learner_.store.modality(input.name);
    if (input.kind == Kind::vector || modality < 0) continue;
    const auto items = static_cast<double>(std::min<std::int64_t>(learner_.store.items(modality, patient), learner_.config.bag_cap));
    values += items * static_cast<double>(learner_.store.modalities()[static_cast<std::size_t>(modality)].layout.values_per_item());
  }
  return values;
}

// Of this rank, a list a replica: slots dealt out longest first, then joined.
std::vector<std::vector<Group>> Native::groups_of(const dataset::StepPlan& plan, std::int64_t step) const {
  const std::vector<std::int64_t> mine = own_slots(plan);
  std::vector<std::vector<Group>> all(replicas_.size());
  for (std::size_t r = 0; r < all.size(); ++r) {
    double values = 0;
    for (std::size_t i = r; i < mine.size(); i += all.size()) {
      const std::vector<std::int64_t>& patients = plan.slots[static_cast<std::size_t>(mine[i])].patients;
      const double own = std::accumulate(patients.begin(), patients.end(), 0.0, [&](double sum, std::int64_t p) { return sum + values_of(p); });
      if (all[r].empty() || values + own > kForwardValues) {
        all[r].push_back({{}, hash_words({learner_.seed, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(group_.rank()), r, all[r].size()}) | 1});
        values = 0;
      }
      all[r].back().patients.insert(all[r].back().patients.end(), patients.begin(), patients.end());
      values += own;
    }
  }
  return all;
}

// Backward left the gradient in the leaf, whose only owner it is: taken from there, so that nothing is zeroed beforehand.
void Native::arrived(Replica& replica, std::size_t segment) {
  at::Tensor& computed = replica.leaves[segment].mutable_grad();
  if (!computed.defined()) return;
  const at::Tensor flat = std::exchange(computed, {}).contiguous();
  const Segment& place = arena_.segments()[segment];
  if (place.rate == 0) return;
  const std::span<const float> from(flat.data_ptr<float>(), static_cast<std::size_t>(place.count));
  const std::span<float> to = std::span(replica.gradient).subspan(static_cast<std::size_t>(place.first), from.size());
  if (replica.filled[segment] == 0) {
    std::copy(from.begin(), from.end(), to.begin());
  } else {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  }
  if (replica.poisoned) to[0] = std::numeric_limits<float>::quiet_NaN(), replica.poisoned = false;
  replica.filled[segment] = replica.last ? 2 : 1;
  if (replica.last) sum_->ready(segment);
}

// The share of these groups in the step's loss; their gradients are in the replica's afterwards, and known to be ready.
double Native::run_groups(Replica& replica, const std::vector<Group>& groups, double denominator, int worker) {
  StepSeconds& seconds = worker_seconds_[static_cast<std::size_t>(worker)];
  double value = 0;
  std::fill(replica.filled.begin(), replica.filled.end(), std::uint8_t{0});
  for (std::size_t g = 0; g < groups.size(); ++g) {
    replica.last = g + 1 == groups.size();
    within_memory(learner_, "a forward of " + std::to_string(groups[g].patients.size()) + " patients", groups[g].patients, [&] {
      const dataset::Batch batch = take(groups[g].patients, groups[g].key, worker);
      at::Tensor loss;
      {
        const Timer timer(seconds.forward, trace_, "forward", worker);
        loss = loss_of(learner_, *replica.network, batch, groups[g].key, denominator);
        value += loss.item<double>();
      }
      const Timer timer(seconds.backward, trace_, "backward", worker);
      torch::autograd::backward({loss});
    });
  }
  // What no patient of the last group has was not announced by backward: it may be there from an earlier group, or not at all.
  for (std::size_t s = 0; s < replica.filled.size(); ++s) {
    if (replica.filled[s] == 2) continue;
    const Segment& place = arena_.segments()[s];
    if (replica.filled[s] == 0) std::fill_n(replica.gradient.begin() + place.first, place.count, 0.0f);
    sum_->ready(s);
  }
  return value;
}

StepResult Native::compute(const dataset::StepPlan& plan, std::int64_t step, const std::vector<int>&, const Faults& faults) {
  const std::vector<std::vector<Group>> groups = groups_of(plan, step);
  std::vector<double> losses(replicas_.size(), 0.0);
  begin_clock();
  sum_->begin(early_);
  replicas_.front().poisoned = faults.nan_at(step) && group_.rank() == 0;
  workers_.run(static_cast<std::int64_t>(replicas_.size()), [&](int worker, std::int64_t task) {
    const auto r = static_cast<std::size_t>(task);
    if (step == faults.memory_step && r == 0 && !groups[r].empty()) within_memory(learner_, "the first forward", groups[r].front().patients, [] { throw std::bad_alloc(); });
    losses[r] = run_groups(replicas_[r], groups[r], static_cast<double>(plan.patients), worker);
  });
  add_up_clocks();
  std::array<double, 2> trailer{std::accumulate(losses.begin(), losses.end(), 0.0), wants_to_stop() ? 1.0 : 0.0};
  StepResult result;
  {
    const Timer timer(seconds_.reduce, trace_, Trace::kSum);
    result.norm = std::sqrt(sum_->finish());  // not finite exactly when an element is not: squares of floats fit a double
    group_.all_reduce_sum(trailer);
  }
  result.loss = trailer[0];
  result.slots_here = static_cast<std::int64_t>(own_slots(plan).size());
  result.stop = trailer[1] > 0;
  result.reduced_bytes = group_.size() > 1 ? static_cast<std::int64_t>(gradient_.size_bytes() + sizeof trailer) : 0;
  if (std::isfinite(result.loss) && std::isfinite(result.norm)) return result;
  result.not_finite_slots = 1;
  for (const dataset::Slot& slot : plan.slots) result.bad_patients.insert(result.bad_patients.end(), slot.patients.begin(), slot.patients.end());
  return result;
}

}  // namespace

std::unique_ptr<StepEngine> make_native(const Learner& learner, Arena& arena, collective::Collective& group, Workers& workers, std::size_t prefetch,
                                        const std::function<std::unique_ptr<model::Network>()>& make_network) {
  return std::make_unique<Native>(learner, arena, group, workers, prefetch, make_network);
}

}  // namespace hepar::engine
