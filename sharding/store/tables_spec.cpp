// SPDX-License-Identifier: Apache-2.0
#include "sharding/store/tables_spec.hpp"

#include "data/cohort/column_kinds.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace hepar::store {

namespace {

using Json = nlohmann::ordered_json;

// JSON has no infinities: an open end of a range is null.
Json bound(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
double bound(const Json& json, double open) { return json.is_null() ? open : json.get<double>(); }

Json json_of(const ColumnSpec& column) {
  return {{"name", column.name}, {"type", static_cast<int>(column.type)}, {"unit", column.unit}, {"low", bound(column.low)}, {"high", bound(column.high)},
          {"known_day", column.known.day}, {"log1p", column.log1p}, {"keep_limits", column.keep_limits}, {"values", column.values}, {"from", column.from},
          {"conflict_is_query", column.conflict_is_query}};
}

ColumnSpec column_of(const Json& json) {
  ColumnSpec column;
  column.name = json.at("name");
  column.type = stored_column_type(json.at("type"), column.name);
  column.unit = json.at("unit");
  column.low = bound(json.at("low"), -std::numeric_limits<double>::infinity());
  column.high = bound(json.at("high"), std::numeric_limits<double>::infinity());
  column.known.day = json.at("known_day");
  column.log1p = json.at("log1p");
  column.keep_limits = json.at("keep_limits");
  column.values = json.at("values").get<std::vector<std::string>>();
  column.from = json.at("from").get<std::vector<std::string>>();
  column.conflict_is_query = json.at("conflict_is_query");
  return column;
}

Json json_of(const EndpointSpec& endpoint) {
  return {{"name", endpoint.name}, {"recurrence_is_event", endpoint.recurrence_is_event}, {"death_is_event", endpoint.death_is_event},
          {"death_competes", endpoint.death_competes}, {"horizon_months", endpoint.horizon_months}, {"time_column", endpoint.time_column},
          {"event_column", endpoint.event_column}, {"unit", endpoint.unit}, {"note", endpoint.note}};
}

EndpointSpec endpoint_of(const Json& json) {
  EndpointSpec endpoint;
  endpoint.name = json.at("name");
  endpoint.recurrence_is_event = json.at("recurrence_is_event");
  endpoint.death_is_event = json.at("death_is_event");
  endpoint.death_competes = json.at("death_competes");
  endpoint.horizon_months = json.at("horizon_months");
  endpoint.time_column = json.at("time_column");
  endpoint.event_column = json.at("event_column");
  endpoint.unit = json.at("unit");
  endpoint.note = json.at("note");
  return endpoint;
}

Json json_of(const RuleSpec& rule) {
  return {{"id", rule.id}, {"text", rule.text}, {"require", rule.require}, {"on_unknown", static_cast<int>(rule.on_unknown)}, {"stage", static_cast<int>(rule.stage)}};
}

RuleSpec rule_of(const Json& json) {
  RuleSpec rule;
  rule.id = json.at("id");
  rule.text = json.at("text");
  rule.require = json.at("require");
  rule.on_unknown = static_cast<OnUnknown>(json.at("on_unknown").get<int>());
  rule.stage = static_cast<Stage>(json.at("stage").get<int>());
  return rule;
}

template <class T>
Json list_of(const std::vector<T>& values) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(json_of(value));
  return list;
}

}  // namespace

std::string spec_text(const Tables& tables) {
  const Json json{{"schema", kSchema}, {"columns", list_of(tables.columns)}, {"endpoints", list_of(tables.endpoints)}, {"rules", list_of(tables.rules)},
                  {"strategies", {{"window_days", {tables.strategies.window_low_day, tables.strategies.window_high_day}}, {"arms", tables.strategies.arms}}},
                  {"has_histories", tables.has_histories}};
  return json.dump();
}

void read_spec(const std::string& text, Tables& tables) {
  const Json json = Json::parse(text);
  for (const Json& one : json.at("columns")) tables.columns.push_back(column_of(one));
  for (const Json& one : json.at("endpoints")) tables.endpoints.push_back(endpoint_of(one));
  for (const Json& one : json.at("rules")) tables.rules.push_back(rule_of(one));
  const Json& strategies = json.at("strategies");
  tables.strategies.window_low_day = strategies.at("window_days").at(0);
  tables.strategies.window_high_day = strategies.at("window_days").at(1);
  tables.strategies.arms = strategies.at("arms").get<std::vector<std::string>>();
  tables.has_histories = json.at("has_histories");
}

}  // namespace hepar::store
