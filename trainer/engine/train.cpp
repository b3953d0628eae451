// SPDX-License-Identifier: Apache-2.0
#include "data/base/sealed.hpp"
#include "data/base/stop.hpp"
#include "data/base/text.hpp"
#include "sharding/mpi/watch.hpp"
#include "trainer/engine/optimiser.hpp"
#include "trainer/engine/time_limit.hpp"
#include "trainer/engine/training.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <thread>

namespace hepar::engine {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kMaxRepeats = 8;          // of a step whose gradient leaves the fixed point's range
constexpr std::int64_t kMaxSkippedInARow = 10;   // steps that are not finite before the parameters go back to the anchor
constexpr std::int64_t kMaxRollbacks = 2;        // to the anchor before training gives up
constexpr std::int64_t kAnchorEvery = 100;       // steps
constexpr std::size_t kPatientsInMessage = 8;    // events.jsonl names all
constexpr std::int64_t kReplicaCheckEvery = 100; // steps
constexpr double kLogSeconds = 2;
constexpr double kAssumedCheckpointSeconds = 1;  // until one was measured
constexpr std::int64_t kLogEveryStepBelow = 2000;

}  // namespace

void check_replicas(std::span<const float> values, collective::Collective& group, std::int64_t step) {
  const auto hash = static_cast<std::int64_t>(xxh3(std::as_bytes(values)) >> 2);
  std::array<std::int64_t, 2> extremes{hash, -hash};
  group.all_reduce_max(extremes);
  if (extremes[0] != -extremes[1])
    throw Error(ExitCode::training, "the ranks' parameters differ", "step " + std::to_string(step), "a rank computes wrongly: run hepar doctor on every node; the last checkpoint is good");
}

// The update from the reduced gradient of this norm, which every rank has alike. Returns its learning rate.
double Training::update(double norm) {
  const Timer timer(optimiser_seconds_, trace_.get(), "optimiser");
  engine_->next_exponents(cursor_.exponents);
  const double rate = std::ldexp(learning_rate(config_, cursor_.step, total_steps_), -static_cast<int>(cursor_.rollbacks));
  apply_update(*arena_, engine_->gradient(), clip_factor(norm, config_.clip_norm), config_, rate, ++cursor_.updates);
  if (config_.ema > 0) average(*arena_, config_.ema);
  cursor_.skipped_in_a_row = 0;
  return rate;
}

// A loss or gradient that is not finite: the step is skipped and counted; after several in a row the parameters go back to
// the anchor with half the learning rate; when that does not help either, training ends. All ranks know the same and do alike.
void Training::skip(const StepResult& result) {
  ++cursor_.skipped;
  ++cursor_.skipped_in_a_row;
  std::vector<std::string> patients;
  for (const std::int64_t p : result.bad_patients) patients.push_back(request_.store.row(p).key);
  std::string named = join(std::vector(patients.begin(), patients.begin() + static_cast<std::ptrdiff_t>(std::min(patients.size(), kPatientsInMessage))), ", ");
  if (patients.size() > kPatientsInMessage) named += fmt::format(" and {} more", patients.size() - kPatientsInMessage);
  if (root_) {
    events_->add({{"step", cursor_.step + 1}, {"event", "skipped"}, {"slots", result.not_finite_slots}, {"patients", patients}});
    console_.warning(fmt::format("step {} is skipped: loss or gradient is not finite for patients {}", cursor_.step + 1, named));
  }
  if (cursor_.skipped_in_a_row < kMaxSkippedInARow) return;
  if (cursor_.rollbacks == kMaxRollbacks)
    throw AgreedError(Error(ExitCode::training, fmt::format("loss or gradient is not finite in {} steps in a row, after {} returns to earlier parameters; last for patients {}", kMaxSkippedInARow, kMaxRollbacks, named),
                            "step " + std::to_string(cursor_.step + 1), "lower train.learning_rate, and look at these patients' inputs with hepar inspect; events.jsonl names all"), group_.whole(), root_);
  roll_back();
}

void Training::roll_back() {
  arena_->back_to_anchor();
  cursor_.updates = 0;
  cursor_.skipped_in_a_row = 0;
  ++cursor_.rollbacks;
  if (!root_) return;
  events_->add({{"step", cursor_.step + 1}, {"event", "rolled back"}, {"to_step", (cursor_.step / kAnchorEvery) * kAnchorEvery}, {"learning_rate_factor", std::ldexp(1.0, -static_cast<int>(cursor_.rollbacks))}});
  console_.warning(fmt::format("{} steps in a row are not finite: the parameters go back to an earlier step, the learning rate is halved", kMaxSkippedInARow));
}

StepResult Training::computed_step(const dataset::StepPlan& plan) {
  const auto start = Clock::now();
  engine_->sum_early(overlap_->early());
  StepResult result = repeated_step(plan);
  overlap_->took(seconds_since(start), group_);
  return result;
}

// Again with a smaller scale where a gradient leaves the fixed point's range.
StepResult Training::repeated_step(const dataset::StepPlan& plan) {
  std::vector<int> exponents = cursor_.exponents;
  Faults faults = request_.faults;
  StepResult result;
  for (std::int64_t repeat = 0; repeat < kMaxRepeats; ++repeat) {
    result = engine_->compute(plan, cursor_.step, exponents, faults);
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
  if (cursor_.step + 1 < last_step_) engine_->announce(sampler_->step(cursor_.step + 1), cursor_.step + 1);
  StepResult result = computed_step(plan);
  if (result.not_finite_slots > 0) {
    // Once more: a transient fault of the machine does not cost the step.
    result = computed_step(plan);
  }
  add_phases();
  double rate = 0;
  if (result.not_finite_slots > 0) {
    skip(result);
  } else {
    rate = update(result.norm);
  }
  reduced_bytes_ += result.reduced_bytes;
  ++cursor_.step;
  patients_done_ += plan.patients;
  trace_->step_done();
  after_step(result, rate);
  const double seconds = seconds_since(start);
  group_.watch().activity().step_done(cursor_.step, seconds);
  if (root_ && writer_->cost_seconds() > 0) stop_takes(writer_->cost_seconds() + seconds);
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

void Training::after_step(const StepResult& result, double rate) {
  if (cursor_.step % kAnchorEvery == 0 && cursor_.skipped_in_a_row == 0) arena_->set_anchor();
  if (cursor_.step % kReplicaCheckEvery == 0) check_replicas(arena_->values(), group_, cursor_.step);
  if (!root_) return;
  events_->add({{"step", cursor_.step}, {"event", "step"}, {"loss", result.loss}, {"gradient_norm", result.norm}, {"learning_rate", rate}});
  if (total_steps_ <= kLogEveryStepBelow || seconds_since(logged_) > kLogSeconds || cursor_.step == total_steps_) {
    logged_ = Clock::now();
    tensorboard_->scalar("train/loss", cursor_.step, result.loss);
    tensorboard_->scalar("train/gradient_norm", cursor_.step, result.norm);
    tensorboard_->scalar("train/learning_rate", cursor_.step, rate);
  }
  progress_->advance_to(patients_done_, fmt::format("step {}/{}  loss {:.4f}", cursor_.step, total_steps_, result.loss));
  loss_sum_ += result.loss;
  const bool due = seconds_since(checkpointed_) > checkpoint_interval() || (rhythm_.steps > 0 && cursor_.step % rhythm_.steps == 0);
  if (due && cursor_.step < last_step_) save_checkpoint(/*must=*/rhythm_.steps > 0);
}

// By the clock: where the time limit is known, what loses least until then.
double Training::checkpoint_interval() const {
  const double left = rhythm_.automatic ? seconds_to_limit() : 0;
  const double cost = writer_->cost_seconds();
  return left > 0 ? young_daly(cost > 0 ? cost : kAssumedCheckpointSeconds, left) : rhythm_.seconds;
}

void Training::stall_if_planted(const char* phase) const {
  const Faults& faults = request_.faults;
  if (group_.rank() != faults.stall_rank || cursor_.step < faults.stall_step || faults.stall_phase != phase) return;
  Console(Console::Style::plain).note(fmt::format("rank {} stays in {}", group_.rank(), phase));  // the test waits for it
  while (true) std::this_thread::sleep_for(std::chrono::seconds(1));
}

// `must`: waits for the one before, where that is still being written.
void Training::save_checkpoint(bool must) {
  const mpi::Activity::Scope saving = trace_->enter("checkpoint");
  checkpointed_ = Clock::now();
  cursor_.spent = spent();
  cursor_.loss = loss_sum_ / static_cast<double>(std::max<std::int64_t>(1, cursor_.step - checkpointed_step_));
  if (must) writer_->save(*arena_, cursor_);
  else if (!writer_->try_save(*arena_, cursor_)) return;
  checkpointed_step_ = cursor_.step;
  loss_sum_ = 0;
}

void Training::steps() {
  const auto start = Clock::now();
  first_step_ = cursor_.step;
  working_ = true;
  if (root_) status_.begin({.step = cursor_.step, .phase = "train"});  // before anything of the run is written
  std::int64_t generation = status_.generation();
  group_.broadcast(std::as_writable_bytes(std::span(&generation, 1)), 0);
  status_.join(generation);  // a rank that is cut off speaks for this generation alone
  if (root_) {
    events_ = std::make_unique<Events>(folder_, cursor_.step);
    tensorboard_ = std::make_unique<TensorBoard>(folder_.tensorboard());
    writer_ = std::make_unique<CheckpointWriter>(folder_, status_, checkpointed_step_, static_cast<std::size_t>(request_.experiment.resources.checkpoints_kept), cursor_.best);
    const std::int64_t per_epoch = static_cast<std::int64_t>(patients_.size());
    const std::int64_t left = (last_step_ - cursor_.step) * per_epoch / std::max<std::int64_t>(1, sampler_->steps_per_epoch());
    progress_ = std::make_unique<Progress>(console_, request_.label.empty() ? "train" : request_.label, left, "patients");
    publish(folder_.run(), sealed(identity("running")));
  }
  const mpi::Watch::Task publishes_a_loss = group_.watch().on_loss_publish(status_, group_.standing().ranks);
  group_.watch().activity().begin_steps(request_.experiment.resources.stall_seconds);
  checkpointed_ = Clock::now();
  while (cursor_.step < last_step_ && !stop_) stop_ = !one_step();
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
  const Ending ending = stop_ && cursor_.step < last_step_ ? Ending::stopped : cursor_.step < total_steps_ ? Ending::paused : Ending::finished;
  finish(ending);
  TrainResult outcome = result();
  outcome.stopped = ending == Ending::stopped;
  outcome.paused = ending == Ending::paused;
  outcome.generation = status_.generation();
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
