// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/training.hpp"

#include "data/base/sealed.hpp"
#include "data/base/text.hpp"
#include "sharding/mpi/watch.hpp"
#include "trainer/engine/model_file.hpp"
#include "trainer/engine/optimiser.hpp"
#include "trainer/engine/reducer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace hepar::engine {

namespace {

using Json = nlohmann::ordered_json;

int whole_number(const std::string& key, const std::string& text, int lowest) {
  const auto n = parse_integer(text);
  if (!n || *n < lowest || *n > 1024) throw usage_error("'" + key + "' is '" + text + "'", {}, "give auto or a whole number from " + std::to_string(lowest));
  return static_cast<int>(*n);
}

int slots_at_once(const Resources& resources) {
  return resources.slots_at_once == "auto" ? cores_of_this_rank() : whole_number("resources.slots_at_once", resources.slots_at_once, 1);
}

// The first rank of its node, which makes what the node's ranks share.
bool first_of_node() {
  for (const char* name : {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"})
    if (const char* value = std::getenv(name)) return parse_integer(value).value_or(0) == 0;
  return true;
}

// A thread that reads ahead takes a core from computing where none is free.
std::size_t batches_ahead(const Resources& resources, int slots) {
  if (resources.prefetch != "auto") return static_cast<std::size_t>(whole_number("resources.prefetch", resources.prefetch, 0));
  return slots < cores_of_this_rank() ? 2 * static_cast<std::size_t>(slots) : 0;
}

Rhythm rhythm_of(const std::string& text, std::int64_t steps_per_epoch) {
  if (text == "auto") return {.automatic = true};
  const struct { const char* unit; double seconds; double steps; } units[] = {{"min", 60, 0}, {"steps", 0, 1}, {"epochs", 0, static_cast<double>(steps_per_epoch)}, {"epoch", 0, static_cast<double>(steps_per_epoch)}};
  for (const auto& unit : units) {
    if (!text.ends_with(unit.unit)) continue;
    const auto n = parse_number(trim(std::string_view(text).substr(0, text.size() - std::strlen(unit.unit))));
    if (n && *n > 0) return {unit.seconds > 0 ? *n * unit.seconds : 1e18, unit.steps > 0 ? std::max<std::int64_t>(1, std::llround(*n * unit.steps)) : 0};
  }
  throw usage_error("'train.checkpoint_every' is '" + text + "'", {}, "give auto, or such as 10min, 500steps, 1epoch");
}

}  // namespace

void check_blas(const Machine& machine, int slots, const Console& console) {
  if (machine.blas == BlasFlavour::openblas_serial && slots > 1)
    throw usage_error("the serial OpenBLAS (" + machine.blas_path + ") computes wrong gradients with several slots at once", {}, "apt-get install libopenblas0-pthread, or set resources.slots_at_once=1");
  if (machine.blas == BlasFlavour::reference) console.warning("the reference BLAS answers: a step takes about 8.6 times as long; apt-get install libopenblas0-pthread");
}

void Training::open_folder() {
  if (request_.fresh) move_aside(folder_.root);
  const bool exists = fs::exists(folder_.config());
  if (request_.must_resume && !exists) throw usage_error("there is no run to resume", {folder_.root.string()}, "leave out --resume to start one");
  // A configuration alone does not make a run: a validation has one too. A run that was killed in its first moments has its
  // folder of checkpoints and perhaps nothing else; of a finished one they may have been removed.
  const bool run = fs::exists(folder_.checkpoints()) || fs::exists(folder_.model());
  if (fs::exists(folder_.root) && !fs::is_empty(folder_.root) && !run) throw usage_error("the folder is neither empty nor a run", {folder_.root.string()}, "choose another --out");
  const std::string difference = exists ? first_difference(read_file(folder_.config()), request_.experiment) : "";
  const bool began = fs::exists(folder_.run());  // else its configuration was refused, and may be corrected
  if (began && !difference.empty())
    throw store_error("the run belongs to another configuration: " + difference, {folder_.root.string()}, "use its configuration, another --out, or --fresh");
  make_folder(folder_.checkpoints());
  remove_stale_temporaries(folder_.root);
  remove_stale_temporaries(folder_.checkpoints());
  Experiment copy = request_.experiment;
  if (!exists || !difference.empty()) publish(folder_.config(), config_yaml(copy));
}

std::optional<TrainResult> Training::finished_before() {
  std::string finished;
  collective::together(group_, [&] {
    if (!root_) return;
    open_folder();
    std::error_code ignored;
    if (!fs::exists(folder_.run(), ignored)) return;
    const Json before = read_sealed(folder_.run(), kRunDocument.schema, "restore it, or give --fresh");
    for (const auto& [key, now] : {std::pair("features_sha256", request_.store.features_sha256()), std::pair("tables_sha256", request_.store.tables_sha256())})
      if (before.value(key, "") != now) throw store_error(std::string("the run belongs to another store: ") + key + " differs", {folder_.root.string()}, "use its store, another --out, or --fresh");
    if (before.value("status", "") == "finished") finished = before.dump();
  });
  finished = collective::broadcast_text(group_, finished);
  if (finished.empty()) return std::nullopt;
  const Json before = Json::parse(finished);
  TrainResult done{before.at("parameters_sha256"), before.at("steps"), before.at("epochs")};
  done.already_finished = true;
  if (const std::optional<Status> status = read_status(folder_.status())) done.generation = status->generation;
  return done;
}

void Training::prepare() {
  const store::Store& store = request_.store;
  selection_ = select(request_.experiment, store);
  for (const EndpointSpec& endpoint : store.endpoints())
    if (std::find(selection_.endpoints.begin(), selection_.endpoints.end(), endpoint.name) != selection_.endpoints.end()) endpoints_.push_back(endpoint);
  if (endpoints_.empty()) throw input_error("the store has no endpoints to train on", {store.path().string()}, "add follow_up and endpoints to the cohort and run hepar shard again");
  heads_ = objective::heads_for(endpoints_, store.strategies(), std::any_of(endpoints_.begin(), endpoints_.end(), [](const EndpointSpec& e) { return !e.direct(); }));
  choose_patients();
  transform_ = dataset::Transform::fit(store, selection_.modalities, selection_.columns, patients_);
  cost_ = dataset::patient_costs(store, selection_.modalities, config_.bag_cap);
  network_ = model::make_network(request_.experiment.model, transform_.inputs(), shapes_of(heads_), seed_);
  if (request_.experiment.mode == "reproducible")
    if (const std::string why = network_->breaks_law_2(); !why.empty()) throw usage_error(why, {}, "set mode: native, or mend the module");
  arena_ = std::make_unique<Arena>(*network_);
  initial_ = begin_from(config_, *arena_);
  set_rates(config_, *arena_);
  if (!initial_.taken.empty()) console_.note(std::to_string(initial_.taken.size()) + " parameters begin as those of " + config_.init_from + ", " + std::to_string(initial_.own.size()) + " from the seed");
  if (config_.ema > 0) arena_->start_average();
  sampler_ = std::make_unique<dataset::Sampler>(patients_, seed_, config_.slots_per_step, config_.patients_per_slot);
  total_steps_ = planned_steps(config_, sampler_->steps_per_epoch());
  last_step_ = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(request_.until * static_cast<double>(total_steps_) - 1e-9)), 1, total_steps_);
  rhythm_ = rhythm_of(config_.checkpoint_every, sampler_->steps_per_epoch());
  start_computing();
  cursor_.exponents.assign(arena_->segments().size(), kFirstExponent);
  // The same configuration beginning with other parameters, or with another module in a file, is another training.
  std::string outside = initial_.parameters_sha256;
  for (const std::string& entry : request_.experiment.model.torchscript) outside += sha256_file(entry.substr(entry.find('=') + 1));
  cursor_.config_sha256 = config_sha256(request_.experiment);
  if (!outside.empty()) cursor_.config_sha256 = sha256(cursor_.config_sha256 + outside);
  cursor_.features_sha256 = store.features_sha256();
  cursor_.tables_sha256 = store.tables_sha256();
  cursor_.machine = machine_identity();
}

// Patients whose outcome is unknown say nothing to any head; they are counted, not trained on.
void Training::choose_patients() {
  const store::Store& store = request_.store;
  std::int64_t events = 0;
  std::vector<std::uint8_t> known(static_cast<std::size_t>(store.patients()), 0);
  for (const objective::HeadSpec& head : heads_) {
    subjects_.emplace_back(static_cast<std::size_t>(store.patients()));
    for (std::size_t i = 0; i < request_.patients.size(); ++i) {
      const std::int64_t p = request_.patients[i];
      const store::PatientRow& row = store.row(p);
      objective::Subject& subject = subjects_.back()[static_cast<std::size_t>(p)];
      subject = objective::subject_of(head, store.endpoints(), row.history, row.outcomes, row.assignment);
      if (!subject.known) continue;
      if (!request_.weights.empty()) subject.weight = request_.weights.at(i);
      known[static_cast<std::size_t>(p)] = 1;
      events += subject.history.recurrence || subject.history.death || subject.outcome.event != 0 ? 1 : 0;
    }
  }
  for (const std::int64_t p : request_.patients)
    if (known[static_cast<std::size_t>(p)] != 0) patients_.push_back(p);
  if (patients_.empty()) throw Error(ExitCode::training, "nothing estimable: no patient has an outcome to learn from", store.path().string(), "check eligibility and follow-up with hepar cohort check");
  if (events == 0) throw Error(ExitCode::training, "nothing estimable: none of " + std::to_string(patients_.size()) + " patients has an event of any endpoint", store.path().string(), "check the follow-up with hepar cohort check");
}

void Training::start_computing() {
  const Machine machine = this_machine();
  const int slots = slots_at_once(request_.experiment.resources);
  check_blas(machine, slots, console_);
  workers_ = std::make_unique<Workers>(slots);
  staging_ = std::make_unique<dataset::Staging>(request_.store, request_.experiment.resources.staging, first_of_node(), [this](const std::string& line) { console_.note(line); });
  learner_ = std::make_unique<Learner>(Learner{request_.store, transform_, *network_, heads_, subjects_, cost_, config_, seed_, staging_.get(), &group_.watch().activity()});
  const std::size_t ahead = batches_ahead(request_.experiment.resources, slots);
  const auto make_network = [this] { return model::make_network(request_.experiment.model, transform_.inputs(), shapes_of(heads_), seed_); };
  engine_ = request_.experiment.mode == "native" ? make_native(*learner_, *arena_, group_, *workers_, ahead, make_network) : make_reproducible(*learner_, *arena_, group_, *workers_, ahead);
  trace_ = std::make_unique<Trace>(request_.experiment.resources.trace_steps, group_.watch().activity(), [this](const char* phase) { stall_if_planted(phase); });
  engine_->trace_to(trace_.get());
  overlap_ = std::make_unique<OverlapChoice>(request_.experiment.resources.overlap, group_);
}

void Training::continue_from_checkpoint() {
  std::string state;
  collective::together(group_, [&] {
    if (!root_) return;
    std::vector<std::string> notes;
    const std::optional<Cursor> found = load_newest(folder_, *arena_, notes);
    for (const std::string& note : notes) console_.warning(note);
    if (found) {
      if (found->features_sha256 != cursor_.features_sha256) throw store_error("the run belongs to another store: features_sha256 differs", {folder_.root.string()}, "use its store, another --out, or --fresh");
      if (found->tables_sha256 != cursor_.tables_sha256) throw store_error("the run belongs to another store: tables_sha256 differs", {folder_.root.string()}, "use its store, another --out, or --fresh");
      if (found->config_sha256 != cursor_.config_sha256)
        throw store_error("the checkpoint belongs to another configuration: config_sha256 differs", {folder_.checkpoint(found->step).string()}, "restore the run's own, or give --fresh");
      const bool same = found->machine == cursor_.machine;
      if (!same && !request_.accept_other_machine)
        throw store_error("the checkpoint was made elsewhere (" + found->machine + ") and here is " + cursor_.machine, {folder_.root.string()}, "resume there, or give --accept-other-machine");
      const std::string machine = cursor_.machine;
      cursor_ = *found;
      cursor_.machine = machine;
      if (!same && cursor_.reproducible_until < 0) cursor_.reproducible_until = cursor_.step;
    }
    state = Json{{"found", found.has_value()}, {"step", cursor_.step}, {"updates", cursor_.updates}, {"skipped", cursor_.skipped}, {"skipped_in_a_row", cursor_.skipped_in_a_row}, {"rollbacks", cursor_.rollbacks}, {"exponents", cursor_.exponents}, {"reproducible_until", cursor_.reproducible_until}}.dump();
  });
  const Json shared = Json::parse(collective::broadcast_text(group_, state));
  cursor_.step = shared.at("step");
  cursor_.updates = shared.at("updates");
  cursor_.skipped = shared.at("skipped");
  cursor_.skipped_in_a_row = shared.at("skipped_in_a_row");
  cursor_.rollbacks = shared.at("rollbacks");
  cursor_.exponents = shared.at("exponents").get<std::vector<int>>();
  cursor_.reproducible_until = shared.at("reproducible_until");
  if (!shared.at("found").get<bool>()) return;
  for (std::span<float> flat : {arena_->values(), arena_->first_moment(), arena_->second_moment(), arena_->anchor(), arena_->average()}) group_.broadcast(std::as_writable_bytes(flat), 0);
  before_ = cursor_.spent;  // the root's, who reports it
  checkpointed_step_ = cursor_.step;
}

}  // namespace hepar::engine
