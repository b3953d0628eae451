// SPDX-License-Identifier: Apache-2.0
#include "trainer/report/source.hpp"

#include "data/base/error.hpp"
#include "data/base/page.hpp"
#include "data/base/run_folder.hpp"
#include "data/base/sealed.hpp"
#include "sharding/store/layout.hpp"
#include "sharding/store/store.hpp"
#include "trainer/report/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <sstream>

namespace hepar::report {

namespace {

// The flow of the very cohort that was validated or trained on.
Json flow_of(const fs::path& folder, const Source& source) {
  const store::Names names{folder};
  const Json manifest = read_json(names.manifest(), store::kSchema);
  Json flow = read_json(names.flow(), store::kFlowSchema);
  if (manifest.is_null() || flow.is_null()) throw store_error("there is no store here, or it was not finished", {folder.string()}, "check --store, or run hepar shard again");
  const Json& made_of = source.validation.is_object() ? source.validation.at("provenance") : source.run;
  if (manifest.at("tables_sha256") != flow.at("tables_sha256")) throw store_error("flow.json is not of these tables", {folder.string()}, "run hepar shard again");
  if (made_of.at("tables_sha256") != flow.at("tables_sha256"))
    throw store_error("is not the store that this was made from (tables_sha256 differs)", {folder.string()}, "name its store, or leave --store out");
  return flow;
}

// Curves by strategy and endpoint, both in the order in which they come.
std::optional<ExamplePatient> example_of(const Json& validation) {
  if (!validation.is_object() || !validation.contains("example") || !validation.at("example").is_object()) return std::nullopt;
  const Json& json = validation.at("example");
  ExamplePatient example{json.at("patient_id"), json.at("centre"), json.at("fold"), json.at("strategy_observed"), {}, {}, {}, {}};
  const auto position = [](std::vector<std::string>& names, const std::string& name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    names.push_back(name);
    return names.size() - 1;
  };
  for (const Json& one : json.at("curves")) {
    const std::size_t s = position(example.strategies, one.at("strategy")), e = position(example.endpoints, one.at("endpoint"));
    if (example.curves.size() <= s) example.curves.resize(s + 1);
    if (example.curves[s].size() <= e) example.curves[s].resize(e + 1);
    example.not_estimable.resize(example.curves.size());
    if (one.contains("not_estimable")) {
      example.not_estimable[s] = one.at("not_estimable");
      continue;
    }
    for (std::size_t i = 0; i < one.at("survival").size(); ++i) example.curves[s][e].emplace_back(json.at("months").at(i), one.at("survival")[i]);
  }
  return example;
}

}  // namespace

Json read_json(const fs::path& path, const char* schema) {
  std::error_code ignored;
  return fs::exists(path, ignored) ? read_sealed(path, schema, "run the command that made it again") : Json(nullptr);
}

TrainingCurve training_curve(const std::string& name, const fs::path& events) {
  TrainingCurve curve{name, {}};
  std::istringstream lines(read_file(events));
  for (std::string line; std::getline(lines, line);) {
    const Json event = Json::parse(line, nullptr, false);
    if (event.is_object() && event.value("event", "") == "step") curve.loss.emplace_back(value_of(event, "step"), value_of(event, "loss"));
  }
  return curve;
}

std::vector<std::pair<double, double>> smoothed(const std::vector<std::pair<double, double>>& loss) {
  std::vector<std::pair<double, double>> points;
  double mean = 0;
  for (const auto& [step, value] : loss) {
    if (!std::isfinite(value)) continue;
    mean = points.empty() ? value : 0.9 * mean + 0.1 * value;
    points.emplace_back(step, mean);
  }
  return points;
}

std::string figure(const std::string& chart, const std::string& caption) { return "<figure>" + chart + "<figcaption>" + caption + "</figcaption></figure>"; }

Json pooled(const Source& source, const std::string& name) {
  return source.validation.contains("pooled") ? estimate_of(source.validation.at("pooled"), name) : Json(nullptr);
}

std::vector<BaselineShown> baselines_of(const Source& source) {
  std::vector<BaselineShown> out;
  const Json baselines = source.validation.is_object() ? source.validation.value("baselines", Json::object()) : Json::object();
  for (const auto& [name, one] : baselines.items())
    out.push_back({name, one.value("title", name), one.value("method", ""), one.value("folds", Json::array()), one.value("pooled", Json::object()), one.value("difference", Json::object())});
  return out;
}

double value_of(const Json& json, const char* key) {
  if (!json.is_object() || !json.contains(key) || !json.at(key).is_number()) return std::nan("");
  return json.at(key).get<double>();
}

Limits widest(const Json& estimate) {
  const Limits own{value_of(estimate, "low"), value_of(estimate, "high")}, normal{value_of(estimate, "normal_low"), value_of(estimate, "normal_high")};
  return normal.low < own.low ? normal : own;
}

Json estimate_of(const Json& group, const std::string& name) { return group.is_object() && group.contains(name) ? group.at(name) : Json(nullptr); }

std::string estimate_text(const Json& estimate, int digits) {
  if (!estimate.is_object()) return "not computed";
  if (estimate.contains("not_estimable")) return "<span class=\"why\">not estimable: " + escaped(estimate.at("not_estimable").get<std::string>()) + "</span>";
  const double value = value_of(estimate, "value"), low = value_of(estimate, "low"), high = value_of(estimate, "high");
  if (!std::isfinite(low)) return number(value, digits);
  std::string more = estimate.contains("k") ? "; k = " + estimate.at("k").dump() : std::string();
  if (const Limits wider = widest(estimate); wider.low < low) more += fmt::format(", normal interval {} to {}", number(wider.low, digits), number(wider.high, digits));
  return fmt::format("{} <span class=\"ci\">({} to {}{})</span>", number(value, digits), number(low, digits), number(high, digits), more);
}

std::vector<std::string> endpoints_of(const Source& source) {
  std::vector<std::string> names;
  if (source.validation.is_object() && source.validation.contains("figures"))
    for (const auto& [name, figure] : source.validation.at("figures").items()) names.push_back(name);
  return names;
}

std::string title_of(const std::string& endpoint) {
  constexpr std::array<std::pair<const char*, const char*>, 4> kKnown{
      {{"rfs", "recurrence-free survival"}, {"dfs", "disease-free survival"}, {"os", "overall survival"}, {"pfs", "progression-free survival"}}};
  for (const auto& [name, title] : kKnown)
    if (endpoint == name) return fmt::format("{} ({})", title, name);
  return endpoint;
}

Source read_source(const PageRequest& request) {
  const ValidationFolder folder{request.run};
  Source source;
  source.validation = read_json(folder.results(), kValidationDocument.schema);
  source.run = read_json(folder.run(), kRunDocument.schema);
  source.evaluation = read_json(request.run / kEvaluationDocument.file, kEvaluationDocument.schema);
  if (source.validation.is_null() && source.run.is_null() && source.evaluation.is_null())
    throw store_error("holds neither a validation nor a run", {request.run.string()}, "give the folder of hepar validate, hepar train or hepar evaluate");
  std::set<fs::path> folds;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder.folds(), ignored)) folds.insert(entry.path());
  if (folds.empty()) folds.insert(request.run);
  for (const fs::path& fold : folds) {
    const Json run = read_json(RunFolder{fold}.run(), kRunDocument.schema);
    if (!run.is_null()) source.fold_runs.push_back(run);
    const fs::path events = RunFolder{fold}.events();
    if (fs::exists(events, ignored)) source.training.push_back(training_curve(fold.filename().string(), events));
  }
  if (request.store) source.flow = flow_of(*request.store, source);
  source.example = example_of(source.validation);
  return source;
}

}  // namespace hepar::report
