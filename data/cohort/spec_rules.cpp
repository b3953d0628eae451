// SPDX-License-Identifier: Apache-2.0
// The rules, endpoints and strategies of cohort.yaml, and the checks that need the whole document.
#include "data/cohort/arms.hpp"
#include "data/cohort/cells.hpp"
#include "data/cohort/column_kinds.hpp"
#include "data/cohort/eligibility.hpp"
#include "data/cohort/spec_parts.hpp"
#include "data/cohort/units.hpp"

#include <algorithm>

namespace hepar::spec_parts {

namespace {

constexpr std::array<Named<OnUnknown>, 3> kOnUnknown{
    {{"exclude", OnUnknown::exclude}, {"include", OnUnknown::include}, {"query", OnUnknown::query}}};
constexpr std::array<Named<Stage>, 2> kStages{{{"enrolment", Stage::enrolment}, {"analysis", Stage::analysis}}};

void check_radiomics(const CohortSpec& spec, const ColumnSpec& column, const std::string& source) {
  std::vector<std::string> images;
  for (const ModalitySpec& modality : spec.modalities)
    if (modality.kind == Kind::volume)
      for (const std::string& phase : modality.phases) images.push_back(modality.name + "." + phase);
  if (!kind_of(column).quantity)
    throw usage_error("column '" + column.name + "' takes " + source + " and is no number", column.place,
                      "write type: number");
  if (column.mask.find('/') != std::string::npos)
    throw usage_error("column '" + column.name + "' names the mask '" + column.mask + "'", column.place, "a mask's name holds no /");
  if (column.image.empty() || column.mask.empty())
    throw usage_error("column '" + column.name + "' takes " + source + " without image and mask", column.place,
                      "add image: MODALITY.PHASE and mask: NAME");
  if (std::find(images.begin(), images.end(), column.image) == images.end())
    throw usage_error("column '" + column.name + "' names the image '" + column.image + "'", column.place,
                      name_advice(column.image, images));
  // What an image shows is not known before it was taken (law 5).
  const KnownAt& taken = spec.modality(column.image.substr(0, column.image.rfind('.')))->known;
  const bool change = source.starts_with("change.");
  if (change && column.known.day <= KnownAt::kPostOp)
    throw usage_error("column '" + column.name + "' compares images before and after surgery and is known " + column.known.text(),
                      column.place, "write known: day N; images after day N do not enter");
  if (change ? taken.day > KnownAt::kPreOp : column.known.day < taken.day)
    throw usage_error("column '" + column.name + "' takes the image '" + column.image + "', which is taken after surgery",
                      column.place, change ? "name a modality with timing: pre_op" : "write known: post_op or day N");
}

void check_sources(const CohortSpec& spec) {
  std::vector<std::string> facts{"table"};
  for (const FactName& fact : known_facts(spec))
    if (fact.known_from == "extraction") facts.push_back(fact.name);
  for (const ColumnSpec& column : spec.columns)
    for (const std::string& source : column.from) {
      if (source.starts_with("radiomics.") || source.starts_with("change.")) {
        check_radiomics(spec, column, source);
        continue;
      }
      if (std::find(facts.begin(), facts.end(), source) == facts.end())
        throw usage_error("column '" + column.name + "' comes from '" + source + "', which is no fact of extraction",
                          column.place, name_advice(source, facts));
      const std::string unit = unit_of_fact(source);
      if (kind_of(column).quantity && !unit.empty() && !convert_unit(1, unit, column.unit, column.molar_mass))
        throw usage_error(
            "column '" + column.name + "' is in '" + column.unit + "', and " + source + " in '" + unit + "'",
            column.place, "give the column a unit that converts");
    }
}

}  // namespace

RuleSpec read_rule(const Yaml& node) {
  node.allow({"id", "text", "require", "on_unknown", "stage"});
  RuleSpec rule;
  check_name(node.at("id").text(), node.at("id"));
  rule.id = node.at("id").text();
  rule.require = node.at("require").text();
  rule.text = node.has("text") ? node.at("text").text() : rule.require;
  rule.place = node.at("require").place();
  if (const auto value = node.find("on_unknown")) rule.on_unknown = choose(*value, kOnUnknown);
  if (const auto value = node.find("stage")) rule.stage = choose(*value, kStages);
  return rule;
}

EndpointSpec read_endpoint(const std::string& name, const Yaml& node) {
  node.allow({"events", "competing", "horizon_months", "time", "event", "unit", "note"});
  check_name(name, node);
  EndpointSpec endpoint;
  endpoint.name = name;
  endpoint.place = node.place();
  endpoint.horizon_months = node.at("horizon_months").number();
  if (endpoint.horizon_months < 1 || endpoint.horizon_months > 600)
    throw node.at("horizon_months").error("must lie from 1 to 600");
  if (const auto value = node.find("note")) endpoint.note = value->text();
  if (node.has("time") || node.has("event")) {
    endpoint.time_column = node.at("time").text();
    endpoint.event_column = node.at("event").text();
    endpoint.unit = node.at("unit").text();
    for (const char* key : {"events", "competing"})
      if (node.has(key))
        throw node.at(key).error("does not go with time and event columns",
                                 "remove it, or give events without time and event");
    static const std::vector<std::string> kUnits{"days", "weeks", "months", "years"};
    if (std::find(kUnits.begin(), kUnits.end(), endpoint.unit) == kUnits.end())
      throw node.at("unit").error("is '" + endpoint.unit + "'", name_advice(endpoint.unit, kUnits));
    return endpoint;
  }
  static const std::vector<std::string> kEvents{"recurrence", "death"};
  const auto check = [](const Yaml& list, const std::string& event) {
    if (std::find(kEvents.begin(), kEvents.end(), event) == kEvents.end())
      throw list.error("names '" + event + "'", name_advice(event, kEvents));
  };
  for (const std::string& event : node.at("events").texts()) {
    check(node.at("events"), event);
    (event == "recurrence" ? endpoint.recurrence_is_event : endpoint.death_is_event) = true;
  }
  if (const auto value = node.find("competing"))
    for (const std::string& event : value->texts()) {
      check(*value, event);
      if (event != "death" || endpoint.death_is_event)
        throw value->error("may only name death, and only when death is no event itself");
      endpoint.death_competes = true;
    }
  if (!endpoint.recurrence_is_event && !endpoint.death_is_event)
    throw node.at("events").error("is empty", "give recurrence, death or both");
  if (endpoint.recurrence_is_event && !endpoint.death_is_event && !endpoint.death_competes)
    throw node.error("counts recurrence and forgets death", "add competing: [death]");
  return endpoint;
}

StrategySpec read_strategies(const Yaml& node) {
  node.allow({"window_days", "arms"});
  StrategySpec strategies;
  const std::vector<double> window = node.at("window_days").numbers();
  if (window.size() != 2 || window[0] < 0 || window[1] <= window[0])
    throw node.at("window_days").error("must be [first day, last day]");
  strategies.window_low_day = window[0];
  strategies.window_high_day = window[1];
  strategies.arms = node.at("arms").texts();
  for (const std::string& arm : strategies.arms)
    if (std::count(strategies.arms.begin(), strategies.arms.end(), arm) > 1)
      throw node.at("arms").error("names '" + arm + "' twice");
  std::vector<std::string> known;
  for (const Arm& arm : kKnownArms) known.emplace_back(arm.name);
  for (const std::string& arm : strategies.arms)
    if (std::find(known.begin(), known.end(), arm) == known.end())
      throw node.at("arms").error("names '" + arm + "'", name_advice(arm, known));
  if (strategies.arms.empty() || strategies.arms.front() != "surgery")
    throw node.at("arms").error("must start with surgery");
  return strategies;
}

void check_name(const std::string& name, const Yaml& node) {
  static constexpr std::array<std::string_view, 6> kWords{"and", "or", "not", "in", "true", "false"};
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return c >= 0x80 || std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  if (!plain)
    throw node.error("is no usable name",
                     "use letters, digits, '_' and '-'; a header that differs is given with column:");
  if (std::find(kWords.begin(), kWords.end(), name) != kWords.end() || parse_number(name))
    throw node.error("is a word of the rules' language", "choose another name");
}

void check_whole(const CohortSpec& spec) {
  check_sources(spec);
  for (const RuleSpec& rule : spec.eligibility) (void)Expression::parse(rule.require, spec, rule.place);
  for (const auto& [name, rules] : spec.readings)
    for (const RuleSpec& rule : rules) (void)Expression::parse(rule.require, spec, rule.place);
  for (const EndpointSpec& endpoint : spec.endpoints)
    if (!endpoint.direct() && spec.follow_up.empty())
      throw usage_error("the endpoint '" + endpoint.name + "' needs follow-up", endpoint.place,
                        "add follow_up: FILE, or give time, event and unit columns, or remove endpoints: the store is then for predicting only");
}

}  // namespace hepar::spec_parts
