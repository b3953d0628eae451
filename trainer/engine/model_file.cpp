// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/model_file.hpp"

#include "data/base/run_folder.hpp"
#include "data/base/sealed.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hepar::engine {

namespace {

using Json = nlohmann::ordered_json;

Json endpoint_json(const EndpointSpec& e) {
  return {{"name", e.name}, {"recurrence", e.recurrence_is_event}, {"death", e.death_is_event}, {"death_competes", e.death_competes}, {"horizon_months", e.horizon_months},
          {"time", e.time_column}, {"event", e.event_column}, {"unit", e.unit}, {"note", e.note}};
}

EndpointSpec endpoint_from(const Json& json) {
  EndpointSpec e;
  e.name = json.at("name");
  e.recurrence_is_event = json.at("recurrence");
  e.death_is_event = json.at("death");
  e.death_competes = json.at("death_competes");
  e.horizon_months = json.at("horizon_months");
  e.time_column = json.at("time");
  e.event_column = json.at("event");
  e.unit = json.at("unit");
  e.note = json.at("note");
  return e;
}

}  // namespace

Contents contents_of(const store::Store& store, const std::vector<std::int64_t>& patients) {
  Contents out;
  for (std::size_t m = 0; m < store.modalities().size(); ++m) {
    const store::StoredModality& modality = store.modalities()[m];
    if (modality.layout.kind != Kind::bag && modality.layout.kind != Kind::volume) continue;
    for (const std::int64_t p : patients)
      if (store.items(static_cast<int>(m), p) > 0) out[modality.name].push_back(fmt::format("{:016x}", store.content_hash(static_cast<int>(m), p)));
  }
  for (auto& [name, hashes] : out) std::sort(hashes.begin(), hashes.end());
  return out;
}

std::string to_text(const ModelFile& model) {
  Json heads = Json::array(), endpoints = Json::array();
  for (const objective::HeadSpec& head : model.heads)
    heads.push_back({{"kind", objective::name_of(head.kind)}, {"name", head.name}, {"cuts", head.cuts}, {"arms", head.arms}, {"endpoints", head.endpoints}});
  for (const EndpointSpec& endpoint : model.endpoints) endpoints.push_back(endpoint_json(endpoint));
  return sealed({{"schema", kModelDocument.schema}, {"patients", model.patients}, {"seed", model.seed}, {"parameters_sha256", model.parameters_sha256}, {"features_sha256", model.features_sha256},
              {"tables_sha256", model.tables_sha256}, {"endpoints", endpoints}, {"arms", model.arms}, {"modalities", model.modalities}, {"columns", model.columns}, {"heads", heads},
              {"config", model.config_yaml}, {"transform", Json::parse(model.transform.json())}, {"trained_on", model.trained_on}, {"seen_before", model.seen_before}, {"contents", model.contents}, {"extra", model.extra}});
}

ModelFile read_model_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) throw store_error("there is no trained model here", {path.parent_path().string()}, "give the folder of a finished run");
  try {
    const Json json = read_sealed(path, kModelDocument.schema, "restore it, or train again");
    ModelFile model{dataset::Transform::from_json(json.at("transform").dump()), {}, {}, json.at("arms"), json.at("modalities"), json.at("columns"), json.at("config"), json.at("features_sha256"),
                    json.at("tables_sha256"), json.at("parameters_sha256"), json.at("patients"), json.at("seed"), json.at("trained_on"), json.at("extra"), json.value("seen_before", std::vector<std::string>()), json.value("contents", Contents())};
    for (const Json& head : json.at("heads"))
      model.heads.push_back({objective::head_kind_named(head.at("kind").get<std::string>()), head.at("name"), head.at("cuts"), head.at("arms"), head.at("endpoints")});
    for (const Json& endpoint : json.at("endpoints")) model.endpoints.push_back(endpoint_from(endpoint));
    return model;
  } catch (const nlohmann::json::exception& error) {
    throw store_error(std::string("cannot be read: ") + error.what(), {path.string()}, "restore it, or train again");
  }
}

std::vector<model::HeadShape> shapes_of(const std::vector<objective::HeadSpec>& heads) {
  std::vector<model::HeadShape> shapes;
  for (const objective::HeadSpec& head : heads) shapes.push_back({head.name, static_cast<std::int64_t>(head.arms.size()), head.intervals(), head.causes(), head.arms.size() > 1});
  return shapes;
}

}  // namespace hepar::engine
