// SPDX-License-Identifier: Apache-2.0
// The story of a training, the same on every rank: prepare, continue, steps, finish.
#include "data/base/files.hpp"
#include "data/base/machine.hpp"
#include "data/base/text.hpp"
#include "trainer/engine/checkpoint.hpp"
#include "trainer/engine/model_file.hpp"
#include "trainer/engine/optimiser.hpp"
#include "trainer/engine/reducer.hpp"
#include "trainer/engine/run_record.hpp"
#include "trainer/engine/step.hpp"
#include "trainer/engine/tensorboard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <numeric>

namespace hepar::engine {

namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kMaxRepeats = 8;          // of a step whose gradient leaves the fixed point's range
constexpr std::int64_t kMaxSkippedInARow = 20;   // steps that are not finite before training gives up
constexpr std::int64_t kReplicaCheckEvery = 100; // steps
constexpr double kLogSeconds = 2;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

int slots_at_once(const Resources& resources, const Machine& machine, int group_size) {
  if (resources.slots_at_once != "auto") {
    const auto n = parse_integer(resources.slots_at_once);
    if (!n || *n < 1 || *n > 1024) throw usage_error("'resources.slots_at_once' is '" + resources.slots_at_once + "'", {}, "give auto or a whole number from 1");
    return static_cast<int>(*n);
  }
  return std::max(1, machine.cores / std::max(1, group_size));
}

void check_blas(const Machine& machine, int slots, const Console& console) {
  if (machine.blas == BlasFlavour::openblas_serial && slots > 1)
    throw usage_error("the serial OpenBLAS (" + machine.blas_path + ") computes wrong gradients with several slots at once", {}, "apt-get install libopenblas0-pthread, or set resources.slots_at_once=1");
  if (machine.blas == BlasFlavour::reference) console.warning("the reference BLAS answers: a step takes about 8.6 times as long; apt-get install libopenblas0-pthread");
}

// When to write a checkpoint besides the end: by time or by steps.
struct Rhythm {
  double seconds = 600;
  std::int64_t steps = 0;
};

Rhythm rhythm_of(const std::string& text, std::int64_t steps_per_epoch) {
  if (text == "auto") return {};
  const struct { const char* unit; double seconds; double steps; } units[] = {{"min", 60, 0}, {"steps", 0, 1}, {"epochs", 0, static_cast<double>(steps_per_epoch)}, {"epoch", 0, static_cast<double>(steps_per_epoch)}};
  for (const auto& unit : units) {
    if (!text.ends_with(unit.unit)) continue;
    const auto n = parse_number(trim(std::string_view(text).substr(0, text.size() - std::strlen(unit.unit))));
    if (n && *n > 0) return {unit.seconds > 0 ? *n * unit.seconds : 1e18, static_cast<std::int64_t>(*n * unit.steps)};
  }
  throw usage_error("'train.checkpoint_every' is '" + text + "'", {}, "give auto, or such as 10min, 500steps, 1epoch");
}

std::vector<std::byte> bytes_of(const std::string& text) { return {reinterpret_cast<const std::byte*>(text.data()), reinterpret_cast<const std::byte*>(text.data() + text.size())}; }

// The lengths may differ over ranks, so they travel first.
std::string broadcast_text(collective::Collective& group, const std::string& text) {
  std::int64_t length = static_cast<std::int64_t>(text.size());
  group.broadcast(std::as_writable_bytes(std::span(&length, 1)), 0);
  std::string out = group.rank() == 0 ? text : std::string(static_cast<std::size_t>(length), '\0');
  group.broadcast(std::as_writable_bytes(std::span(out.data(), out.size())), 0);
  return out;
}

class Training {
 public:
  Training(const TrainRequest& request, collective::Collective& group, const Console& console)
      : request_(request), config_(request.experiment.train), group_(group), console_(console), folder_{request.out}, root_(group.rank() == 0), seed_(static_cast<std::uint64_t>(request.experiment.seed)) {}

  TrainResult run();

 private:
  void open_folder();
  void prepare();
  void continue_from_checkpoint();
  void steps();
  bool one_step();
  void after_step(const StepResult& result, double norm, double rate);
  void check_replicas();
  void finish(bool stopped);
  [[nodiscard]] Json run_json(const std::string& hash, bool stopped);
  [[nodiscard]] StepResult computed_step(const dataset::StepPlan& plan);

  const TrainRequest& request_;
  const TrainConfig& config_;
  collective::Collective& group_;
  const Console& console_;
  RunFolder folder_;
  bool root_;
  std::uint64_t seed_;
  Selection selection_;
  dataset::Transform transform_ = dataset::Transform::from_json("{}");
  std::vector<objective::HeadSpec> heads_;
  std::vector<EndpointSpec> endpoints_;
  std::vector<std::vector<objective::Subject>> subjects_;
  std::vector<double> cost_;
  std::unique_ptr<model::Network> network_;
  std::unique_ptr<Arena> arena_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<dataset::Sampler> sampler_;
  std::unique_ptr<Learner> learner_;
  std::unique_ptr<StepEngine> engine_;
  std::unique_ptr<CheckpointWriter> writer_;
  std::unique_ptr<Events> events_;
  std::unique_ptr<TensorBoard> tensorboard_;
  std::unique_ptr<Progress> progress_;
  Cursor cursor_;
  Status status_;
  StepSeconds phases_;
  double optimiser_seconds_ = 0, setup_seconds_ = 0, steps_seconds_ = 0;
  std::int64_t total_steps_ = 0, slots_computed_ = 0, patients_done_ = 0;
  std::int64_t checkpointed_step_ = 0;
  bool stop_ = false, reproducible_ = true;
  Clock::time_point start_ = Clock::now(), checkpointed_ = start_, logged_ = start_;
};

void Training::open_folder() {
  std::error_code failed;
  if (request_.fresh && fs::exists(folder_.root)) {
    int n = 1;
    while (fs::exists(folder_.root.string() + ".old-" + std::to_string(n))) ++n;
    fs::rename(folder_.root, folder_.root.string() + ".old-" + std::to_string(n));
  }
  const bool exists = fs::exists(folder_.config());
  if (request_.must_resume && !exists) throw usage_error("there is no run to resume", {folder_.root.string()}, "leave out --resume to start one");
  if (exists) {
    if (const std::string difference = first_difference(read_file(folder_.config()), request_.experiment); !difference.empty())
      throw store_error("the run belongs to another configuration: " + difference, {folder_.root.string()}, "use its configuration, another --out, or --fresh");
  } else if (fs::exists(folder_.root) && !fs::is_empty(folder_.root) && !fs::exists(folder_.status())) {
    throw usage_error("the folder is neither empty nor a run", {folder_.root.string()}, "choose another --out");
  }
  fs::create_directories(folder_.checkpoints(), failed);
  if (failed) {
    errno = failed.value();
    throw disk_error("cannot create the run's folder", {folder_.root.string()});
  }
  remove_stale_temporaries(folder_.root);
  Experiment copy = request_.experiment;
  if (!exists) publish(folder_.config(), config_yaml(copy));
  status_.generation = next_generation(folder_);
}

void Training::prepare() {
  const store::Store& store = request_.store;
  selection_ = select(request_.experiment, store);
  for (const EndpointSpec& endpoint : store.endpoints())
    if (std::find(selection_.endpoints.begin(), selection_.endpoints.end(), endpoint.name) != selection_.endpoints.end()) endpoints_.push_back(endpoint);
  if (endpoints_.empty()) throw input_error("the store has no endpoints to train on", {store.path().string()}, "add follow_up and endpoints to the cohort and run hepar shard again");
  heads_ = objective::heads_for(endpoints_, store.strategies(), std::any_of(endpoints_.begin(), endpoints_.end(), [](const EndpointSpec& e) { return !e.direct(); }));
  std::int64_t known = 0;
  for (const objective::HeadSpec& head : heads_) {
    subjects_.emplace_back(static_cast<std::size_t>(store.patients()));
    for (const std::int64_t p : request_.patients) {
      const store::PatientRow& row = store.row(p);
      subjects_.back()[static_cast<std::size_t>(p)] = objective::subject_of(head, store.endpoints(), row.history, row.outcomes, row.assignment);
      known += subjects_.back()[static_cast<std::size_t>(p)].known ? 1 : 0;
    }
  }
  if (request_.patients.empty() || known == 0) throw Error(ExitCode::training, "no patient has an outcome to learn from", store.path().string(), "check eligibility and follow-up with hepar cohort check");
  transform_ = dataset::Transform::fit(store, selection_.modalities, selection_.columns, request_.patients);
  cost_ = dataset::patient_costs(store, selection_.modalities, config_.bag_cap);
  network_ = model::make_network(request_.experiment.model, transform_.inputs(), shapes_of(heads_), seed_);
  arena_ = std::make_unique<Arena>(*network_);
  if (config_.ema > 0) arena_->start_average();
  const Machine machine = this_machine();
  const int slots = slots_at_once(request_.experiment.resources, machine, group_.size());
  check_blas(machine, slots, console_);
  workers_ = std::make_unique<Workers>(slots);
  sampler_ = std::make_unique<dataset::Sampler>(request_.patients, seed_, config_.slots_per_step, config_.patients_per_slot);
  total_steps_ = planned_steps(config_, sampler_->steps_per_epoch());
  learner_ = std::make_unique<Learner>(Learner{store, transform_, *network_, heads_, subjects_, cost_, config_, seed_});
  engine_ = std::make_unique<StepEngine>(*learner_, *arena_, group_, *workers_);
  cursor_.exponents.assign(arena_->segments().size(), kFirstExponent);
  cursor_.config_sha256 = config_sha256(request_.experiment);
  cursor_.features_sha256 = store.features_sha256();
  cursor_.tables_sha256 = store.tables_sha256();
  cursor_.machine = machine_identity();
}

void Training::continue_from_checkpoint() {
  std::string state;
  if (root_) {
    std::vector<std::string> notes;
    const std::optional<Cursor> found = load_newest(folder_, *arena_, notes);
    for (const std::string& note : notes) console_.warning(note);
    if (found) {
      if (found->features_sha256 != cursor_.features_sha256) throw store_error("the run belongs to another store: features_sha256 differs", {folder_.root.string()}, "use its store, another --out, or --fresh");
      if (found->tables_sha256 != cursor_.tables_sha256) throw store_error("the run belongs to another store: tables_sha256 differs", {folder_.root.string()}, "use its store, another --out, or --fresh");
      reproducible_ = found->machine == cursor_.machine;
      if (!reproducible_ && !request_.accept_other_machine)
        throw store_error("the checkpoint was made elsewhere (" + found->machine + ") and here is " + cursor_.machine, {folder_.root.string()}, "resume there, or give --accept-other-machine");
      const std::string machine = cursor_.machine;
      cursor_ = *found;
      cursor_.machine = machine;
    }
    state = Json{{"found", found.has_value()}, {"step", cursor_.step}, {"updates", cursor_.updates}, {"skipped", cursor_.skipped}, {"skipped_in_a_row", cursor_.skipped_in_a_row}, {"exponents", cursor_.exponents}, {"reproducible", reproducible_}}.dump();
  }
  const Json shared = Json::parse(broadcast_text(group_, state));
  cursor_.step = shared.at("step");
  cursor_.updates = shared.at("updates");
  cursor_.skipped = shared.at("skipped");
  cursor_.skipped_in_a_row = shared.at("skipped_in_a_row");
  cursor_.exponents = shared.at("exponents").get<std::vector<int>>();
  reproducible_ = shared.at("reproducible");
  if (!shared.at("found").get<bool>()) return;
  for (std::span<float> flat : {arena_->values(), arena_->first_moment(), arena_->second_moment(), arena_->average()}) group_.broadcast(std::as_writable_bytes(flat), 0);
  checkpointed_step_ = cursor_.step;
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
    if (root_) events_->add({{"step", cursor_.step}, {"event", "repeat"}, {"overflows", result.overflows}});
    faults.overflow_step = -1;
    for (int& exponent : exponents) exponent -= 10;
  }
  if (result.overflows > 0) result.not_finite_slots = std::max<std::int64_t>(1, result.not_finite_slots);
  return result;
}

bool Training::one_step() {
  const dataset::StepPlan plan = sampler_->step(cursor_.step);
  StepResult result = computed_step(plan);
  if (result.not_finite_slots > 0) {
    // Once more: a transient fault of the machine does not cost the step.
    result = computed_step(plan);
  }
  const StepSeconds& seconds = engine_->seconds();
  phases_.load += seconds.load;
  phases_.forward += seconds.forward;
  phases_.backward += seconds.backward;
  phases_.quantise += seconds.quantise;
  phases_.reduce += seconds.reduce;
  const auto start = Clock::now();
  double norm = 0, rate = 0;
  if (result.not_finite_slots > 0) {
    ++cursor_.skipped;
    ++cursor_.skipped_in_a_row;
    if (root_) {
      std::vector<std::string> patients;
      for (const std::int64_t p : result.bad_patients) patients.push_back(request_.store.row(p).key);
      events_->add({{"step", cursor_.step}, {"event", "skipped"}, {"slots", result.not_finite_slots}, {"patients", patients}});
      console_.warning(fmt::format("step {} is skipped: loss or gradient is not finite for patients {}", cursor_.step, join(patients, ", ")));
    }
    if (cursor_.skipped_in_a_row >= kMaxSkippedInARow)
      throw Error(ExitCode::training, "loss or gradient is not finite in " + std::to_string(kMaxSkippedInARow) + " steps in a row", "step " + std::to_string(cursor_.step), "lower train.learning_rate; events.jsonl names the patients");
  } else {
    if (request_.experiment.mode != "native") next_exponents(arena_->segments(), engine_->gradient(), cursor_.exponents);
    norm = clip(engine_->gradient(), config_.clip_norm);
    rate = learning_rate(config_, cursor_.step, total_steps_);
    adamw(*arena_, engine_->gradient(), config_, rate, ++cursor_.updates);
    if (config_.ema > 0) average(*arena_, config_.ema);
    cursor_.skipped_in_a_row = 0;
  }
  ++cursor_.step;
  patients_done_ += plan.patients;
  optimiser_seconds_ += seconds_since(start);
  after_step(result, norm, rate);
  return !result.stop;
}

void Training::after_step(const StepResult& result, double norm, double rate) {
  if (cursor_.step % kReplicaCheckEvery == 0) check_replicas();
  if (!root_) return;
  events_->add({{"step", cursor_.step}, {"event", "step"}, {"loss", result.loss}, {"gradient_norm", norm}, {"learning_rate", rate}});
  if (seconds_since(logged_) > kLogSeconds || cursor_.step == total_steps_) {
    logged_ = Clock::now();
    tensorboard_->scalar("train/loss", cursor_.step, result.loss);
    tensorboard_->scalar("train/gradient_norm", cursor_.step, norm);
    tensorboard_->scalar("train/learning_rate", cursor_.step, rate);
  }
  progress_->advance_to(patients_done_, fmt::format("step {}/{}  loss {:.4f}", cursor_.step, total_steps_, result.loss));
  const Rhythm rhythm = rhythm_of(config_.checkpoint_every, sampler_->steps_per_epoch());
  const bool due = seconds_since(checkpointed_) > rhythm.seconds || (rhythm.steps > 0 && cursor_.step % rhythm.steps == 0);
  if (due && cursor_.step < total_steps_) {
    writer_->save(*arena_, cursor_);
    checkpointed_ = Clock::now();
    checkpointed_step_ = cursor_.step;
  }
}

void Training::check_replicas() {
  const std::uint64_t hash = xxh3(std::as_bytes(arena_->values()));
  const auto value = static_cast<std::int64_t>(hash >> 2);
  std::array<std::int64_t, 2> extremes{value, -value};
  group_.all_reduce_max(extremes);
  if (extremes[0] != -extremes[1])
    throw Error(ExitCode::training, "the ranks' parameters differ", "step " + std::to_string(cursor_.step), "a rank computes wrongly: run hepar doctor on every node; the last checkpoint is good");
}

void Training::steps() {
  const auto start = Clock::now();
  if (root_) {
    events_ = std::make_unique<Events>(folder_, cursor_.step);
    tensorboard_ = std::make_unique<TensorBoard>(folder_.tensorboard());
    writer_ = std::make_unique<CheckpointWriter>(folder_);
    // Patients of the steps still to do.
    const std::int64_t per_epoch = static_cast<std::int64_t>(request_.patients.size());
    const std::int64_t left = (total_steps_ - cursor_.step) * per_epoch / std::max<std::int64_t>(1, sampler_->steps_per_epoch());
    progress_ = std::make_unique<Progress>(console_, request_.label.empty() ? "train" : request_.label, left, "patients");
    status_.phase = "train";
    status_.step = cursor_.step;
    publish_status(folder_, status_);
  }
  checkpointed_ = Clock::now();
  while (cursor_.step < total_steps_ && !stop_) stop_ = !one_step();
  if (root_) progress_.reset();
  steps_seconds_ = seconds_since(start);
}

Json Training::run_json(const std::string& hash, bool stopped) {
  // Rank by rank: slots, peak memory, seconds by phase, bytes.
  const std::string mine = Json{{"rank", group_.rank()}, {"slots", slots_computed_}, {"peak_memory_bytes", peak_memory_bytes()}, {"load_seconds", phases_.load}, {"forward_seconds", phases_.forward},
                                {"backward_seconds", phases_.backward}, {"quantise_seconds", phases_.quantise}, {"reduce_seconds", phases_.reduce}, {"optimiser_seconds", optimiser_seconds_},
                                {"store_bytes", request_.store.bytes_read()}}.dump() + "\n";
  const std::vector<std::byte> all = group_.gather(bytes_of(mine), 0);
  if (!root_) return {};
  Json ranks = Json::array();
  std::int64_t slots = 0;
  for (const std::string& line : split(std::string_view(reinterpret_cast<const char*>(all.data()), all.size()), '\n'))
    if (!line.empty()) {
      ranks.push_back(Json::parse(line));
      slots += ranks.back().at("slots").get<std::int64_t>();
    }
  return {{"schema", "hepar-run/1"}, {"status", stopped ? "stopped" : "finished"}, {"parameters_sha256", hash}, {"features_sha256", cursor_.features_sha256}, {"tables_sha256", cursor_.tables_sha256},
          {"config_sha256", cursor_.config_sha256}, {"mode", request_.experiment.mode}, {"reproducible", reproducible_ && request_.experiment.mode == "reproducible"}, {"ranks", group_.size()},
          {"backend", std::string(group_.name())}, {"seed", seed_}, {"steps", cursor_.step}, {"epochs", cursor_.step / std::max<std::int64_t>(1, sampler_->steps_per_epoch())}, {"skipped_steps", cursor_.skipped},
          {"patients", request_.patients.size()}, {"parameters", arena_->size()}, {"slots_computed", slots}, {"inputs", selection_.modalities}, {"columns", selection_.columns}, {"left_out", selection_.left_out},
          {"endpoints", selection_.endpoints}, {"machine", machine_json()}, {"seconds", {{"setup", setup_seconds_}, {"steps", steps_seconds_}, {"checkpoint_stall", writer_->stall_seconds()}, {"total", seconds_since(start_)}}},
          {"patients_per_second", steps_seconds_ > 0 ? static_cast<double>(patients_done_) / steps_seconds_ : 0.0}, {"by_rank", ranks}};
}

void Training::finish(bool stopped) {
  const std::span<const float> predicting = arena_->average().empty() ? arena_->values() : arena_->average();
  const std::vector<NamedValues> tensors = arena_->named(predicting);
  const std::string hash = parameters_sha256(tensors);
  const Json record = run_json(hash, stopped);
  if (!root_) return;
  if (stopped) {
    if (checkpointed_step_ != cursor_.step) writer_->save(*arena_, cursor_);
    writer_->wait();
    publish(folder_.run(), record.dump(2) + "\n");
    status_ = {"stopped", "stopped", 75, cursor_.step, 0, "train", "stopped on request; checkpoint step-" + std::to_string(cursor_.step) + " written; run the same command again to continue", status_.generation};
    publish_status(folder_, status_);
    return;
  }
  writer_->save(*arena_, cursor_);
  writer_->wait();
  Experiment copy = request_.experiment;
  publish(folder_.model(), safetensors_text(tensors));
  publish(folder_.model_json(), to_text({transform_, heads_, endpoints_, request_.store.strategies().arm_names(), selection_.modalities, selection_.columns, config_yaml(copy), cursor_.features_sha256,
                                         cursor_.tables_sha256, hash, static_cast<std::int64_t>(request_.patients.size()), seed_, Json::object()}));
  publish(folder_.run(), record.dump(2) + "\n");
  publish_status(folder_, {"finished", "done", 0, cursor_.step, 0, "train", "finished", status_.generation});
}

TrainResult Training::run() {
  TrainResult result;
  std::string finished;
  if (root_) {
    open_folder();
    std::error_code ignored;
    if (fs::exists(folder_.run(), ignored)) {
      const Json before = Json::parse(read_file(folder_.run()), nullptr, false);
      if (before.is_object() && before.value("status", "") == "finished") {
        for (const char* key : {"features_sha256", "tables_sha256"}) {
          const std::string& now = std::string(key) == "features_sha256" ? request_.store.features_sha256() : request_.store.tables_sha256();
          if (before.value(key, "") != now) throw store_error(std::string("the run belongs to another store: ") + key + " differs", {folder_.root.string()}, "use its store, another --out, or --fresh");
        }
        finished = before.dump();
      }
    }
  }
  finished = broadcast_text(group_, finished);
  if (!finished.empty()) {
    const Json before = Json::parse(finished);
    return {before.at("parameters_sha256"), before.at("steps"), before.at("epochs"), false, true};
  }
  prepare();
  continue_from_checkpoint();
  setup_seconds_ = seconds_since(start_);
  steps();
  finish(stop_ && cursor_.step < total_steps_);
  result.stopped = stop_ && cursor_.step < total_steps_;
  const std::span<const float> predicting = arena_->average().empty() ? arena_->values() : arena_->average();
  result.parameters_sha256 = parameters_sha256(arena_->named(predicting));
  result.steps = cursor_.step;
  result.epochs = cursor_.step / std::max<std::int64_t>(1, sampler_->steps_per_epoch());
  return result;
}

}  // namespace

TrainResult train(const TrainRequest& request, collective::Collective& group, const Console& console) {
  try {
    return Training(request, group, console).run();
  } catch (const Error& error) {
    const RunFolder folder{request.out};
    std::error_code ignored;
    // A status tells what ended the run; where none stands yet, nothing of ours is there to mark.
    if (group.rank() == 0 && fs::exists(folder.status(), ignored)) {
      try {
        publish_status(folder, {"failed", "failed", static_cast<int>(error.code()), 0, group.rank(), "train", error.what(), next_generation(folder) - 1});
      } catch (const Error&) {
        // The disk that cannot hold the status is most likely the error itself, which goes on to be reported.
      }
    }
    throw;
  }
}

}  // namespace hepar::engine
