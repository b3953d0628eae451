// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/column_kinds.hpp"
#include "trainer/dataset/columns.hpp"
#include "trainer/dataset/values.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace hepar::dataset {
namespace {

using Json = nlohmann::json;
constexpr const char* kSchema = "hepar-transform/1";

std::vector<Transform::Column> fit_columns(const store::Store& store, const store::StoredModality& modality,
                                           std::span<const std::string> allowed, std::span<const std::int64_t> patients) {
  std::vector<Transform::Column> columns;
  for (const std::string& name : modality.columns) {
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) continue;
    const auto& specs = store.columns();
    const auto spec = std::find_if(specs.begin(), specs.end(), [&](const ColumnSpec& c) { return c.name == name; });
    if (spec == specs.end()) throw store_error("modality " + modality.name + " names column " + name + ", which the tables lack", {store.path().string()});
    std::vector<const Cell*> cells;
    for (const std::int64_t patient : patients) cells.push_back(&store.row(patient).cells[static_cast<std::size_t>(spec - specs.begin())]);
    columns.push_back(fit_column(*spec, cells));
  }
  return columns;
}

Json column_json(const Transform::Column& c) {
  return {{"name", c.name}, {"type", static_cast<int>(c.type)}, {"log1p", c.log1p}, {"mean", c.mean}, {"inverse_sd", c.inverse_sd},
          {"values", c.values}, {"shares", c.shares}, {"has_missing", c.has_missing}, {"has_below", c.has_below}, {"has_above", c.has_above}};
}

Transform::Column column_from(const Json& j) {
  Transform::Column c{.name = j.at("name"), .type = stored_column_type(j.at("type"), j.at("name")), .log1p = j.at("log1p"), .mean = j.at("mean"),
                      .inverse_sd = j.at("inverse_sd")};
  c.values = j.at("values").get<std::vector<std::string>>();
  c.shares = j.at("shares").get<std::vector<double>>();
  c.has_missing = j.at("has_missing"), c.has_below = j.at("has_below"), c.has_above = j.at("has_above");
  return c;
}

}  // namespace

Transform Transform::fit(const store::Store& store, std::span<const std::string> modalities, std::span<const std::string> columns,
                         std::span<const std::int64_t> patients) {
  std::vector<std::int64_t> fold(patients.begin(), patients.end());
  std::sort(fold.begin(), fold.end());
  Transform transform;
  for (const std::int64_t patient : fold) transform.fitted_on_.push_back(store.row(patient).key);
  for (const std::string& name : modalities) {
    const int index = store.modality(name);
    if (index < 0) throw store_error("the store has no modality " + name, {store.path().string()});
    const store::StoredModality& stored = store.modalities()[static_cast<std::size_t>(index)];
    Input input{.name = name, .kind = stored.layout.kind};
    std::vector<Column> fitted;
    Scale scale;
    switch (stored.layout.kind) {
      case Kind::vector:
        fitted = fit_columns(store, stored, columns, fold);
        for (const Column& column : fitted)
          for (std::string& feature : feature_names(column)) input.features.push_back(std::move(feature));
        input.width = static_cast<std::int64_t>(input.features.size());
        break;
      case Kind::bag: {
        BagFit bag = fit_bag(store, index, fold);
        scale = std::move(bag.scale), input.spread = std::move(bag.spread);
        input.width = stored.layout.values_per_item();
        break;
      }
      case Kind::volume:
        scale = fit_volume(store, index, fold);
        input.volume = stored.layout.item;
        break;
      case Kind::sequence: input.width = vocabulary(store, index, fold); break;
    }
    transform.inputs_.push_back(std::move(input));
    transform.columns_.push_back(std::move(fitted));
    transform.scales_.push_back(std::move(scale));
  }
  return transform;
}

std::string Transform::json() const {
  Json inputs = Json::array();
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const Input& input = inputs_[i];
    Json columns = Json::array();
    for (const Column& column : columns_[i]) columns.push_back(column_json(column));
    inputs.push_back({{"name", input.name}, {"kind", static_cast<int>(input.kind)}, {"width", input.width}, {"volume", input.volume},
                      {"features", input.features}, {"spread", input.spread}, {"columns", columns}, {"mean", scales_[i].mean},
                      {"inverse_sd", scales_[i].inverse_sd}});
  }
  return Json{{"schema", kSchema}, {"inputs", inputs}, {"fitted_on", fitted_on_}}.dump();
}

Transform Transform::from_json(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    if (json.at("schema") != kSchema) throw store_error("transform of schema " + json.at("schema").dump() + ", expected " + kSchema);
    Transform transform;
    for (const Json& j : json.at("inputs")) {
      Input input{.name = j.at("name"), .kind = static_cast<Kind>(j.at("kind").get<int>()), .width = j.at("width")};
      input.volume = j.at("volume").get<std::vector<std::int64_t>>();
      input.features = j.at("features").get<std::vector<std::string>>();
      input.spread = j.at("spread").get<std::vector<float>>();
      std::vector<Column> columns;
      for (const Json& column : j.at("columns")) columns.push_back(column_from(column));
      transform.inputs_.push_back(std::move(input));
      transform.columns_.push_back(std::move(columns));
      transform.scales_.push_back({j.at("mean").get<std::vector<float>>(), j.at("inverse_sd").get<std::vector<float>>()});
    }
    transform.fitted_on_ = json.at("fitted_on").get<std::vector<std::string>>();
    return transform;
  } catch (const Json::exception& problem) {
    throw store_error(std::string("the transform cannot be read: ") + problem.what());
  }
}

}  // namespace hepar::dataset
