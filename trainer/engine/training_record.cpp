// SPDX-License-Identifier: Apache-2.0
#include "data/base/files.hpp"
#include "data/base/machine.hpp"
#include "data/base/sealed.hpp"
#include "data/base/text.hpp"
#include "sharding/mpi/launch.hpp"
#include "trainer/engine/model_file.hpp"
#include "trainer/engine/training.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace hepar::engine {

namespace {

using Json = nlohmann::ordered_json;

std::vector<std::byte> bytes_of(const std::string& text) { return {reinterpret_cast<const std::byte*>(text.data()), reinterpret_cast<const std::byte*>(text.data() + text.size())}; }

// Where the time of the steps went, over ranks. "forward" to "fixed_point" are summed over a rank's workers; "sum_exposed" is
// what a rank waited for sums over ranks.
constexpr std::array<std::pair<const char*, const char*>, 7> kPhases{{{"data_wait", "load_seconds"}, {"forward", "forward_seconds"}, {"backward", "backward_seconds"}, {"fixed_point", "quantise_seconds"},
                                                                      {"sum_exposed", "reduce_seconds"}, {"optimiser", "optimiser_seconds"}, {"checkpoint", "checkpoint_seconds"}}};

Json phases_of(const Json& ranks) {
  Json phases = Json::object();
  for (const auto& [name, key] : kPhases) {
    double low = 1e300, high = 0, sum = 0;
    for (const Json& rank : ranks) {
      const double seconds = rank.at(key);
      low = std::min(low, seconds);
      high = std::max(high, seconds);
      sum += seconds;
    }
    phases[name] = {{"min", low}, {"mean", sum / static_cast<double>(ranks.size())}, {"max", high}};
  }
  return phases;
}

}  // namespace

// For people, at the end of a training.
void Training::show_phases(const Json& record) const {
  console_.note(fmt::format("{:<12} {:>10} {:>10} {:>10}   seconds of {} steps over {} rank{}", "phase", "min", "mean", "max", cursor_.step - first_step_, group_.size(), group_.size() == 1 ? "" : "s"));
  for (const auto& [name, one] : record.at("phases").items())
    console_.note(fmt::format("{:<12} {:>10.2f} {:>10.2f} {:>10.2f}", name, one.at("min").get<double>(), one.at("mean").get<double>(), one.at("max").get<double>()));
}

Json Training::identity(const std::string& status) const {
  const mpi::Launch launch = mpi::read_launch(mpi::process_environment());
  return {{"schema", kRunDocument.schema}, {"status", status}, {"parameters_sha256", nullptr}, {"features_sha256", cursor_.features_sha256}, {"tables_sha256", cursor_.tables_sha256},
          {"config_sha256", cursor_.config_sha256}, {"config_file_sha256", sha256_file(folder_.config())}, {"mode", request_.experiment.mode}, {"reproducible", cursor_.reproducible_until < 0 && request_.experiment.mode == "reproducible"}, {"reproducible_until_step", cursor_.reproducible_until < 0 ? Json() : Json(cursor_.reproducible_until)}, {"ranks", group_.size()},
          {"backend", std::string(group_.name())}, {"slots_at_once", workers_->count()}, {"sums_overlap", overlap_->settled() && overlap_->early()}, {"seed", seed_}, {"steps", cursor_.step}, {"steps_planned", total_steps_},
          {"epochs", cursor_.step / std::max<std::int64_t>(1, sampler_->steps_per_epoch())}, {"steps_per_epoch", sampler_->steps_per_epoch()}, {"skipped_steps", cursor_.skipped}, {"rollbacks", cursor_.rollbacks},
          {"patients", patients_.size()}, {"patients_without_outcome", request_.patients.size() - patients_.size()}, {"parameters", arena_->size()}, {"inputs", selection_.modalities}, {"staged", staging_->staged()},
          {"launch", {{"launcher", launch.launcher}, {"by", launch.by}, {"local_rank_of_rank_0", launch.local_rank}}},
          {"columns", selection_.columns}, {"left_out", selection_.left_out}, {"endpoints", selection_.endpoints}, {"init_from_sha256", initial_.taken.empty() ? Json() : Json(initial_.parameters_sha256)}, {"machine", machine_json()}};
}

Json Training::run_json(const std::string& hash, Ending ending) {
  // Rank by rank: slots, peak memory, seconds by phase, bytes.
  const std::string mine = Json{{"rank", group_.rank()}, {"slots", slots_computed_}, {"peak_memory_bytes", peak_memory_bytes()}, {"load_seconds", phases_.load}, {"forward_seconds", phases_.forward},
                                {"backward_seconds", phases_.backward}, {"quantise_seconds", phases_.quantise}, {"reduce_seconds", phases_.reduce}, {"optimiser_seconds", optimiser_seconds_}, {"checkpoint_seconds", writer_ ? writer_->stall_seconds() : 0.0},
                                {"store_bytes", request_.store.bytes_read()}, {"reduce_bytes", reduced_bytes_}}.dump() + "\n";
  const std::vector<std::byte> all = group_.gather(bytes_of(mine), 0);
  if (!root_) return {};
  Json ranks = Json::array();
  std::int64_t slots = 0;
  for (const std::string& line : split(std::string_view(reinterpret_cast<const char*>(all.data()), all.size()), '\n'))
    if (!line.empty()) {
      ranks.push_back(Json::parse(line));
      slots += ranks.back().at("slots").get<std::int64_t>();
    }
  Json record = identity(ending == Ending::finished ? "finished" : "stopped");
  record["parameters_sha256"] = hash;
  record["slots_computed"] = slots;
  // `all_sessions`: with what earlier commands spent until the checkpoint that this one went on from.
  record["seconds"] = {{"setup", setup_seconds_}, {"steps", steps_seconds_}, {"checkpoint_stall", writer_->stall_seconds()}, {"total", seconds_since(start_)}, {"all_sessions", spent().seconds}};
  record["sessions"] = spent().sessions;
  record["patient_visits"] = patients_done_;  // of this session
  record["patients_per_second"] = steps_seconds_ > 0 ? static_cast<double>(patients_done_) / steps_seconds_ : 0.0;
  record["phases"] = phases_of(ranks);
  record["by_rank"] = ranks;
  return record;
}

// As the sampler dealt them out to the steps that were made, not as they were asked for: the leak audit compares the two.
std::vector<std::string> Training::trained_on() const {
  std::set<std::int64_t> seen;
  for (std::int64_t step = 0; step < std::min(cursor_.step, sampler_->steps_per_epoch()); ++step)
    for (const dataset::Slot& slot : sampler_->step(step).slots) seen.insert(slot.patients.begin(), slot.patients.end());
  std::vector<std::string> keys;
  for (const std::int64_t p : seen) keys.push_back(request_.store.row(p).key);
  // Whoever taught the parameters that this run began with has taught this model: the leak audit must see them.
  const std::set<std::string> before(initial_.trained_on.begin(), initial_.trained_on.end());
  for (std::int64_t p = 0; p < request_.store.patients(); ++p)
    if (!seen.contains(p) && before.contains(request_.store.row(p).key)) keys.push_back(request_.store.row(p).key);
  return keys;
}

std::vector<std::string> Training::seen_before() const {
  std::set<std::string> keys(initial_.trained_on.begin(), initial_.trained_on.end());
  for (std::int64_t p = 0; p < request_.store.patients(); ++p) keys.erase(request_.store.row(p).key);
  return {keys.begin(), keys.end()};
}

Contents Training::contents() const {
  Contents all = contents_of(request_.store, patients_);
  for (const auto& [modality, before] : initial_.contents) {
    std::vector<std::string>& hashes = all[modality];
    hashes.insert(hashes.end(), before.begin(), before.end());
    std::sort(hashes.begin(), hashes.end());
  }
  return all;
}

void Training::finish(Ending ending) {
  check_replicas(arena_->values(), group_, cursor_.step);  // what predicts is what every rank has
  const std::span<const float> predicting = arena_->average().empty() ? arena_->values() : arena_->average();
  const std::vector<NamedValues> tensors = arena_->named(predicting);
  const std::string hash = parameters_sha256(tensors);
  Json record = run_json(hash, ending);
  trace_->write(folder_, group_);
  if (!root_) return;
  if (checkpointed_step_ != cursor_.step) save_checkpoint(/*must=*/true);
  writer_->wait();
  status_.check();
  record["checkpoints_written"] = writer_->written();
  record["checkpoint_bytes"] = writer_->bytes();
  record["checkpoints_given_up"] = writer_->given_up();
  if (writer_->best().step > 0) record["best_checkpoint"] = {{"step", writer_->best().step}, {"loss", writer_->best().loss}};
  if (ending == Ending::stopped) {
    publish(folder_.run(), sealed(record));
    const std::string message = "stopped on request; checkpoint step-" + std::to_string(cursor_.step) + " written; run the same command again to continue";
    status_.publish({.state = "stopped", .code = ExitCode::stopped, .step = cursor_.step, .phase = "train", .message = message});
    return;
  }
  if (request_.label.empty()) show_phases(record);  // of a fold, run.json says it
  Experiment copy = request_.experiment;
  publish(folder_.model(), safetensors_text(tensors));
  publish(folder_.model_json(), to_text({transform_, heads_, endpoints_, request_.store.strategies().arm_names(), selection_.modalities, selection_.columns, config_yaml(copy), cursor_.features_sha256,
                                         cursor_.tables_sha256, hash, static_cast<std::int64_t>(patients_.size()), seed_, trained_on(), Json::object(), seen_before(), contents()}));
  publish(folder_.run(), sealed(record));
  if (ending == Ending::paused) {
    status_.publish({.state = "stopped", .code = ExitCode::stopped, .step = cursor_.step, .phase = "train", .message = "paused after " + std::to_string(cursor_.step) + " of " + std::to_string(total_steps_) + " steps"});
    return;
  }
  status_.publish({.state = "finished", .step = cursor_.step, .phase = "train", .message = "finished"});
}

TrainResult Training::result() const {
  const std::span<const float> predicting = arena_->average().empty() ? arena_->values() : arena_->average();
  return {parameters_sha256(arena_->named(predicting)), cursor_.step, cursor_.step / std::max<std::int64_t>(1, sampler_->steps_per_epoch()), false, false, false};
}

void Training::failed(const Error& error) {
  std::error_code ignored;
  // A folder that refused this training (another configuration or store) keeps the status of its own.
  if (!working_ || !fs::exists(folder_.status(), ignored)) return;
  try {
    status_.publish({.state = "failed", .code = error.code(), .step = cursor_.step, .rank = group_.rank(), .phase = "train", .message = error.what()});
  } catch (const Error&) {
    // The disk that cannot hold the status is most likely the error itself, which goes on to be reported.
  }
}

}  // namespace hepar::engine
