// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/validate.hpp"

#include "data/base/files.hpp"
#include "data/base/machine.hpp"
#include "data/base/status.hpp"
#include "data/base/text.hpp"
#include "trainer/engine/run_record.hpp"
#include "trainer/validation/example.hpp"
#include "trainer/validation/results.hpp"
#include "trainer/validation/strategies.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

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
      if (world_.root()) complete = finished(result.text) ? 1 : 0;
    });
    world_.all_reduce_max(std::span(&complete, 1));
    if (complete != 0) return result;
    mpi::together(world_, [&] {
      if (world_.root() && request_.only_fold.empty()) status_.begin({.phase = request_.gather ? "results" : "folds"});
    });
    if (!request_.gather) result.stopped = !train_folds();
    if (result.stopped || !request_.only_fold.empty()) return result;
    std::string text;
    mpi::together(world_, [&] {
      if (world_.root()) text = publish_results();
    });
    result.text = text;
    return result;
  }
  void open();
  void refuse_other_store() const;
  [[nodiscard]] bool train_folds();
  [[nodiscard]] std::string publish_results();
  void publish_record(const Json& parts, double seconds);
  [[nodiscard]] bool finished(std::string& headline) const;
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
  bool speaks_ = world_.root();  // writes the status when this rank fails
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void Validation::open() {
  store_.emplace(store::Store::open(request_.store));
  patients_ = patients_of(*store_);
  if (store_->endpoints().empty()) throw input_error("the store has no endpoints to validate", {request_.store.string()}, "add follow_up and endpoints to the cohort and run hepar shard again");
  folds_ = plan_folds(*store_, patients_, experiment_.validation, static_cast<std::uint64_t>(experiment_.seed));
  for (const std::string& why : engine::select(experiment_, *store_).left_out) console_.note("left out: " + why);
  if (!request_.only_fold.empty()) {
    std::vector<std::string> names;
    for (const Fold& fold : folds_) names.push_back(fold.name);
    if (std::find(names.begin(), names.end(), request_.only_fold) == names.end()) throw usage_error("there is no fold '" + request_.only_fold + "'", {}, name_advice(request_.only_fold, names));
  }
  // Ranks of one node share its cores, whatever group they train in.
  if (experiment_.resources.slots_at_once == "auto") experiment_.resources.slots_at_once = std::to_string(std::max(1, this_machine().cores / std::max(1, world_.node_size())));
  if (!world_.root()) return;
  if (request_.fresh) move_aside(folder_.root);
  if (fs::exists(folder_.config())) {
    if (const std::string difference = engine::first_difference(read_file(folder_.config()), experiment_); !difference.empty())
      throw store_error("the validation belongs to another configuration: " + difference, {folder_.root.string()}, "use its configuration, another --out, or --fresh");
  } else if (fs::exists(folder_.root) && !fs::is_empty(folder_.root) && !fs::exists(folder_.root / "folds")) {
    throw usage_error("the folder is neither empty nor a validation", {folder_.root.string()}, "choose another --out");
  }
  refuse_other_store();  // before anything is written: what is refused keeps its status
  std::error_code failed;
  fs::create_directories(folder_.root / "folds", failed);
  if (failed) {
    errno = failed.value();
    throw disk_error("cannot create the folder", {folder_.root.string()});
  }
  engine::Experiment copy = request_.experiment;
  if (!fs::exists(folder_.config())) publish(folder_.config(), engine::config_yaml(copy));
  Json names = Json::array();
  for (const Fold& fold : folds_) names.push_back(ValidationFolder::folder_name(fold.name));
  if (!fs::exists(folder_.plan())) publish(folder_.plan(), Json{{"schema", "hepar-plan/1"}, {"folds", names}}.dump() + "\n");
}

void Validation::refuse_other_store() const {
  for (const Fold& fold : folds_) {
    if (!fs::exists(folder_.fold_json(fold.name))) continue;
    const FoldRecord record = read_fold(folder_, fold.name).record;
    const bool features = record.features_sha256 != store_->features_sha256();
    if (features || record.tables_sha256 != store_->tables_sha256())
      throw store_error("the fold belongs to another store: " + std::string(features ? "features" : "tables") + "_sha256 differs", {folder_.fold(fold.name).string()}, "use its store, another --out, or --fresh");
  }
}

bool Validation::train_folds() {
  std::vector<Fold> wanted;
  for (const Fold& fold : folds_)
    if (request_.only_fold.empty() || fold.name == request_.only_fold) wanted.push_back(fold);
  const int groups = std::min<int>(world_.size(), static_cast<int>(wanted.size()));
  const int mine = world_.rank() * groups / world_.size();
  const mpi::Communicator part = groups == 1 ? world_ : world_.split(mine, world_.rank());
  const auto group = collective::make_collective(part);
  speaks_ = part.root();
  const Console group_console = part.root() ? console_ : Console(Console::Style::quiet);
  bool stopped = false;
  std::optional<Error> failure;
  try {
    const std::vector<std::size_t> share = share_folds(wanted, groups)[static_cast<std::size_t>(mine)];
    for (const std::size_t index : share) {
      stopped = !run_fold({experiment_, *store_, wanted[index], folder_}, *group, group_console);
      if (stopped) break;
    }
  } catch (const Error& error) {
    if (part.size() > 1) throw;  // others of the group may wait inside a collective: the program ends at once
    failure = error;
  }
  speaks_ = world_.root();
  mpi::agree(world_, failure);
  std::int64_t any = stopped ? 1 : 0;
  world_.all_reduce_max(std::span(&any, 1));
  if (any != 0 && world_.root() && request_.only_fold.empty()) status_.publish({.state = "stopped", .code = ExitCode::stopped, .phase = "folds", .message = "stopped on request; run the same command again to continue"});
  return any == 0;
}

std::string Validation::publish_results() {
  std::vector<std::string> missing;
  std::vector<FoldResult> results;
  for (const Fold& fold : folds_) {
    if (fs::exists(folder_.fold_json(fold.name))) {
      results.push_back(read_fold(folder_, fold.name));
    } else {
      missing.push_back(fold.name);
    }
  }
  if (!missing.empty()) throw Error(ExitCode::rank_failed, "folds are missing: " + join(missing, ", "), folder_.root.string(), "run validate (or validate --fold NAME) for them, then --gather again");
  const auto trained = std::chrono::steady_clock::now();
  std::vector<FoldRecord> records;
  for (const FoldResult& result : results) records.push_back(result.record);
  std::vector<std::string> everyone;
  std::map<std::string, std::string> centre_of;
  for (std::int64_t p = 0; p < store_->patients(); ++p) centre_of[store_->row(p).key] = store_->row(p).centre;
  if (experiment_.validation.scheme != "split")
    for (const std::int64_t p : patients_) everyone.push_back(store_->row(p).key);
  Results gathered = gather_results({experiment_, *store_, results, audit(records, everyone, centre_of), this_machine().cores});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const Json parts{{"folds_seconds_summed", std::accumulate(results.begin(), results.end(), 0.0, [](double sum, const FoldResult& r) { return sum + r.seconds; })},
                   {"statistics_seconds", std::chrono::duration<double>(std::chrono::steady_clock::now() - trained).count()}, {"wall_seconds", seconds}};
  gathered.json["parts"] = parts;
  gathered.json["provenance"] = {{"features_sha256", store_->features_sha256()}, {"tables_sha256", store_->tables_sha256()}, {"config_sha256", engine::config_sha256(request_.experiment)}, {"ranks", world_.size()}, {"command", request_.command_line}};
  gathered.json["example"] = example_json(*store_, results, folder_);
  gathered.json["headline"] = gathered.headline;
  std::vector<std::string> files;
  for (const Fold& fold : folds_) files.push_back(read_file(folder_.fold_predictions(fold.name)));
  status_.check();
  publish(folder_.predictions(), PredictionsCsv::merge(files));
  publish(folder_.results(), gathered.json.dump(1) + "\n");
  if (!gathered.json["audit"]["passed"].get<bool>()) throw Error(ExitCode::bug, "the leak audit failed: " + gathered.json["audit"]["problems"][0].get<std::string>(), folder_.results().string());
  if (!gathered.anything_estimable) throw Error(ExitCode::training, "no fold is estimable", folder_.results().string(), "see not_estimable there; lower validation.min_events or pool centres with validation.pool_below_events");
  publish_record(parts, seconds);
  return gathered.headline;
}

void Validation::publish_record(const Json& parts, double seconds) {
  publish(folder_.run(), Json{{"schema", "hepar-run/1"}, {"kind", "validation"}, {"status", "finished"}, {"features_sha256", store_->features_sha256()}, {"tables_sha256", store_->tables_sha256()},
                              {"config_sha256", engine::config_sha256(request_.experiment)}, {"ranks", world_.size()}, {"folds", folds_.size()}, {"patients", patients_.size()}, {"seconds", parts}, {"wall_seconds", seconds},
                              {"peak_memory_bytes_rank_0", peak_memory_bytes()}}.dump(2) + "\n");
  status_.publish({.state = "finished", .phase = "results", .message = "finished"});
}

// The same validation of the same store is there, whole: nothing is to be done.
bool Validation::finished(std::string& headline) const {
  if (!request_.only_fold.empty() || !fs::exists(folder_.results()) || !fs::exists(folder_.predictions()) || !fs::exists(folder_.status())) return false;
  for (const Fold& fold : folds_)
    if (!fs::exists(folder_.fold_json(fold.name))) return false;
  const Json status = Json::parse(read_file(folder_.status()), nullptr, false), results = Json::parse(read_file(folder_.results()), nullptr, false);
  if (!status.is_object() || status.value("state", "") != "finished" || !results.is_object() || !results.contains("provenance") || !results.contains("headline")) return false;
  const Json& made_of = results["provenance"];
  if (made_of.value("features_sha256", "") != store_->features_sha256() || made_of.value("tables_sha256", "") != store_->tables_sha256() || made_of.value("config_sha256", "") != engine::config_sha256(request_.experiment)) return false;
  headline = results["headline"].get<std::string>();
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
  std::string text;
  for (const Fold& fold : plan_folds(store, patients_of(store), experiment.validation, static_cast<std::uint64_t>(experiment.seed)))
    text += fold.name + "\t" + ValidationFolder::folder_name(fold.name) + "\n";
  return text;
}

ValidateResult validate(const ValidateRequest& request, const mpi::Communicator& world, const Console& console) { return Validation(request, world, console).run(); }

}  // namespace hepar::validation
