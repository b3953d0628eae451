// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/spec.hpp"

#include "data/base/table.hpp"
#include "data/cohort/spec_parts.hpp"

#include <algorithm>

namespace hepar {

namespace {

std::vector<RuleSpec> read_rules(const Yaml& node) {
  std::vector<RuleSpec> rules;
  for (const Yaml& item : node.list()) {
    rules.push_back(spec_parts::read_rule(item));
    for (std::size_t i = 0; i + 1 < rules.size(); ++i)
      if (rules[i].id == rules.back().id) throw item.error("repeats the rule id '" + rules.back().id + "'");
  }
  return rules;
}

void read_paths(CohortSpec& spec, const Yaml& root) {
  const std::filesystem::path folder = std::filesystem::absolute(spec.path).parent_path();
  const auto path = [&](const char* key) {
    return root.has(key) ? folder / root.at(key).text() : std::filesystem::path();
  };
  spec.patients = folder / root.at("patients").text();
  spec.imaging = path("imaging");
  spec.slides = path("slides");
  spec.reports = path("reports");
  spec.treatments = path("treatments");
  spec.follow_up = path("follow_up");
}

// `conflict: query` keeps a patient out of the analysis until the query is answered: a rule like every other, counted
// and listed with them.
void add_agreement_rules(CohortSpec& spec) {
  for (const ColumnSpec& column : spec.columns) {
    if (!column.conflict_is_query || column.from.size() < 2) continue;
    const std::string fact = column.name + ".agrees";
    spec.eligibility.push_back({column.name + "-agrees", "sources of " + column.name + " agree", fact, OnUnknown::query,
                                Stage::analysis, column.place});
  }
}

}  // namespace

std::string KnownAt::text() const {
  if (day == kPreOp) return "pre_op";
  if (day == kPostOp) return "post_op";
  return "day " + number_text(day);
}

std::vector<std::string> StrategySpec::arm_names() const { return single() ? std::vector<std::string>{"all"} : arms; }

const ColumnSpec* CohortSpec::column(std::string_view name) const {
  for (const ColumnSpec& column : columns)
    if (column.name == name) return &column;
  return nullptr;
}
const ModalitySpec* CohortSpec::modality(std::string_view name) const {
  for (const ModalitySpec& modality : modalities)
    if (modality.name == name) return &modality;
  return nullptr;
}
const EndpointSpec* CohortSpec::endpoint(std::string_view name) const {
  for (const EndpointSpec& endpoint : endpoints)
    if (endpoint.name == name) return &endpoint;
  return nullptr;
}

CohortSpec read_cohort_spec(const std::filesystem::path& path) {
  std::error_code ignored;
  const std::filesystem::path cohort_yaml = std::filesystem::is_directory(path, ignored) ? path / "cohort.yaml" : path;
  const Yaml root = Yaml::read(cohort_yaml);
  root.allow({"schema", "patients", "imaging", "slides", "reports", "treatments", "follow_up", "dates", "columns",
              "modalities", "eligibility", "endpoints", "strategies", "privacy", "readings", "radiomics"});
  if (const std::string schema = root.at("schema").text(); schema != "hepar-cohort/1")
    throw root.at("schema").error("is '" + schema + "'", "this program reads hepar-cohort/1");
  CohortSpec spec;
  spec.path = cohort_yaml;
  read_paths(spec, root);
  if (const auto value = root.find("dates")) spec.dates = value->text();
  if (spec.dates != "iso" && spec.dates.find('%') == std::string::npos)
    throw root.at("dates").error("is '" + spec.dates + "'", "give iso or a strptime pattern such as '%d.%m.%Y'");
  if (const auto value = root.find("columns"))
    for (const auto& [name, node] : value->items()) spec.columns.push_back(spec_parts::read_column(name, node));
  if (const auto value = root.find("modalities"))
    for (const auto& [name, node] : value->items())
      spec.modalities.push_back(spec_parts::read_modality(name, node, spec));
  if (const auto value = root.find("eligibility")) spec.eligibility = read_rules(*value);
  if (const auto value = root.find("endpoints"))
    for (const auto& [name, node] : value->items()) spec.endpoints.push_back(spec_parts::read_endpoint(name, node));
  if (const auto value = root.find("strategies")) spec.strategies = spec_parts::read_strategies(*value);
  if (const auto value = root.find("readings"))
    for (const auto& [name, node] : value->items()) spec.readings[name] = read_rules(node);
  if (const auto value = root.find("radiomics")) {
    RadiomicsKeys keys;
    std::vector<Row> rows = keys.rows("radiomics.");
    apply(*value, rows);
    if (keys.by == "slice") throw value->at("by").error("is slice", "leave it out: each column's tag says whether it is by slice or by volume");
    spec.radiomics = keys.settings(value->place());
  }
  if (const auto value = root.find("privacy")) {
    value->allow({"pseudonymise", "key_file"});
    if (const auto flag = value->find("pseudonymise")) spec.pseudonymise = flag->flag();
    if (const auto key = value->find("key_file"); key && !key->is_null())
      spec.key_file = std::filesystem::absolute(cohort_yaml).parent_path() / key->text();
    if (spec.pseudonymise && spec.key_file.empty())
      throw value->error("asks for pseudonyms without a key", "add key_file");
  }
  add_agreement_rules(spec);
  spec_parts::check_whole(spec);
  return spec;
}

std::vector<RuleSpec> rules_of_reading(const CohortSpec& spec, const std::string& reading) {
  std::vector<RuleSpec> rules = spec.eligibility;
  if (reading.empty()) return rules;
  const auto found = spec.readings.find(reading);
  if (found == spec.readings.end()) {
    std::vector<std::string> names;
    for (const auto& [name, changes] : spec.readings) names.push_back(name);
    throw usage_error("no reading of the protocol is called '" + reading + "'", {spec.path.string()},
                      name_advice(reading, names));
  }
  for (const RuleSpec& change : found->second) {
    const auto same =
        std::find_if(rules.begin(), rules.end(), [&](const RuleSpec& rule) { return rule.id == change.id; });
    if (same != rules.end()) {
      *same = change;
    } else {
      rules.push_back(change);
    }
  }
  return rules;
}

}  // namespace hepar
