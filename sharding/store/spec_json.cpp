// SPDX-License-Identifier: Apache-2.0
#include "sharding/store/spec_json.hpp"

#include <algorithm>
#include <limits>

namespace hepar::store {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<const char*, 3> kTypes{"number", "category", "flag"};
constexpr std::array<const char*, 3> kUnknowns{"exclude", "include", "query"};
constexpr std::array<const char*, 2> kStages{"enrolment", "analysis"};
constexpr std::array<const char*, 4> kKinds{"vector", "bag", "volume", "sequence"};
constexpr std::array<const char*, 3> kValueTypes{"float16", "float32", "int32"};

template <class Enum, std::size_t N>
Enum named(const std::array<const char*, N>& names, const std::string& text) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) throw store_error("names '" + text + "', which this version does not know", {"store.json"}, "use the version that made the store, or make it again");
  return static_cast<Enum>(found - names.begin());
}

Json limit(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
double limit_from(const Json& json, double otherwise) { return json.is_null() ? otherwise : json.get<double>(); }

Json column_json(const ColumnSpec& column) {
  return {{"name", column.name}, {"type", kTypes[static_cast<std::size_t>(column.type)]}, {"unit", column.unit}, {"low", limit(column.low)}, {"high", limit(column.high)},
          {"known_day", column.known.day}, {"log1p", column.log1p}, {"keep_limits", column.keep_limits}, {"values", column.values}, {"from", column.from}};
}

ColumnSpec column_from(const Json& json) {
  ColumnSpec column;
  column.name = json.at("name");
  column.type = named<ColumnType>(kTypes, json.at("type"));
  column.unit = json.at("unit");
  column.low = limit_from(json.at("low"), column.low);
  column.high = limit_from(json.at("high"), column.high);
  column.known.day = json.at("known_day");
  column.log1p = json.at("log1p");
  column.keep_limits = json.at("keep_limits");
  column.values = json.at("values").get<std::vector<std::string>>();
  column.from = json.at("from").get<std::vector<std::string>>();
  return column;
}

Json endpoint_json(const EndpointSpec& endpoint) {
  return {{"name", endpoint.name}, {"recurrence", endpoint.recurrence_is_event}, {"death", endpoint.death_is_event}, {"death_competes", endpoint.death_competes},
          {"horizon_months", endpoint.horizon_months}, {"time", endpoint.time_column}, {"event", endpoint.event_column}, {"unit", endpoint.unit}, {"note", endpoint.note}};
}

EndpointSpec endpoint_from(const Json& json) {
  EndpointSpec endpoint;
  endpoint.name = json.at("name");
  endpoint.recurrence_is_event = json.at("recurrence");
  endpoint.death_is_event = json.at("death");
  endpoint.death_competes = json.at("death_competes");
  endpoint.horizon_months = json.at("horizon_months");
  endpoint.time_column = json.at("time");
  endpoint.event_column = json.at("event");
  endpoint.unit = json.at("unit");
  endpoint.note = json.at("note");
  return endpoint;
}

}  // namespace

Json to_json(const StoredModality& modality) {
  return {{"name", modality.name}, {"kind", kKinds[static_cast<std::size_t>(modality.layout.kind)]}, {"dtype", kValueTypes[static_cast<std::size_t>(modality.layout.type)]},
          {"dims", modality.layout.item}, {"unit", modality.layout.unit}, {"meaning", modality.layout.meaning}, {"known_day", modality.known.day}, {"columns", modality.columns}};
}

StoredModality modality_from(const Json& json) {
  StoredModality modality;
  modality.name = json.at("name");
  modality.layout.kind = named<Kind>(kKinds, json.at("kind"));
  modality.layout.type = named<DType>(kValueTypes, json.at("dtype"));
  modality.layout.item = json.at("dims").get<std::vector<std::int64_t>>();
  modality.layout.unit = json.at("unit");
  modality.layout.meaning = json.at("meaning");
  modality.known.day = json.at("known_day");
  modality.columns = json.at("columns").get<std::vector<std::string>>();
  return modality;
}

Json to_json(const TablesSpec& spec) {
  Json out{{"columns", Json::array()}, {"endpoints", Json::array()}, {"rules", Json::array()}, {"vectors", Json::array()}};
  for (const ColumnSpec& column : spec.columns) out["columns"].push_back(column_json(column));
  for (const EndpointSpec& endpoint : spec.endpoints) out["endpoints"].push_back(endpoint_json(endpoint));
  for (const RuleSpec& rule : spec.rules)
    out["rules"].push_back({{"id", rule.id}, {"text", rule.text}, {"require", rule.require}, {"on_unknown", kUnknowns[static_cast<std::size_t>(rule.on_unknown)]}, {"stage", kStages[static_cast<std::size_t>(rule.stage)]}});
  for (const StoredModality& vector : spec.vectors) out["vectors"].push_back(to_json(vector));
  out["strategies"] = {{"window_days", {spec.strategies.window_low_day, spec.strategies.window_high_day}}, {"arms", spec.strategies.arms}};
  return out;
}

TablesSpec tables_spec_from(const Json& json) {
  TablesSpec spec;
  for (const Json& column : json.at("columns")) spec.columns.push_back(column_from(column));
  for (const Json& endpoint : json.at("endpoints")) spec.endpoints.push_back(endpoint_from(endpoint));
  for (const Json& rule : json.at("rules")) {
    RuleSpec one;
    one.id = rule.at("id");
    one.text = rule.at("text");
    one.require = rule.at("require");
    one.on_unknown = named<OnUnknown>(kUnknowns, rule.at("on_unknown"));
    one.stage = named<Stage>(kStages, rule.at("stage"));
    spec.rules.push_back(one);
  }
  for (const Json& vector : json.at("vectors")) spec.vectors.push_back(modality_from(vector));
  spec.strategies.window_low_day = json.at("strategies").at("window_days").at(0);
  spec.strategies.window_high_day = json.at("strategies").at("window_days").at(1);
  spec.strategies.arms = json.at("strategies").at("arms").get<std::vector<std::string>>();
  return spec;
}

}  // namespace hepar::store
