// SPDX-License-Identifier: Apache-2.0
#include "trainer/sweep/trial_run.hpp"

#include "data/base/run_folder.hpp"
#include "data/base/text.hpp"
#include "trainer/engine/model_file.hpp"
#include "trainer/statistics/held_out.hpp"
#include "trainer/validation/audit.hpp"
#include "trainer/validation/results.hpp"
#include "trainer/validation/strategies.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace hepar::sweep {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<Objective, 3> kObjectives{{{"harrell_c", true}, {"uno_c", true}, {"ibs", false}}};
constexpr int kResamples = 50;  // of what has no analytic standard error: shown, never used to choose

std::size_t place_of(const store::Store& store, const std::string& endpoint) {
  std::size_t e = 0;
  while (store.endpoints()[e].name != endpoint) ++e;
  return e;
}

struct Scored {
  Json estimates = Json::object();
  std::optional<double> value;  // mean over endpoints
};

// `curves` of the inner patients, under the natural mixture of strategies.
Scored score(const TrialRequest& request, const engine::Predictor& predictor, const std::vector<engine::Predictor::Curves>& curves, const validation::ArmShares& shares) {
  const std::vector<std::int64_t>& inner = request.part.inner;
  const std::vector<std::vector<double>> arm_shares = shares.of(request.store, inner);
  const std::vector<double> times = validation::prediction_months(predictor.endpoints());
  std::vector<validation::Prediction> predictions;
  for (std::size_t i = 0; i < inner.size(); ++i) predictions.push_back(validation::prediction_of(curves[i], arm_shares[i], predictor.endpoints(), {}));
  Scored scored;
  double sum = 0;
  for (std::size_t e = 0; e < predictor.endpoints().size(); ++e) {
    const EndpointSpec& endpoint = predictor.endpoints()[e];
    if (std::find(request.endpoints.begin(), request.endpoints.end(), endpoint.name) == request.endpoints.end()) continue;
    statistics::HeldOut part{endpoint.name, endpoint.horizon_months, {}, {}, {}, validation::months_of(endpoint), {}, {}};
    std::vector<std::size_t> places;
    for (const double month : part.at) places.push_back(static_cast<std::size_t>(std::lower_bound(times.begin(), times.end(), month) - times.begin()));
    part.survival.resize(places.size());
    for (std::size_t i = 0; i < inner.size(); ++i) {
      const Outcome& outcome = request.store.row(inner[i]).outcomes[place_of(request.store, endpoint.name)];
      if (!outcome.known) continue;
      part.months.push_back(outcome.months);
      part.event.push_back(outcome.event);
      for (std::size_t m = 0; m < places.size(); ++m) part.survival[m].push_back(predictions[i].survival.back()[e][places[m]]);
      part.risk.push_back(1 - part.survival.back().back());
    }
    const statistics::Estimates all = statistics::held_out_metrics(part, {request.experiment.validation.min_events, kResamples, static_cast<std::uint64_t>(request.experiment.seed), 1, 0});
    const std::string name = endpoint.name + "." + request.objective.name;
    const statistics::Estimate& estimate = all.at(name);
    scored.estimates[name] = validation::estimate_json(estimate);
    sum += estimate.estimable() ? estimate.value : std::nan("");
  }
  const double mean = sum / static_cast<double>(request.endpoints.size());
  if (std::isfinite(mean)) scored.value = mean;
  return scored;
}

// What the model itself says it saw, against the training part; nobody of a held-out centre is trained on or scored.
Json audited(const TrialRequest& request, const validation::ArmShares& shares) {
  const engine::ModelFile model = engine::read_model_file(RunFolder{request.run}.model_json());
  validation::FoldRecord record;
  record.name = request.run.parent_path().filename().string();
  record.held_out = request.part.held_out;
  record.train = validation::keys_of(request.store, request.part.train);
  record.test = record.predicted = validation::keys_of(request.store, request.part.inner);
  record.fitted_on = {{"network", model.trained_on}, {"transform", model.transform.fitted_on()}, {"propensity", shares.fitted_on()}};
  std::map<std::string, std::string> centre_of;
  for (std::int64_t p = 0; p < request.store.patients(); ++p) centre_of[request.store.row(p).key] = request.store.row(p).centre;
  validation::Audit audit = validation::audit({record}, {}, centre_of);
  for (const std::string& key : record.test)
    if (std::find(record.held_out.begin(), record.held_out.end(), centre_of.at(key)) != record.held_out.end()) audit.problems.push_back("patient " + key + " of the held-out centre " + centre_of.at(key) + " was scored");
  if (!audit.passed()) throw store_error("the leak audit failed: " + audit.problems.front(), {request.run.string()}, "remove the trial's folder and run the same sweep again");
  Json saw = Json::object();
  for (const auto& [what, keys] : record.fitted_on) saw[what] = keys.size();
  return {{"passed", true}, {"held_out", record.held_out}, {"patients_seen_by", saw}, {"scored", record.test.size()}};
}

}  // namespace

const Objective& objective_named(const std::string& name) {
  for (const Objective& known : kObjectives)
    if (name == known.name) return known;
  throw usage_error("'search.objective' is '" + name + "'", {}, name_advice(name, objective_names()));
}

std::vector<std::string> objective_names() {
  std::vector<std::string> names;
  for (const Objective& known : kObjectives) names.emplace_back(known.name);
  return names;
}

std::vector<std::string> scored_endpoints(const store::Store& store, const validation::Fold& part, const engine::Experiment& experiment) {
  std::vector<std::string> names, why;
  for (const std::string& name : engine::select(experiment, store).endpoints) {
    const std::size_t e = place_of(store, name);
    std::int64_t events = 0;
    for (const std::int64_t p : part.inner) {
      const Outcome& outcome = store.row(p).outcomes[e];
      events += outcome.known && outcome.event == 1 && outcome.months <= store.endpoints()[e].horizon_months ? 1 : 0;
    }
    why.push_back(name + " " + std::to_string(events));
    if (events >= experiment.validation.min_events) names.push_back(name);
  }
  if (names.empty())
    throw Error(ExitCode::training, "no endpoint has " + std::to_string(experiment.validation.min_events) + " events among the " + std::to_string(part.inner.size()) + " patients that score a trial (" + join(why, ", ") + ")",
                store.path().string(), "raise search.inner_share, or lower validation.min_events");
  return names;
}

TrialResult run_trial(const TrialRequest& request, collective::Collective& group, const Console& console) {
  engine::TrainRequest training{request.experiment, request.store, request.part.train, request.run, request.label, false, false, request.accept_other_machine, {}, {}, request.share};
  const engine::TrainResult trained = engine::train(training, group, console);
  TrialResult result;
  result.stopped = trained.stopped;
  if (trained.stopped) return result;
  collective::together(group, [&] {
    if (group.rank() != 0) return;
    const engine::Predictor predictor = engine::Predictor::open(request.run);
    const engine::Selection selection = engine::select(request.experiment, request.store);
    const validation::ArmShares shares = validation::ArmShares::fit(request.store, selection.columns, request.part.train);
    const std::vector<engine::Predictor::Curves> curves = predictor.predict_at(request.store, request.part.inner, validation::prediction_months(predictor.endpoints()));
    const Scored scored = score(request, predictor, curves, shares);
    const Json value = scored.value ? Json(*scored.value) : Json();
    result.record = {{"step", trained.steps}, {"share", request.share}, {"value", value}, {"score", scored.value ? Json(request.objective.higher_is_better ? *scored.value : -*scored.value) : Json()},
                     {"estimates", scored.estimates}, {"parameters_sha256", trained.parameters_sha256}, {"audit", audited(request, shares)}};
  });
  return result;
}

}  // namespace hepar::sweep
