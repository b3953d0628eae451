// SPDX-License-Identifier: Apache-2.0
// A finished fold on disk: fold.json and its predictions.csv.
#include "data/base/sealed.hpp"
#include "trainer/engine/model_file.hpp"
#include "trainer/validation/fold_run.hpp"

#include <nlohmann/json.hpp>

namespace hepar::validation {

namespace {

using Json = nlohmann::ordered_json;

Json fold_json(const FoldResult& result) {
  const FoldRecord& record = result.record;
  Json out{{"schema", kFoldDocument.schema},
           {"name", record.name},
           {"held_out", record.held_out},
           {"parameters_sha256", result.parameters_sha256},
           {"predictions_sha256", result.predictions_sha256},
           {"features_sha256", record.features_sha256},
           {"tables_sha256", record.tables_sha256},
           {"train", record.train},
           {"inner", record.inner},
           {"test", record.test},
           {"fitted_on", record.fitted_on},
           {"predicted", record.predicted},
           {"inputs_known_late", record.inputs_known_late},
           {"strategies", Json::array()},
           {"propensity_note", result.propensity_note},
           {"not_trained", record.not_trained},
           {"calibration", Json::parse(to_text(result.calibration))},
           {"seconds", result.seconds},
           {"endpoints", Json::array()}};
  for (const Strategy& strategy : result.strategies) out["strategies"].push_back(strategy_json(strategy));
  for (const EndpointResult& endpoint : result.endpoints) {
    Json baselines = Json::object();
    for (const auto& [name, one] : endpoint.baselines)
      baselines[name] = {{"survival", one.survival}, {"events_per_coefficient", one.events_per_coefficient}, {"risks_unjudged", one.risks_unjudged}, {"not_fitted", one.not_fitted}};
    out["endpoints"].push_back({{"endpoint", endpoint.endpoint},
                                {"months", endpoint.months},
                                {"risk_cuts", endpoint.risk_cuts},
                                {"natural", endpoint.natural},
                                {"raw", endpoint.raw},
                                {"baselines", baselines}});
  }
  return out;
}

}  // namespace

void publish_fold(const ValidationFolder& folder, FoldResult result, const std::string& predictions) {
  const std::string& name = result.record.name;
  result.predictions_sha256 = sha256(predictions);
  publish(folder.fold(name).predictions(), predictions);
  publish(folder.fold(name).fold(), sealed(fold_json(result), -1));  // last: the fold is complete
}

FoldResult read_fold(const ValidationFolder& folder, const std::string& name) {
  constexpr const char* kRemedy = "remove the fold's folder and run again";
  try {
    const Json json = read_sealed(folder.fold(name).fold(), kFoldDocument.schema, kRemedy);
    FoldResult result;
    result.record = {json.at("name"),      json.at("held_out"),  json.at("train"),           json.at("inner"),         json.at("test"),
                     json.at("fitted_on"), json.at("predicted"), json.at("features_sha256"), json.at("tables_sha256"), json.at("inputs_known_late"),
                     json.value("not_trained", "")};
    result.parameters_sha256 = json.at("parameters_sha256");
    result.predictions_sha256 = json.at("predictions_sha256");
    for (const Json& strategy : json.at("strategies")) result.strategies.push_back(strategy_from(strategy));
    result.propensity_note = json.at("propensity_note");
    result.calibration = maps_from(json.at("calibration").dump());
    result.seconds = json.at("seconds");
    for (const Json& endpoint : json.at("endpoints")) {
      result.endpoints.push_back({endpoint.at("endpoint"), endpoint.at("months"), endpoint.at("risk_cuts"), endpoint.at("natural").get<Survival>(), endpoint.at("raw").get<Survival>(), {}});
      for (const auto& [baseline, one] : endpoint.at("baselines").items())
        result.endpoints.back().baselines[baseline] = {one.at("survival").get<Survival>(), one.at("events_per_coefficient"), one.at("risks_unjudged"), one.value("not_fitted", "")};
    }
    if (!result.record.not_trained.empty()) return result;
    // What the model itself says it saw, for the audit.
    const engine::ModelFile model = engine::read_model_file(folder.fold(name).model_json());
    if (model.parameters_sha256 != result.parameters_sha256) throw store_error("its model is another one than was tested (parameters_sha256 differs)", {folder.fold(name).root.string()}, kRemedy);
    result.record.fitted_on["network"] = model.trained_on;
    result.record.fitted_on["transform"] = model.transform.fitted_on();
    return result;
  } catch (const nlohmann::json::exception& error) {
    throw store_error(std::string("cannot be read: ") + error.what(), {folder.fold(name).fold().string()}, kRemedy);
  }
}

std::string read_fold_predictions(const ValidationFolder& folder, const FoldResult& fold) {
  const fs::path path = folder.fold(fold.record.name).predictions();
  std::error_code ignored;
  std::string text = fs::exists(path, ignored) ? read_file(path) : std::string();
  if (sha256(text) != fold.predictions_sha256) throw store_error("is missing or not what was written (predictions_sha256 of fold.json differs)", {path.string()}, "remove the fold's folder and run again");
  return text;
}

}  // namespace hepar::validation
