// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/spec.hpp"

#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "data/base/yaml.hpp"

#include <algorithm>

namespace hepar {

namespace {

template <class T>
struct Named {
  const char* name;
  T value;
};

// The value that a key's text names, or a usage error with the nearest known name.
template <class T, std::size_t N>
T choose(const Yaml& node, const std::array<Named<T>, N>& known) {
  const std::string text = node.text();
  std::vector<std::string> names;
  for (const auto& entry : known) {
    if (text == entry.name) return entry.value;
    names.emplace_back(entry.name);
  }
  throw node.error("is '" + text + "'", name_advice(text, names));
}

constexpr std::array<Named<ColumnType>, 3> kColumnTypes{{{"number", ColumnType::number}, {"category", ColumnType::category}, {"flag", ColumnType::flag}}};
constexpr std::array<Named<Kind>, 4> kKinds{{{"vector", Kind::vector}, {"bag", Kind::bag}, {"volume", Kind::volume}, {"sequence", Kind::sequence}}};
constexpr std::array<Named<OnUnknown>, 3> kOnUnknown{{{"exclude", OnUnknown::exclude}, {"include", OnUnknown::include}, {"query", OnUnknown::query}}};
constexpr std::array<Named<Stage>, 2> kStages{{{"enrolment", Stage::enrolment}, {"analysis", Stage::analysis}}};
constexpr std::array<Named<bool>, 2> kTransforms{{{"none", false}, {"log1p", true}}};
constexpr std::array<Named<bool>, 2> kLimits{{{"refuse", false}, {"keep", true}}};

KnownAt known_at(const Yaml& node) {
  const std::string text = node.text();
  if (text == "pre_op") return {KnownAt::kPreOp};
  if (text == "post_op") return {KnownAt::kPostOp};
  if (text.starts_with("day ")) {
    if (const std::optional<double> day = parse_number(trim(text.substr(4)))) return {*day};
  }
  throw node.error("is '" + text + "'", "give pre_op, post_op or 'day N'");
}

ColumnSpec read_column(const std::string& name, const Yaml& node) {
  node.allow({"type", "unit", "range", "known", "transform", "missing", "limits", "units_by_centre", "values", "from", "conflict", "image",
              "mask", "recode", "column"});
  ColumnSpec column;
  column.name = name;
  column.place = node.place();
  column.source_column = name;
  column.type = choose(node.at("type"), kColumnTypes);
  column.known = known_at(node.at("known"));
  if (const auto value = node.find("unit")) column.unit = value->text();
  if (const auto value = node.find("range")) {
    const std::vector<double> range = value->numbers();
    if (range.size() != 2 || range[0] > range[1]) throw value->error("must be [low, high]");
    column.low = range[0];
    column.high = range[1];
  }
  if (const auto value = node.find("transform")) column.log1p = choose(*value, kTransforms);
  if (const auto value = node.find("missing")) column.missing = value->texts();
  if (const auto value = node.find("limits")) column.keep_limits = choose(*value, kLimits);
  if (const auto value = node.find("units_by_centre"))
    for (const auto& [centre, unit] : value->items()) column.units_by_centre[centre] = unit.text();
  if (const auto value = node.find("recode"))
    for (const auto& [from, to] : value->items()) column.recode[from] = to.text();
  if (const auto value = node.find("values")) column.values = value->texts();
  if (const auto value = node.find("from")) column.from = value->texts();
  if (const auto value = node.find("conflict")) {
    if (value->text() != "query") throw value->error("is '" + value->text() + "'", "known: query");
    column.conflict_is_query = true;
  }
  if (const auto value = node.find("image")) column.image = value->text();
  if (const auto value = node.find("mask")) column.mask = value->text();
  if (const auto value = node.find("column")) column.source_column = value->text();
  if (column.type == ColumnType::category && column.values.size() < 2) throw node.error("is a category without values", "add values: [a, b, …]");
  if (column.type != ColumnType::category && !column.values.empty()) throw node.error("has values but is no category", "write type: category");
  if (column.type != ColumnType::number && (column.log1p || column.keep_limits)) throw node.error("has transform or limits but is no number");
  return column;
}

std::array<int, 3> three_whole(const Yaml& node) {
  const std::vector<double> numbers = node.numbers();
  if (numbers.size() != 3 || std::any_of(numbers.begin(), numbers.end(), [](double v) { return v < 1 || v > 1024 || v != static_cast<int>(v); }))
    throw node.error("must be three whole numbers [x, y, z] from 1 to 1024");
  return {static_cast<int>(numbers[0]), static_cast<int>(numbers[1]), static_cast<int>(numbers[2])};
}

void read_source(ModalitySpec& modality, const Yaml& node, const char* expected) {
  modality.source = node.at("source").text();
  if (modality.source != expected) throw node.at("source").error("is '" + modality.source + "'", std::string("a ") + std::string(name_of(modality.kind)) + " comes from " + expected);
}

ModalitySpec read_modality(const std::string& name, const Yaml& node, const CohortSpec& spec) {
  ModalitySpec modality;
  modality.name = name;
  modality.place = node.place();
  modality.kind = choose(node.at("kind"), kKinds);
  modality.known = {KnownAt::kPostOp};
  if (modality.kind == Kind::vector) {
    node.allow({"kind", "columns"});
    modality.columns = node.at("columns").texts();
    modality.known = {KnownAt::kPreOp};
    std::vector<std::string> names;
    for (const ColumnSpec& column : spec.columns) names.push_back(column.name);
    for (const std::string& column : modality.columns)
      if (spec.column(column) == nullptr) throw node.at("columns").error("names an undeclared column '" + column + "'", name_advice(column, names));
  } else if (modality.kind == Kind::volume) {
    node.allow({"kind", "source", "timing", "phases", "grid", "spacing_mm"});
    read_source(modality, node, "imaging");
    if (const auto value = node.find("timing")) {
      modality.timing = value->text();
      if (modality.timing != "pre_op" && modality.timing != "post_op") throw value->error("is '" + modality.timing + "'", "known: pre_op, post_op");
    }
    modality.known = {modality.timing == "pre_op" ? KnownAt::kPreOp : KnownAt::kPostOp};
    modality.phases = node.has("phases") ? node.at("phases").texts() : std::vector<std::string>{"any"};
    if (modality.phases.empty()) throw node.at("phases").error("is empty");
    if (const auto value = node.find("grid")) modality.grid = three_whole(*value);
    if (const auto value = node.find("spacing_mm")) {
      const std::vector<double> mm = value->numbers();
      if (mm.size() != 3 || std::any_of(mm.begin(), mm.end(), [](double v) { return v <= 0; })) throw value->error("must be three positive numbers [x, y, z]");
      std::copy(mm.begin(), mm.end(), modality.spacing_mm.begin());
    }
  } else if (modality.kind == Kind::bag) {
    node.allow({"kind", "source", "um_per_pixel", "tile", "encoder"});
    read_source(modality, node, "slides");
    if (const auto value = node.find("um_per_pixel")) modality.um_per_pixel = value->number();
    if (const auto value = node.find("tile")) modality.tile = static_cast<int>(value->integer());
    if (const auto value = node.find("encoder")) modality.encoder = value->text();
    if (modality.um_per_pixel <= 0 || modality.tile < 8) throw node.error("needs um_per_pixel > 0 and tile >= 8");
  } else {
    node.allow({"kind", "source"});
    read_source(modality, node, "reports");
  }
  return modality;
}

RuleSpec read_rule(const Yaml& node) {
  node.allow({"id", "text", "require", "on_unknown", "stage"});
  RuleSpec rule;
  rule.id = node.at("id").text();
  rule.require = node.at("require").text();
  rule.text = node.has("text") ? node.at("text").text() : rule.require;
  rule.place = node.at("require").place();
  if (const auto value = node.find("on_unknown")) rule.on_unknown = choose(*value, kOnUnknown);
  if (const auto value = node.find("stage")) rule.stage = choose(*value, kStages);
  return rule;
}

std::vector<RuleSpec> read_rules(const Yaml& node) {
  std::vector<RuleSpec> rules;
  for (const Yaml& item : node.list()) {
    rules.push_back(read_rule(item));
    for (std::size_t i = 0; i + 1 < rules.size(); ++i)
      if (rules[i].id == rules.back().id) throw item.error("repeats the rule id '" + rules.back().id + "'");
  }
  return rules;
}

EndpointSpec read_endpoint(const std::string& name, const Yaml& node) {
  node.allow({"events", "competing", "horizon_months", "time", "event", "unit", "note"});
  EndpointSpec endpoint;
  endpoint.name = name;
  endpoint.place = node.place();
  endpoint.horizon_months = node.at("horizon_months").number();
  if (endpoint.horizon_months < 1 || endpoint.horizon_months > 600) throw node.at("horizon_months").error("must lie from 1 to 600");
  if (const auto value = node.find("note")) endpoint.note = value->text();
  if (node.has("time") || node.has("event")) {
    endpoint.time_column = node.at("time").text();
    endpoint.event_column = node.at("event").text();
    endpoint.unit = node.at("unit").text();
    static const std::vector<std::string> kUnits{"days", "weeks", "months", "years"};
    if (std::find(kUnits.begin(), kUnits.end(), endpoint.unit) == kUnits.end())
      throw node.at("unit").error("is '" + endpoint.unit + "'", name_advice(endpoint.unit, kUnits));
    return endpoint;
  }
  static const std::vector<std::string> kEvents{"recurrence", "death"};
  const auto check = [](const Yaml& list, const std::string& event) {
    if (std::find(kEvents.begin(), kEvents.end(), event) == kEvents.end()) throw list.error("names '" + event + "'", name_advice(event, kEvents));
  };
  for (const std::string& event : node.at("events").texts()) {
    check(node.at("events"), event);
    (event == "recurrence" ? endpoint.recurrence_is_event : endpoint.death_is_event) = true;
  }
  if (const auto value = node.find("competing"))
    for (const std::string& event : value->texts()) {
      check(*value, event);
      if (event != "death" || endpoint.death_is_event) throw value->error("may only name death, and only when death is no event itself");
      endpoint.death_competes = true;
    }
  if (!endpoint.recurrence_is_event && !endpoint.death_is_event) throw node.at("events").error("is empty", "give recurrence, death or both");
  if (endpoint.recurrence_is_event && !endpoint.death_is_event && !endpoint.death_competes)
    throw node.error("counts recurrence and forgets death", "add competing: [death]");
  return endpoint;
}

StrategySpec read_strategies(const Yaml& node) {
  node.allow({"window_days", "arms"});
  StrategySpec strategies;
  const std::vector<double> window = node.at("window_days").numbers();
  if (window.size() != 2 || window[0] < 0 || window[1] <= window[0]) throw node.at("window_days").error("must be [first day, last day]");
  strategies.window_low_day = window[0];
  strategies.window_high_day = window[1];
  strategies.arms = node.at("arms").texts();
  static const std::vector<std::string> kArms{"surgery", "tace", "tace_systemic", "systemic"};
  for (const std::string& arm : strategies.arms)
    if (std::find(kArms.begin(), kArms.end(), arm) == kArms.end()) throw node.at("arms").error("names '" + arm + "'", name_advice(arm, kArms));
  if (strategies.arms.empty() || strategies.arms.front() != "surgery") throw node.at("arms").error("must start with surgery");
  return strategies;
}

void read_paths(CohortSpec& spec, const Yaml& root) {
  const std::filesystem::path folder = std::filesystem::absolute(spec.path).parent_path();
  const auto path = [&](const char* key) { return root.has(key) ? folder / root.at(key).text() : std::filesystem::path(); };
  spec.patients = folder / root.at("patients").text();
  spec.imaging = path("imaging");
  spec.slides = path("slides");
  spec.reports = path("reports");
  spec.treatments = path("treatments");
  spec.follow_up = path("follow_up");
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

CohortSpec read_cohort_spec(const std::filesystem::path& cohort_yaml) {
  const Yaml root = Yaml::read(cohort_yaml);
  root.allow({"schema", "patients", "imaging", "slides", "reports", "treatments", "follow_up", "dates", "columns", "modalities", "eligibility",
              "endpoints", "strategies", "privacy", "readings"});
  if (const std::string schema = root.at("schema").text(); schema != "hepar-cohort/1")
    throw root.at("schema").error("is '" + schema + "'", "this program reads hepar-cohort/1");
  CohortSpec spec;
  spec.path = cohort_yaml;
  read_paths(spec, root);
  if (const auto value = root.find("dates")) spec.dates = value->text();
  if (spec.dates != "iso" && spec.dates.find('%') == std::string::npos) throw root.at("dates").error("is '" + spec.dates + "'", "give iso or a strptime pattern such as '%d.%m.%Y'");
  if (const auto value = root.find("columns"))
    for (const auto& [name, node] : value->items()) spec.columns.push_back(read_column(name, node));
  if (const auto value = root.find("modalities"))
    for (const auto& [name, node] : value->items()) spec.modalities.push_back(read_modality(name, node, spec));
  if (const auto value = root.find("eligibility")) spec.eligibility = read_rules(*value);
  if (const auto value = root.find("endpoints"))
    for (const auto& [name, node] : value->items()) spec.endpoints.push_back(read_endpoint(name, node));
  if (const auto value = root.find("strategies")) spec.strategies = read_strategies(*value);
  if (const auto value = root.find("readings"))
    for (const auto& [name, node] : value->items()) spec.readings[name] = read_rules(node);
  if (const auto value = root.find("privacy")) {
    value->allow({"pseudonymise", "key_file"});
    if (const auto flag = value->find("pseudonymise")) spec.pseudonymise = flag->flag();
    if (const auto key = value->find("key_file"); key && !key->is_null()) spec.key_file = std::filesystem::absolute(cohort_yaml).parent_path() / key->text();
    if (spec.pseudonymise && spec.key_file.empty()) throw value->error("asks for pseudonyms without a key", "add key_file");
  }
  for (const EndpointSpec& endpoint : spec.endpoints)
    if (!endpoint.direct() && spec.follow_up.empty())
      throw usage_error("the endpoint '" + endpoint.name + "' needs follow-up", endpoint.place, "add follow_up: FILE, or give time, event and unit columns");
  return spec;
}

}  // namespace hepar
