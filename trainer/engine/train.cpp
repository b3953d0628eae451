// SPDX-License-Identifier: Apache-2.0
#include "data/base/sealed.hpp"
#include "data/base/text.hpp"
#include "sharding/mpi/watch.hpp"
#include "trainer/engine/optimiser.hpp"
#include "trainer/engine/reducer.hpp"
#include "trainer/engine/training.hpp"

#include <fmt/format.h>

#include <array>

namespace hepar::engine {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kMaxRepeats = 8;          // of a step whose gradient leaves the fixed point's range
constexpr std::int64_t kMaxSkippedInARow = 20;   // steps that are not finite before training gives up
constexpr std::int64_t kReplicaCheckEvery = 100; // steps
constexpr double kLogSeconds = 2;
constexpr std::int64_t kLogEveryStepBelow = 2000;

}  // namespace

void check_replicas(std::span<const float> values, collective::Collective& group, std::int64_t step) {
  const auto hash = static_cast<std::int64_t>(xxh3(std::as_bytes(values)) >> 2);
  std::array<std::int64_t, 2> extremes{hash, -hash};
  group.all_reduce_max(extremes);
  if (extremes[0] != -extremes[1])
    throw Error(ExitCode::training, "the ranks' parameters differ", "step " + std::to_string(step), "a rank computes wrongly: run hepar doctor on every node; the last checkpoint is good");
}

// The update from the reduced gradient, which every rank has alike.
Training::Update Training::update() {
  const auto start = Clock::now();
  Update made;
  if (request_.experiment.mode != "native") next_exponents(arena_->segments(), engine_->gradient(), cursor_.exponents);
  made.norm = clip(engine_->gradient(), config_.clip_norm);
  made.rate = learning_rate(config_, cursor_.step, total_steps_);
  apply_update(*arena_, engine_->gradient(), config_, made.rate, ++cursor_.updates);
  if (config_.ema > 0) average(*arena_, config_.ema);
  cursor_.skipped_in_a_row = 0;
  optimiser_seconds_ += seconds_since(start);
  return made;
}

void Training::skip(const StepResult& result) {
  ++cursor_.skipped;
  ++cursor_.skipped_in_a_row;
  if (root_) {
    std::vector<std::string> patients;
    for (const std::int64_t p : result.bad_patients) patients.push_back(request_.store.row(p).key);
    events_->add({{"step", cursor_.step + 1}, {"event", "skipped"}, {"slots", result.not_finite_slots}, {"patients", patients}});
    console_.warning(fmt::format("step {} is skipped: loss or gradient is not finite for patients {}", cursor_.step + 1, join(patients, ", ")));
  }
  if (cursor_.skipped_in_a_row >= kMaxSkippedInARow)
    throw Error(ExitCode::training, "loss or gradient is not finite in " + std::to_string(kMaxSkippedInARow) + " steps in a row", "step " + std::to_string(cursor_.step), "lower train.learning_rate; events.jsonl names the patients");
}

StepResult Training::computed_step(const dataset::StepPlan& plan) {
  if (request_.experiment.mode == "native") return engine_->native(plan, cursor_.step, request_.faults);
  std::vector<int> exponents = cursor_.exponents;
  Faults faults = request_.faults;
  StepResult result;
  for (std::int64_t repeat = 0; repeat < kMaxRepeats; ++repeat) {
    result = engine_->reproducible(plan, cursor_.step, exponents, faults);
    slots_computed_ += result.slots_here;
    if (result.overflows == 0) break;
    if (root_) events_->add({{"step", cursor_.step + 1}, {"event", "repeat"}, {"overflows", result.overflows}});
    faults.overflow_step = -1;
    for (int& exponent : exponents) exponent -= 10;
  }
  if (result.overflows > 0) result.not_finite_slots = std::max<std::int64_t>(1, result.not_finite_slots);
  return result;
}

bool Training::one_step() {
  const auto start = Clock::now();
  const dataset::StepPlan plan = sampler_->step(cursor_.step);
  const bool reads_ahead = request_.experiment.mode != "native" && cursor_.step + 1 < total_steps_;
  if (reads_ahead) engine_->announce(sampler_->step(cursor_.step + 1), cursor_.step + 1);
  StepResult result = computed_step(plan);
  if (result.not_finite_slots > 0) {
    // Once more: a transient fault of the machine does not cost the step.
    result = computed_step(plan);
  }
  add_phases();
  Update made;
  if (result.not_finite_slots > 0) {
    skip(result);
  } else {
    made = update();
  }
  reduced_bytes_ += result.reduced_bytes;
  ++cursor_.step;
  patients_done_ += plan.patients;
  after_step(result, made);
  group_.watch().activity().step_done(cursor_.step, seconds_since(start));
  return !result.stop;
}

void Training::add_phases() {
  const StepSeconds& seconds = engine_->seconds();
  phases_.load += seconds.load;
  phases_.forward += seconds.forward;
  phases_.backward += seconds.backward;
  phases_.quantise += seconds.quantise;
  phases_.reduce += seconds.reduce;
}

void Training::after_step(const StepResult& result, const Update& made) {
  if (cursor_.step % kReplicaCheckEvery == 0) check_replicas(arena_->values(), group_, cursor_.step);
  if (!root_) return;
  events_->add({{"step", cursor_.step}, {"event", "step"}, {"loss", result.loss}, {"gradient_norm", made.norm}, {"learning_rate", made.rate}});
  if (total_steps_ <= kLogEveryStepBelow || seconds_since(logged_) > kLogSeconds || cursor_.step == total_steps_) {
    logged_ = Clock::now();
    tensorboard_->scalar("train/loss", cursor_.step, result.loss);
    tensorboard_->scalar("train/gradient_norm", cursor_.step, made.norm);
    tensorboard_->scalar("train/learning_rate", cursor_.step, made.rate);
  }
  progress_->advance_to(patients_done_, fmt::format("step {}/{}  loss {:.4f}", cursor_.step, total_steps_, result.loss));
  const bool due = seconds_since(checkpointed_) > rhythm_.seconds || (rhythm_.steps > 0 && cursor_.step % rhythm_.steps == 0);
  if (due && cursor_.step < total_steps_) {
    save_checkpoint();
    checkpointed_ = Clock::now();
  }
}

void Training::save_checkpoint() {
  cursor_.spent = spent();
  writer_->save(*arena_, cursor_);
  checkpointed_step_ = cursor_.step;
}

void Training::steps() {
  const auto start = Clock::now();
  working_ = true;
  if (root_) {
    status_.begin({.step = cursor_.step, .phase = "train"});  // before anything of the run is written
    events_ = std::make_unique<Events>(folder_, cursor_.step);
    tensorboard_ = std::make_unique<TensorBoard>(folder_.tensorboard());
    writer_ = std::make_unique<CheckpointWriter>(folder_, status_, checkpointed_step_);
    const std::int64_t per_epoch = static_cast<std::int64_t>(patients_.size());
    const std::int64_t left = (total_steps_ - cursor_.step) * per_epoch / std::max<std::int64_t>(1, sampler_->steps_per_epoch());
    progress_ = std::make_unique<Progress>(console_, request_.label.empty() ? "train" : request_.label, left, "patients");
    publish(folder_.run(), sealed(identity("running")));
  }
  group_.barrier();  // the root has taken the folder
  if (!root_) status_.join();
  const mpi::Watch::Task publishes_a_loss = group_.watch().on_loss_publish(status_, group_.standing().ranks);
  group_.watch().activity().begin_steps(request_.experiment.resources.stall_seconds);
  checkpointed_ = Clock::now();
  while (cursor_.step < total_steps_ && !stop_) stop_ = !one_step();
  group_.watch().activity().end_steps();
  if (root_) progress_.reset();
  steps_seconds_ = seconds_since(start);
}

TrainResult Training::run() {
  if (const auto before = finished_before()) return *before;
  try {
    collective::together(group_, [&] { prepare(); });
  } catch (const AgreedError& error) {
    if (error.code() == ExitCode::training) throw NothingToLearn(error, error.everywhere(), error.spokesman());
    throw;
  }
  continue_from_checkpoint();
  setup_seconds_ = seconds_since(start_);
  steps();
  const bool stopped = stop_ && cursor_.step < total_steps_;
  finish(stopped);
  TrainResult outcome = result();
  outcome.stopped = stopped;
  return outcome;
}

TrainResult train(const TrainRequest& request, collective::Collective& group, const Console& console) {
  Training training(request, group, console);
  try {
    return training.run();
  } catch (const AgreedError& error) {
    if (group.rank() == 0) training.failed(error);
    throw;
  } catch (const std::exception& error) {
    training.failed(as_error(error));  // this rank alone: the others are about to be ended
    throw;
  }
}

}  // namespace hepar::engine
