// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/fold_run.hpp"

#include "data/base/files.hpp"
#include "data/cohort/availability.hpp"
#include "trainer/validation/decisions.hpp"
#include "trainer/validation/training_weights.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace hepar::validation {

namespace {

using Curves = std::vector<engine::Predictor::Curves>;

// Every rank predicts every size-th patient; the root has them all, in order. Others: empty.
Curves predict_shared(const engine::Predictor& predictor, const store::Store& store, const std::vector<std::int64_t>& patients, collective::Collective& group) {
  std::vector<std::int64_t> mine;
  for (std::size_t i = static_cast<std::size_t>(group.rank()); i < patients.size(); i += static_cast<std::size_t>(group.size())) mine.push_back(patients[i]);
  const std::vector<double> times = prediction_months(predictor.endpoints());
  const Curves part = predictor.predict_at(store, mine, times);
  const std::size_t arms = predictor.arms().size(), endpoints = predictor.endpoints().size(), months = times.size(), each = arms * endpoints * months;
  std::vector<double> flat;
  for (const auto& curves : part)
    for (const auto& arm : curves.survival)
      for (const auto& endpoint : arm) flat.insert(flat.end(), endpoint.begin(), endpoint.end());
  const std::vector<std::byte> all = group.gather(std::as_bytes(std::span(flat)), 0);
  if (group.rank() != 0) return {};
  Curves curves(patients.size());
  std::size_t at = 0;
  for (int rank = 0; rank < group.size(); ++rank)
    for (std::size_t i = static_cast<std::size_t>(rank); i < patients.size(); i += static_cast<std::size_t>(group.size()), ++at) {
      std::vector<double> values(each);
      std::memcpy(values.data(), all.data() + at * each * sizeof(double), each * sizeof(double));
      auto& survival = curves[i].survival;
      survival.assign(arms, std::vector<std::vector<double>>(endpoints));
      for (std::size_t a = 0; a < arms; ++a)
        for (std::size_t e = 0; e < endpoints; ++e)
          survival[a][e].assign(values.begin() + static_cast<std::ptrdiff_t>((a * endpoints + e) * months),
                                values.begin() + static_cast<std::ptrdiff_t>((a * endpoints + e + 1) * months));
    }
  return curves;
}

// Where the months of one endpoint stand among those that were predicted.
std::vector<std::size_t> places_of(const std::vector<double>& months, const std::vector<double>& all) {
  std::vector<std::size_t> places;
  for (const double month : months) places.push_back(static_cast<std::size_t>(std::lower_bound(all.begin(), all.end(), month) - all.begin()));
  return places;
}

CalibrationMaps calibrate(const FoldRequest& request, const engine::Predictor& predictor, const Curves& inner, const ArmShares& shares) {
  CalibrationMaps maps;
  const std::vector<std::vector<double>> arm_shares = shares.of(request.store, request.fold.inner);
  for (std::size_t e = 0; e < predictor.endpoints().size(); ++e) {
    const EndpointSpec& endpoint = predictor.endpoints()[e];
    const KnownOutcomes known = outcomes_of(request.store, request.fold.inner, endpoint.name);
    const std::size_t last = places_of(months_of(endpoint), prediction_months(predictor.endpoints())).back();
    std::vector<double> risk;
    for (const std::size_t i : known.rows) risk.push_back(1 - prediction_of(inner[i], arm_shares[i], predictor.endpoints(), {}).survival.back()[e][last]);
    if (!risk.empty()) maps[endpoint.name] = fit_calibration(known.table.view(), risk, endpoint.horizon_months);
  }
  return maps;
}

// Enough of the training fold for its quantiles, evenly spaced over it.
std::vector<std::int64_t> quantile_patients(const Fold& fold) {
  constexpr std::size_t kEnough = 512;
  const std::size_t n = std::min(kEnough, fold.train.size());
  std::vector<std::int64_t> patients;
  for (std::size_t i = 0; i < n; ++i) patients.push_back(fold.train[i * fold.train.size() / n]);
  return patients;
}

// Risk at the horizon that parts the training fold into equal groups, one row an endpoint.
std::vector<std::vector<double>> risk_cuts(const FoldRequest& request, const engine::Predictor& predictor, const Curves& training, const ArmShares& shares,
                                           const CalibrationMaps& maps) {
  const std::vector<std::vector<double>> arm_shares = shares.of(request.store, quantile_patients(request.fold));
  std::vector<std::vector<double>> risks(predictor.endpoints().size()), cuts(risks.size());
  for (std::size_t i = 0; i < training.size(); ++i) {
    const Prediction prediction = prediction_of(training[i], arm_shares[i], predictor.endpoints(), maps);
    for (std::size_t e = 0; e < risks.size(); ++e) {
      const std::size_t last = places_of(months_of(predictor.endpoints()[e]), prediction_months(predictor.endpoints())).back();
      risks[e].push_back(1 - prediction.survival.back()[e][last]);
    }
  }
  for (std::size_t e = 0; e < risks.size(); ++e) {
    std::sort(risks[e].begin(), risks[e].end());
    for (std::size_t g = 1; g < kRiskGroups && !risks[e].empty(); ++g) cuts[e].push_back(risks[e][risks[e].size() * g / kRiskGroups]);
  }
  return cuts;
}

std::vector<std::string> known_late(const engine::Selection& selection, const engine::Experiment& experiment, const store::Store& store) {
  std::vector<std::string> late;
  for (const std::string& name : selection.columns)
    for (const ColumnSpec& column : store.columns())
      if (column.name == name && !known_by(column.known, experiment.predict_at)) late.push_back(name);
  for (const std::string& name : selection.modalities) {
    const store::StoredModality& modality = store.modalities()[static_cast<std::size_t>(store.modality(name))];
    if (modality.layout.kind != Kind::vector && !known_by(modality.known, experiment.predict_at)) late.push_back(name);
  }
  return late;
}

struct FoldCurves {
  Curves test, inner, training;
};

void finish_fold(const FoldRequest& request, const engine::Predictor& predictor, const FoldCurves& curves, FoldResult result, std::int64_t generation) {
  const store::Store& store = request.store;
  const engine::Selection selection = engine::select(request.experiment, store);
  const ArmShares shares = ArmShares::fit(store, selection.columns, request.fold.train);
  result.calibration = calibrate(request, predictor, curves.inner, shares);
  result.strategies = shares.strategies();
  result.propensity_note = shares.note();
  result.record = {request.fold.name,
                   request.fold.held_out,
                   keys_of(store, request.fold.train),
                   keys_of(store, request.fold.inner),
                   keys_of(store, request.fold.test),
                   {{"propensity", shares.fitted_on()},
                    {"calibration", keys_of(store, request.fold.inner)},
                    {"risk_cuts", keys_of(store, quantile_patients(request.fold))}},
                   {},
                   store.features_sha256(),
                   store.tables_sha256(),
                   known_late(selection, request.experiment, store),
                   {}};
  const std::vector<std::vector<double>> arm_shares = shares.of(store, request.fold.test);
  const std::vector<double> times = prediction_months(predictor.endpoints());
  PredictionsCsv csv(predictor.endpoints(), shares.strategies(), times);
  const std::vector<std::vector<double>> cuts = risk_cuts(request, predictor, curves.training, shares, result.calibration);
  for (std::size_t e = 0; e < predictor.endpoints().size(); ++e) {
    const std::vector<double> months = months_of(predictor.endpoints()[e]);
    result.endpoints.push_back({predictor.endpoints()[e].name, months, cuts[e], Survival(months.size()), Survival(months.size()), {}});
  }
  for (std::size_t i = 0; i < request.fold.test.size(); ++i) {
    const Prediction calibrated = prediction_of(curves.test[i], arm_shares[i], predictor.endpoints(), result.calibration),
                     raw = prediction_of(curves.test[i], arm_shares[i], predictor.endpoints(), {});
    csv.add(store, request.fold.test[i], request.fold.name, calibrated);
    result.record.predicted.push_back(store.row(request.fold.test[i]).key);
    for (std::size_t e = 0; e < result.endpoints.size(); ++e) {
      const std::vector<std::size_t> places = places_of(result.endpoints[e].months, times);
      for (std::size_t m = 0; m < places.size(); ++m) {
        result.endpoints[e].natural[m].push_back(calibrated.survival.back()[e][places[m]]);
        result.endpoints[e].raw[m].push_back(raw.survival.back()[e][places[m]]);
      }
    }
  }
  for (const Baseline& baseline : baselines()) {
    if (!asked_for(request.experiment, baseline)) continue;
    const BaselineResult compared = baseline.predict({store, request.fold, columns_of(baseline, selection.columns), predictor.endpoints()});
    result.record.fitted_on[std::string(baseline.name)] = compared.fitted_on;
    for (std::size_t e = 0; e < result.endpoints.size(); ++e) result.endpoints[e].baselines[std::string(baseline.name)] = compared.endpoints[e];
  }
  const fs::path run = request.folder.fold(request.fold.name).root;
  engine::add_to_model(run, "propensity", shares.json(), generation);
  if (predictor.arms().size() > 1) {
    if (request.experiment.train.weights == "iptw") result.record.fitted_on["treatment_weights"] = keys_of(store, request.fold.train);
    const RelativeEffects effects = effects_for(request.experiment, store, request.fold.train);
    result.record.fitted_on["effects"] = effects.fitted_on();
    engine::add_to_model(run, "effects", effects.json(), generation);
  }
  engine::add_to_model(run, "calibration", to_text(result.calibration), generation);
  engine::add_to_model(run, "calibrated_on", nlohmann::ordered_json(result.record.inner).dump(), generation);
  engine::check_generation(run, generation);
  publish_fold(request.folder, std::move(result), csv.text());
}

// The fold is complete with the reason why it says nothing: its patients are counted, none is predicted.
void record_untrained(const FoldRequest& request, const std::string& why, double seconds) {
  const store::Store& store = request.store;
  const engine::Selection selection = engine::select(request.experiment, store);
  FoldResult result;
  result.seconds = seconds;
  result.record = {request.fold.name, request.fold.held_out, keys_of(store, request.fold.train), keys_of(store, request.fold.inner), keys_of(store, request.fold.test), {}, {}, store.features_sha256(), store.tables_sha256(),
                   known_late(selection, request.experiment, store), why};
  std::vector<EndpointSpec> endpoints;
  for (const EndpointSpec& endpoint : store.endpoints())
    if (std::find(selection.endpoints.begin(), selection.endpoints.end(), endpoint.name) != selection.endpoints.end()) endpoints.push_back(endpoint);
  for (const EndpointSpec& endpoint : endpoints) result.endpoints.push_back({endpoint.name, months_of(endpoint), {}, {}, {}});
  publish_fold(request.folder, std::move(result), PredictionsCsv(endpoints, {}, prediction_months(endpoints)).text());
}

}  // namespace

bool run_fold(const FoldRequest& request, collective::Collective& group, const Console& console) {
  const auto start = std::chrono::steady_clock::now();
  const fs::path out = request.folder.fold(request.fold.name).root;
  engine::TrainResult trained;
  try {
    trained = engine::train({request.experiment, request.store, request.fold.train, out, request.label, false, false, request.accept_other_machine, {}, weights_for(request.experiment, request.store, request.fold.train)}, group, console);
  } catch (const engine::NothingToLearn& nothing) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (group.rank() == 0 && !fs::exists(request.folder.fold(request.fold.name).fold())) record_untrained(request, nothing.what(), seconds);
    group.barrier();
    return true;
  }
  if (trained.stopped) return false;
  std::int64_t complete = group.rank() == 0 && fs::exists(request.folder.fold(request.fold.name).fold()) ? 1 : 0;
  group.broadcast(std::as_writable_bytes(std::span(&complete, 1)), 0);
  if (complete != 0) return true;
  const engine::Predictor predictor = engine::Predictor::open(out);
  const auto curves_of = [&](const std::vector<std::int64_t>& patients) { return predict_shared(predictor, request.store, patients, group); };
  const FoldCurves curves{curves_of(request.fold.test), curves_of(request.fold.inner), curves_of(quantile_patients(request.fold))};
  if (group.rank() == 0) {
    FoldResult result;
    result.parameters_sha256 = trained.parameters_sha256;
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    finish_fold(request, predictor, curves, std::move(result), trained.generation);
  }
  group.barrier();
  return true;
}

}  // namespace hepar::validation
