// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/rehearsal.hpp"

#include "data/base/random.hpp"
#include "trainer/engine/optimiser.hpp"
#include "trainer/engine/reducer.hpp"
#include "trainer/engine/training.hpp"

#include <torch/optim/adamw.h>

#include <algorithm>

namespace hepar::engine {

struct Rehearsal::Impl {
  Console quiet{Console::Style::quiet};
  TrainRequest request;
  Training training;
  collective::Collective& group;

  Impl(const Experiment& experiment, const store::Store& store, std::vector<std::int64_t> patients, collective::Collective& members)
      : request{experiment, store, std::move(patients), {}, {}, false, false, false, {}}, training(request, members, quiet), group(members) {
    collective::together(group, [&] { training.prepare(); });
  }
};

Rehearsal::Rehearsal(const Experiment& experiment, const store::Store& store, std::vector<std::int64_t> patients, collective::Collective& group)
    : impl_(std::make_unique<Impl>(experiment, store, std::move(patients), group)) {}
Rehearsal::~Rehearsal() = default;
Training& Rehearsal::training() { return impl_->training; }

StepTimes Rehearsal::step() {
  impl_->group.barrier();
  const auto start = std::chrono::steady_clock::now();
  StepTimes times;
  const StepSeconds seconds = impl_->training.rehearse(times.optimiser, times.loss);
  times.wall = seconds_since(start);
  times.load = seconds.load, times.forward = seconds.forward, times.backward = seconds.backward, times.quantise = seconds.quantise, times.reduce = seconds.reduce;
  return times;
}

std::int64_t Rehearsal::parameters() const { return impl_->training.parameters(); }
std::int64_t Rehearsal::patients_in_step() const { return impl_->training.patients_in_step(); }
int Rehearsal::slots_at_once() const { return impl_->training.workers(); }

StepSeconds Training::rehearse(double& optimiser_seconds, double& loss) {
  const StepResult result = computed_step(sampler_->step(cursor_.step));
  const double before = optimiser_seconds_;
  (void)update(result.norm);
  ++cursor_.step;
  optimiser_seconds = optimiser_seconds_ - before;
  loss = result.loss;
  return engine_->seconds();
}

namespace {

template <class Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return seconds_since(start);
}

}  // namespace

OptimiserTimes time_optimisers(std::int64_t fusion_width, int rounds) {
  const std::vector<dataset::Input> inputs{{.name = "clinical", .kind = Kind::vector, .width = 24},
                                           {.name = "ct", .kind = Kind::volume, .volume = {2, 16, 32, 32}},
                                           {.name = "slide", .kind = Kind::bag, .width = 384},
                                           {.name = "report", .kind = Kind::sequence, .width = 1024}};
  model::ModelConfig config;
  config.fusion.width = fusion_width;
  const auto network = model::make_network(config, inputs, {{"illness_death", 4, 14, 3, true}}, 1);
  Arena arena(*network);
  std::vector<float> gradient(static_cast<std::size_t>(arena.size()));
  Stream stream({7});
  for (float& g : gradient) g = static_cast<float>(0.01 * stream.normal());
  std::vector<at::Tensor> copies;
  for (std::size_t s = 0; s < arena.segments().size(); ++s) {
    const Segment& segment = arena.segments()[s];
    at::Tensor copy = arena.tensors()[s].detach().clone().set_requires_grad(true);
    copy.mutable_grad() = at::empty_like(copy);
    std::copy_n(gradient.data() + segment.first, segment.count, copy.mutable_grad().data_ptr<float>());
    copies.push_back(copy);
  }
  const TrainConfig train;
  torch::optim::AdamW torch_adamw(copies, torch::optim::AdamWOptions(train.learning_rate).weight_decay(train.weight_decay));
  OptimiserTimes times;
  times.parameters = arena.size();
  adamw(arena, gradient, 1, train, train.learning_rate, 1);  // both make their state before the clock runs
  torch_adamw.step();
  for (int round = 0; round < rounds; ++round) {
    times.ours.push_back(seconds_of([&] { adamw(arena, gradient, 1, train, train.learning_rate, round + 2); }));
    times.torch.push_back(seconds_of([&] { torch_adamw.step(); }));
  }
  return times;
}

AddTimes time_adding(std::size_t count, int rounds) {
  std::vector<float> gradient(count), floats(count);
  std::vector<std::int64_t> sums(count);
  Stream stream({8});
  for (float& g : gradient) g = static_cast<float>(0.01 * stream.normal());
  AddTimes times;
  for (int round = 0; round < rounds; ++round) {
    times.fixed_point.push_back(seconds_of([&] {
      if (add_fixed_point(gradient, kFirstExponent, sums).overflow != 0) throw Error(ExitCode::bug, "small gradients overflow");
    }));
    times.floats.push_back(seconds_of([&] {
      for (std::size_t i = 0; i < count; ++i) floats[i] += gradient[i];
    }));
  }
  return times;
}

}  // namespace hepar::engine
