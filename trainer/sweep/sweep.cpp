// SPDX-License-Identifier: Apache-2.0
#include "trainer/sweep/sweep.hpp"

#include "data/base/machine.hpp"
#include "data/base/sealed.hpp"
#include "data/base/status.hpp"
#include "data/base/text.hpp"
#include "trainer/sweep/leaderboard.hpp"
#include "trainer/sweep/worker.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

namespace hepar::sweep {

namespace {

using Json = nlohmann::ordered_json;

// Workers that begin together write the same text.
void publish_changed(const fs::path& path, const std::string& text) {
  std::error_code ignored;
  if (!fs::exists(path, ignored) || read_file(path) != text) publish(path, text);
}

class Sweep {
 public:
  Sweep(const SweepRequest& request, const mpi::Communicator& world, const Console& console)
      : request_(request), world_(world), console_(console), folder_{request.out}, experiment_(request.experiment), halving_(halving_of(request.search)),
        objective_(objective_named(request.search.objective)) {}

  SweepResult run() {
    mpi::together(world_, [&] { open(); });
    std::int64_t complete = result_.json.empty() ? 0 : 1;
    world_.all_reduce_max(std::span(&complete, 1));
    if (complete != 0) return result_;
    try {
      return work();
    } catch (const std::exception& error) {
      failed(as_error(error));
      throw;
    }
  }

 private:
  void open();
  void open_folder();
  void refuse_another_search() const;
  SweepResult work();
  void publish_results(SweepResult& result);
  [[nodiscard]] bool finished(SweepResult& result) const;
  void tell(const Json& results, SweepResult& result) const;
  void failed(const Error& error);

  const SweepRequest& request_;
  const mpi::Communicator& world_;
  const Console& console_;
  SweepFolder folder_;
  engine::Experiment experiment_;
  Halving halving_;
  const Objective& objective_;
  std::optional<store::Store> store_;
  validation::Fold part_;
  std::vector<std::string> endpoints_;
  std::vector<Settings> trials_;
  std::string worker_;
  std::optional<Ledger> ledger_;        // of a group's root
  std::optional<StatusFile> status_;    // of the world's root
  SweepResult result_;                  // of a sweep that was finished before
};

void Sweep::open() {
  store_.emplace(store::Store::open(request_.store));
  if (store_->endpoints().empty()) throw input_error("the store has no endpoints to score by", {request_.store.string()}, "add follow_up and endpoints to the cohort and run hepar shard again");
  const std::vector<std::int64_t> patients = validation::patients_of(*store_, engine::select(experiment_, *store_).endpoints);
  part_ = validation::plan_stated_fold(*store_, patients, {request_.search.hold_out, request_.search.inner_share, request_.search.inner_by == "centre"}, static_cast<std::uint64_t>(experiment_.seed));
  endpoints_ = scored_endpoints(*store_, part_, experiment_);
  trials_ = trials_of(request_.search, *request_.space, static_cast<std::uint64_t>(experiment_.seed));
  validation::FoldRecord planned;
  planned.train = validation::keys_of(*store_, part_.train);
  planned.test = validation::keys_of(*store_, part_.inner);
  const std::vector<validation::Twins> twins = validation::twins_of(*store_, patients);
  if (const validation::Twins* pair = validation::parted(twins, planned))
    throw input_error("patients " + pair->one + " and " + pair->other + " have the same " + pair->modality + ", and one would score what the other taught", {request_.store.string()}, "correct the cohort, or exclude one of them, and run hepar shard again");
  if (experiment_.resources.slots_at_once == "auto") experiment_.resources.slots_at_once = std::to_string(std::max(1, this_machine().cores / std::max(1, world_.node_size())));
  worker_ = !request_.worker.empty() ? request_.worker : this_machine().host + "-" + std::to_string(::getpid());
  if (world_.root()) open_folder();
}

void Sweep::open_folder() {
  std::error_code ignored;
  if (request_.fresh) move_aside(folder_.root);
  if (fs::exists(folder_.root, ignored) && !fs::is_empty(folder_.root, ignored) && !fs::exists(folder_.trials(), ignored)) throw usage_error("the folder is neither empty nor a sweep", {folder_.root.string()}, "choose another --out");
  refuse_another_search();
  if (finished(result_)) return;
  fs::remove(folder_.results(), ignored);  // of fewer trials
  make_folder(folder_.trials());
  make_folder(folder_.worker(worker_).root);
  engine::Experiment experiment = request_.experiment;
  publish_changed(folder_.experiment(), engine::config_yaml(experiment));
  publish_changed(folder_.search(), search_yaml(request_.search, *request_.space));
  publish_changed(folder_.plan(), sealed({{"schema", kSweepPlanDocument.schema}, {"features_sha256", store_->features_sha256()}, {"tables_sha256", store_->tables_sha256()}, {"trials", trials_.size()}, {"rungs", halving_.rungs},
                                  {"objective", objective_.name}, {"endpoints", endpoints_}, {"hold_out", part_.held_out}, {"train", validation::keys_of(*store_, part_.train)}, {"scored", validation::keys_of(*store_, part_.inner)}}));
  status_.emplace(folder_.worker(worker_).status());
  status_->begin({.phase = "trials"});
}

void Sweep::refuse_another_search() const {
  constexpr const char* kRemedy = "use its configuration, another --out, or --fresh";
  if (!fs::exists(folder_.plan())) return;
  const Json plan = read_sealed(folder_.plan(), kSweepPlanDocument.schema, "give --fresh");
  for (const auto& [key, now] : {std::pair("features_sha256", store_->features_sha256()), std::pair("tables_sha256", store_->tables_sha256())})
    if (plan.value(key, "") != now) throw store_error(std::string("the sweep belongs to another store: ") + key + " differs", {folder_.root.string()}, "use its store, another --out, or --fresh");
  if (const std::string difference = engine::first_difference(read_file(folder_.experiment()), request_.experiment); !difference.empty())
    throw store_error("the sweep belongs to another experiment: " + difference, {folder_.root.string()}, kRemedy);
  if (const std::string difference = first_difference(folder_.search(), request_.search, *request_.space); !difference.empty())
    throw store_error("the sweep belongs to another search: " + difference, {folder_.root.string()}, kRemedy);
}

SweepResult Sweep::work() {
  const int ranks = static_cast<int>(std::min<long long>(request_.search.ranks, world_.size()));
  const int mine = world_.rank() / ranks;
  const mpi::Communicator part = ranks == world_.size() ? world_ : world_.split(mine, world_.rank());
  const auto group = collective::make_collective(part);
  if (part.root()) ledger_.emplace(folder_, trials_, Holder::here(ranks == world_.size() ? worker_ : fmt::format("{}.{}", worker_, mine)), static_cast<double>(request_.search.lease));
  bool stopped = false;
  std::optional<Error> failure;
  try {
    stopped = Worker({experiment_, *store_, part_, endpoints_, trials_, halving_, objective_, folder_, request_.accept_other_machine}, ledger_ ? &*ledger_ : nullptr, status_ ? &*status_ : nullptr, *group, console_).pull();
  } catch (const std::exception& error) {
    if (part.size() > 1) throw;  // others of the group may wait inside a collective: the program ends at once
    failure = as_error(error);
  }
  mpi::agree(world_, failure);
  std::int64_t any = stopped ? 1 : 0;
  world_.all_reduce_max(std::span(&any, 1));
  SweepResult result;
  result.stopped = any != 0;
  mpi::together(world_, [&] {
    if (!world_.root()) return;
    if (!result.stopped) return publish_results(result);
    status_->publish({.state = "stopped", .code = ExitCode::stopped, .phase = "trials", .message = "stopped on request; run the same command again to continue"});
  });
  return result;
}

void Sweep::publish_results(SweepResult& result) {
  const Leaderboard board = leaderboard(*ledger_, trials_, ledger_->facts(), halving_);
  Json json{{"schema", kSweepDocument.schema},
            {"objective", {{"name", objective_.name}, {"higher_is_better", objective_.higher_is_better}, {"endpoints", endpoints_}, {"measured_on", "inner patients of the training centres"}}},
            {"hold_out", part_.held_out},
            {"patients", {{"trained_on", part_.train.size()}, {"scored", part_.inner.size()}, {"held_out", part_.test.size()}}},
            {"search", {{"method", request_.search.method}, {"halving", request_.search.halving}, {"rungs", halving_.rungs}, {"reduction", halving_.reduction}, {"seed", experiment_.seed}}},
            {"reproducible", repeats(request_.search)},
            {"parameters", json_of(*request_.space)},
            {"best", board.best},
            {"trials", board.trials},
            {"provenance", {{"features_sha256", store_->features_sha256()}, {"tables_sha256", store_->tables_sha256()}, {"config_sha256", engine::config_sha256(request_.experiment)}, {"command", request_.command_line}}}};
  status_->check();
  if (board.best < 0) throw Error(ExitCode::training, "no trial has a score", folder_.root.string(), "see the messages in trials/*/failed.json");
  engine::Experiment best = with(request_.experiment, trials_[static_cast<std::size_t>(board.best)]);
  std::set<std::string> centres;
  for (const auto* part : {&part_.train, &part_.inner})
    for (const std::int64_t p : *part) centres.insert(store_->row(p).centre);
  best.validation.chosen_on.assign(centres.begin(), centres.end());
  publish(folder_.best(), engine::config_yaml(best));
  publish(folder_.results(), sealed(json));  // last: the sweep is complete
  status_->publish({.state = "finished", .phase = "trials", .message = "finished"});
  StatusFile(folder_.status()).publish({.state = "finished", .phase = "trials", .message = "finished"});
  tell(json, result);
}

// The same sweep of the same store is there, whole: nothing is to be done.
bool Sweep::finished(SweepResult& result) const {
  std::error_code ignored;
  if (!fs::exists(folder_.results(), ignored) || !fs::exists(folder_.best(), ignored)) return false;
  const Json results = read_sealed(folder_.results(), kSweepDocument.schema, "remove it, and the same command makes it again from its trials");
  if (results.at("trials").size() != trials_.size()) return false;
  tell(results, result);
  result.already_finished = true;
  return true;
}

void Sweep::tell(const Json& results, SweepResult& result) const {
  result.text = leaderboard_text(results.at("trials"), objective_.name);
  result.json = Json{{"best", results.at("best")}, {"trials", results.at("trials")}}.dump(2);
}

void Sweep::failed(const Error& error) {
  if (!status_) return;
  try {
    status_->publish({.state = "failed", .code = error.code(), .rank = world_.rank(), .phase = "trials", .message = error.what()});
  } catch (const Error&) {
    // The disk that cannot hold the status is most likely the error itself, which goes on to be reported.
  }
}

}  // namespace

SweepResult sweep(const SweepRequest& request, const mpi::Communicator& world, const Console& console) { return Sweep(request, world, console).run(); }

}  // namespace hepar::sweep
