// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/validate.hpp"

#include "data/base/files.hpp"
#include "data/base/machine.hpp"
#include "data/base/sealed.hpp"
#include "data/base/status.hpp"
#include "data/base/text.hpp"
#include "sharding/mpi/watch.hpp"
#include "trainer/engine/run_record.hpp"
#include "trainer/validation/availability.hpp"
#include "trainer/validation/baselines.hpp"
#include "trainer/validation/example.hpp"
#include "trainer/validation/policies.hpp"
#include "trainer/validation/results.hpp"
#include "trainer/validation/strategies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <set>

namespace hepar::validation {

namespace {

using Json = nlohmann::ordered_json;

// Folds of each group of ranks, longest training first, to the least loaded group: the same on all ranks.
std::vector<std::vector<std::size_t>> share_folds(const std::vector<Fold>& folds, int groups) {
  std::vector<std::size_t> order(folds.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return folds[a].train.size() > folds[b].train.size(); });
  std::vector<std::vector<std::size_t>> shares(static_cast<std::size_t>(groups));
  std::vector<std::size_t> load(shares.size(), 0);
  for (const std::size_t fold : order) {
    const auto least = static_cast<std::size_t>(std::min_element(load.begin(), load.end()) - load.begin());
    shares[least].push_back(fold);
    load[least] += folds[fold].train.size();
  }
  return shares;
}

// Where everybody of the store went: nobody is left out in silence.
Json counted_patients(const store::Store& store, const std::vector<std::int64_t>& with_outcome, const std::vector<FoldResult>& folds) {
  std::int64_t eligible = 0;
  for (std::int64_t p = 0; p < store.patients(); ++p) eligible += store.row(p).verdict.eligible() ? 1 : 0;
  std::size_t held_out = 0, predicted = 0;
  for (const FoldResult& fold : folds) {
    held_out += fold.record.test.size();
    predicted += fold.record.predicted.size();
  }
  return {{"in_store", store.patients()}, {"eligible", eligible}, {"without_outcome", eligible - static_cast<std::int64_t>(with_outcome.size())}, {"held_out", held_out}, {"predicted", predicted}};
}

std::string more_events_a_fold(const engine::ValidationConfig& config) {
  const std::string lower = "lower validation.min_events";
  if (config.scheme == "leave_one_centre_out") return lower + " or pool centres with validation.pool_below_events";
  return lower + (config.scheme == "split" ? " or raise validation.test" : " or validation.folds");
}

void tell(const Json& results, ValidateResult& result) {
  result.text = results.at("headline").get<std::string>();
  result.pooled = results.at("pooled").dump();
}

class Validation {
 public:
  Validation(const ValidateRequest& request, const mpi::Communicator& world, const Console& console) : request_(request), world_(world), console_(console), folder_{request.out}, experiment_(request.experiment) {}

  ValidateResult run() {
    mpi::together(world_, [&] { open(); });
    try {
      return work();
    } catch (const std::exception& error) {
      failed(as_error(error));
      throw;
    }
  }

 private:
  ValidateResult work() {
    ValidateResult result;
    std::int64_t complete = 0;
    mpi::together(world_, [&] {
      if (world_.root()) complete = finished(result) ? 1 : 0;
    });
    world_.all_reduce_max(std::span(&complete, 1));
    if (complete != 0) return result;
    mpi::together(world_, [&] {
      if (world_.root() && request_.only_fold.empty()) status_.begin({.phase = request_.gather ? "results" : "folds"});
    });
    std::int64_t generation = status_.generation();
    world_.broadcast(std::as_writable_bytes(std::span(&generation, 1)), 0);
    status_.join(generation);  // the root of a group speaks for this generation alone
    const mpi::Watch::Task publishes_a_loss = world_.watch().on_loss_publish(status_, request_.only_fold.empty() ? world_.standing().ranks : std::vector<int>());
    if (!request_.gather) result.stopped = !train_folds();
    if (result.stopped || !request_.only_fold.empty()) return result;
    mpi::together(world_, [&] {
      if (world_.root()) publish_results(result);
    });
    return result;
  }
  void open();
  [[nodiscard]] bool begun() const;
  void refuse_other_store() const;
  void refuse_twins();
  [[nodiscard]] std::set<std::int64_t> untested_patients() const;
  [[nodiscard]] bool train_folds();
  void publish_results(ValidateResult& result);
  void publish_record(const Json& parts, double seconds);
  [[nodiscard]] bool finished(ValidateResult& result) const;
  void failed(const Error& error);

  const ValidateRequest& request_;
  const mpi::Communicator& world_;
  const Console& console_;
  ValidationFolder folder_;
  StatusFile status_{folder_.status()};
  engine::Experiment experiment_;
  std::optional<store::Store> store_;
  std::vector<std::int64_t> patients_;
  std::vector<Fold> folds_;
  std::vector<Twins> twins_;
  bool speaks_ = world_.root();  // writes the status when this rank fails
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void Validation::open() {
  store_.emplace(store::Store::open(request_.store));
  if (store_->endpoints().empty()) throw input_error("the store has no endpoints to validate", {request_.store.string()}, "add follow_up and endpoints to the cohort and run hepar shard again");
  const engine::Selection selection = engine::select(experiment_, *store_);
  check_baselines(experiment_, *store_);
  patients_ = patients_of(*store_, selection.endpoints);
  folds_ = plan_folds(*store_, patients_, {selection.endpoints, experiment_.validation, static_cast<std::uint64_t>(experiment_.seed)});
  if (const std::size_t untested = untested_patients().size(); untested > 0)
    console_.note(std::to_string(untested) + " patients are tested by no fold: these settings were chosen on " + join(experiment_.validation.chosen_on, ", "));
  for (const std::string& why : selection.left_out) console_.note("left out: " + why);
  if (!request_.only_fold.empty()) {
    std::vector<std::string> names;
    for (const Fold& fold : folds_) names.push_back(fold.name);
    if (std::find(names.begin(), names.end(), request_.only_fold) == names.end()) throw usage_error("there is no fold '" + request_.only_fold + "'", {}, name_advice(request_.only_fold, names));
  }
  // Ranks of one node share its cores, whatever group they train in.
  if (experiment_.resources.slots_at_once == "auto") experiment_.resources.slots_at_once = std::to_string(std::max(1, this_machine().cores / std::max(1, world_.node_size())));
  refuse_twins();
  if (!world_.root()) return;
  if (request_.must_resume && !fs::exists(folder_.config())) throw usage_error("there is no validation to resume", {folder_.root.string()}, "leave out --resume to start one");
  if (request_.fresh) move_aside(folder_.root);
  // A configuration alone does not make a validation: a run has one too.
  if (fs::exists(folder_.root) && !fs::is_empty(folder_.root) && !fs::exists(folder_.folds()))
    throw usage_error("the folder is neither empty nor a validation", {folder_.root.string()}, "choose another --out");
  const bool exists = fs::exists(folder_.config());
  const std::string difference = exists ? engine::first_difference(read_file(folder_.config()), experiment_) : "";
  if (begun() && !difference.empty())
    throw store_error("the validation belongs to another configuration: " + difference, {folder_.root.string()}, "use its configuration, another --out, or --fresh");
  refuse_other_store();  // before anything is written: what is refused keeps its status
  make_folder(folder_.folds());
  engine::Experiment copy = request_.experiment;
  if (!exists || !difference.empty()) publish(folder_.config(), engine::config_yaml(copy));
  Json names = Json::array();
  for (const Fold& fold : folds_) names.push_back(ValidationFolder::folder_name(fold.name));
  if (!difference.empty() || !fs::exists(folder_.plan())) publish(folder_.plan(), sealed({{"schema", kPlanDocument.schema}, {"folds", names}}));
}

// Of folds that were left out because their patients had chosen the settings.
std::set<std::int64_t> Validation::untested_patients() const {
  if (experiment_.validation.chosen_on.empty() || experiment_.validation.scheme == "split") return {};
  std::set<std::int64_t> untested(patients_.begin(), patients_.end());
  for (const Fold& fold : folds_)
    for (const std::int64_t p : fold.test) untested.erase(p);
  return untested;
}

// Before anything is trained: one person under two ids would make the folds tell more than they know.
void Validation::refuse_twins() {
  twins_ = twins_of(*store_, patients_);
  for (const Fold& fold : folds_) {
    FoldRecord planned;
    planned.train = keys_of(*store_, fold.train);
    planned.inner = keys_of(*store_, fold.inner);
    planned.test = keys_of(*store_, fold.test);
    if (const Twins* pair = parted(twins_, planned))
      throw input_error("patients " + pair->one + " and " + pair->other + " have the same " + pair->modality + ", and fold " + fold.name + " would test one on what the other taught", {request_.store.string()},
                        "they are one person or a file was given twice: correct the cohort, or exclude one of them, and run hepar shard again");
  }
}

// Of a folder whose configuration was refused nothing was computed: it may be corrected.
bool Validation::begun() const {
  return std::ranges::any_of(entries_of(folder_.folds()), [](const fs::path& path) { return fs::exists(RunFolder{path}.run()) || fs::exists(RunFolder{path}.fold()); });
}

void Validation::refuse_other_store() const {
  for (const Fold& fold : folds_) {
    if (!fs::exists(folder_.fold(fold.name).fold())) continue;
    const FoldRecord record = read_fold(folder_, fold.name).record;
    const bool features = record.features_sha256 != store_->features_sha256();
    if (features || record.tables_sha256 != store_->tables_sha256())
      throw store_error("the fold belongs to another store: " + std::string(features ? "features" : "tables") + "_sha256 differs", {folder_.fold(fold.name).root.string()}, "use its store, another --out, or --fresh");
  }
}

bool Validation::train_folds() {
  std::vector<Fold> wanted;
  for (const Fold& fold : folds_)
    if (request_.only_fold.empty() || fold.name == request_.only_fold) wanted.push_back(fold);
  const int groups = std::min<int>(world_.size(), static_cast<int>(wanted.size()));
  const int mine = world_.rank() * groups / world_.size();
  const mpi::Communicator part = groups == 1 ? world_ : world_.split(mine, world_.rank());
  const auto group = collective::make_collective(part, {.backend = request_.experiment.resources.collective, .check = request_.experiment.resources.check_collectives});
  speaks_ = part.root();
  const Console group_console = part.root() ? console_ : Console(Console::Style::quiet);
  bool stopped = false;
  std::optional<Error> failure;
  try {
    const std::vector<std::size_t> share = share_folds(wanted, groups)[static_cast<std::size_t>(mine)];
    for (std::size_t i = 0; i < share.size() && !stopped; ++i) {
      const Fold& fold = wanted[share[i]];
      // The rate on the line is this group's alone: say that others work beside it.
      const std::string beside = groups > 1 ? fmt::format(", {} groups of ranks side by side", groups) : "";
      stopped = !run_fold({experiment_, *store_, fold, folder_, fmt::format("fold {} ({} of {}{})", fold.name, i + 1, share.size(), beside), request_.accept_other_machine}, *group, group_console);
    }
  } catch (const std::exception& error) {
    if (part.size() > 1) throw;  // others of the group may wait inside a collective: the program ends at once
    failure = as_error(error);
  }
  speaks_ = world_.root();
  mpi::agree(world_, failure);
  std::int64_t any = stopped ? 1 : 0;
  world_.all_reduce_max(std::span(&any, 1));
  if (any != 0 && world_.root() && request_.only_fold.empty()) status_.publish({.state = "stopped", .code = ExitCode::stopped, .phase = "folds", .message = "stopped on request; run the same command again to continue"});
  return any == 0;
}

void Validation::publish_results(ValidateResult& result) {
  std::vector<std::string> missing;
  std::vector<FoldResult> results;
  for (const Fold& fold : folds_) {
    if (fs::exists(folder_.fold(fold.name).fold())) {
      results.push_back(read_fold(folder_, fold.name));
    } else {
      missing.push_back(fold.name);
    }
  }
  if (!missing.empty()) throw Error(ExitCode::rank_failed, "folds are missing: " + join(missing, ", "), folder_.root.string(), "run validate (or validate --fold NAME) for them, then --gather again");
  const auto trained = std::chrono::steady_clock::now();
  std::vector<FoldRecord> records;
  for (const FoldResult& result : results) {
    records.push_back(result.record);
    records.back().settings_chosen_on = experiment_.validation.chosen_on;
  }
  std::vector<std::string> everyone;
  std::map<std::string, std::string> centre_of;
  for (std::int64_t p = 0; p < store_->patients(); ++p) centre_of[store_->row(p).key] = store_->row(p).centre;
  const std::set<std::int64_t> untested = untested_patients();
  if (experiment_.validation.scheme != "split")
    for (const std::int64_t p : patients_)
      if (!untested.contains(p)) everyone.push_back(store_->row(p).key);
  Results gathered = gather_results({experiment_, *store_, results, audit(records, everyone, centre_of, twins_), this_machine().cores});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const Json parts{{"folds_seconds_summed", std::accumulate(results.begin(), results.end(), 0.0, [](double sum, const FoldResult& r) { return sum + r.seconds; })},
                   {"statistics_seconds", std::chrono::duration<double>(std::chrono::steady_clock::now() - trained).count()}, {"wall_seconds", seconds}};
  gathered.json["parts"] = parts;
  gathered.json["patients"] = counted_patients(*store_, patients_, results);
  if (!untested.empty()) gathered.json["patients"]["settings_chosen_on"] = untested.size();
  gathered.json["provenance"] = {{"features_sha256", store_->features_sha256()}, {"tables_sha256", store_->tables_sha256()}, {"config_sha256", engine::config_sha256(request_.experiment)}, {"ranks", world_.size()}, {"command", request_.command_line}};
  gathered.json["example"] = example_json(*store_, results, folder_);
  const HeldOutDecisions held_out = held_out_decisions(experiment_, *store_, results, folder_);
  const std::string decisions = decisions_csv(*store_, held_out);
  gathered.json["policies"] = policies_json(experiment_, *store_, held_out);
  gathered.json["availability"] = availability_json(*store_, results, experiment_.validation.min_events);
  gathered.json["provenance"]["decisions_sha256"] = sha256(decisions);
  gathered.json["headline"] = gathered.headline;
  std::vector<std::string> files;
  for (const FoldResult& fold : results) files.push_back(read_fold_predictions(folder_, fold));
  const std::string predictions = PredictionsCsv::merge(files);
  gathered.json["provenance"]["predictions_sha256"] = sha256(predictions);
  status_.check();
  publish(folder_.predictions(), predictions);
  publish(folder_.decisions(), decisions);
  publish(folder_.results(), sealed(gathered.json));
  if (!gathered.json["audit"]["passed"].get<bool>()) throw store_error("the leak audit failed: " + gathered.json["audit"]["problems"][0].get<std::string>(), {folder_.results().string()}, "its folds are not what this program makes: --fresh starts over");
  if (!gathered.anything_estimable) throw Error(ExitCode::training, "no fold is estimable", folder_.results().string(), "see not_estimable there; " + more_events_a_fold(experiment_.validation));
  publish_record(parts, seconds);
  tell(gathered.json, result);
}

void Validation::publish_record(const Json& parts, double seconds) {
  publish(folder_.run(), sealed({{"schema", kRunDocument.schema}, {"kind", "validation"}, {"status", "finished"}, {"features_sha256", store_->features_sha256()}, {"tables_sha256", store_->tables_sha256()},
                              {"config_sha256", engine::config_sha256(request_.experiment)}, {"config_file_sha256", sha256_file(folder_.config())}, {"ranks", world_.size()}, {"folds", folds_.size()}, {"patients", patients_.size()}, {"seconds", parts}, {"wall_seconds", seconds},
                              {"peak_memory_bytes_rank_0", peak_memory_bytes()}}));
  status_.publish({.state = "finished", .phase = "results", .message = "finished"});
}

// The same validation of the same store is there, whole: nothing is to be done.
bool Validation::finished(ValidateResult& result) const {
  if (!request_.only_fold.empty() || !fs::exists(folder_.results()) || !fs::exists(folder_.predictions()) || !fs::exists(folder_.status())) return false;
  for (const Fold& fold : folds_)
    if (!fs::exists(folder_.fold(fold.name).fold())) return false;
  const std::optional<Status> status = read_status(folder_.status());
  if (!status || status->state != "finished") return false;
  const Json results = read_sealed(folder_.results(), kValidationDocument.schema, "remove it, and the same command makes it again from its folds");
  const Json& made_of = results.at("provenance");
  if (made_of.value("features_sha256", "") != store_->features_sha256() || made_of.value("tables_sha256", "") != store_->tables_sha256() || made_of.value("config_sha256", "") != engine::config_sha256(request_.experiment)) return false;
  if (made_of.at("predictions_sha256") != sha256_file(folder_.predictions())) return false;
  tell(results, result);
  return true;
}

void Validation::failed(const Error& error) {
  if (!speaks_ || !request_.only_fold.empty()) return;
  try {
    status_.publish({.state = "failed", .code = error.code(), .rank = world_.rank(), .phase = "validate", .message = error.what()});
  } catch (const Error&) {
    // The disk that cannot hold the status is most likely the error itself, which goes on to be reported.
  }
}

}  // namespace

std::string fold_list(const engine::Experiment& experiment, const std::filesystem::path& path) {
  const store::Store store = store::Store::open(path);
  const std::vector<std::string> endpoints = engine::select(experiment, store).endpoints;
  check_baselines(experiment, store);
  std::string text;
  for (const Fold& fold : plan_folds(store, patients_of(store, endpoints), {endpoints, experiment.validation, static_cast<std::uint64_t>(experiment.seed)}))
    text += fold.name + "\t" + ValidationFolder::folder_name(fold.name) + "\n";
  return text;
}

ValidateResult validate(const ValidateRequest& request, const mpi::Communicator& world, const Console& console) { return Validation(request, world, console).run(); }

}  // namespace hepar::validation
