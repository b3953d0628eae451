// SPDX-License-Identifier: Apache-2.0
// What the page is made from, read once. Internal to the room.
#pragma once

#include "data/base/page.hpp"
#include "trainer/report/page.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace hepar::report {

using Json = nlohmann::ordered_json;

class Chart;

constexpr double kYear = 12;  // months, between ticks

struct TrainingCurve {
  std::string name;
  std::vector<std::pair<double, double>> loss;
};

// One patient's predicted survival: [strategy][endpoint] -> (month, survival); none under a strategy that is not estimable.
struct ExamplePatient {
  std::string id, centre, fold, observed;
  std::vector<std::string> strategies, endpoints;
  std::vector<std::vector<std::vector<std::pair<double, double>>>> curves;
  std::vector<std::string> not_estimable;  // [strategy]: why, or empty
};

struct Source {
  Json validation;              // null for a plain run
  Json evaluation;              // null unless the folder is of hepar evaluate
  Json run;                     // run.json
  Json flow;                    // null without a store
  std::vector<Json> fold_runs;  // run.json of each fold, in order of names
  std::vector<TrainingCurve> training;
  std::optional<ExamplePatient> example;
};
[[nodiscard]] Source read_source(const PageRequest& request);
[[nodiscard]] Json read_json(const std::filesystem::path& path, const char* schema);  // null when absent
[[nodiscard]] TrainingCurve training_curve(const std::string& name, const std::filesystem::path& events);
// Means over ten steps and more, without what is not finite.
[[nodiscard]] std::vector<std::pair<double, double>> smoothed(const std::vector<std::pair<double, double>>& loss);

// Sections, in the order of the page; an empty text leaves one out.
[[nodiscard]] std::string headline_section(const Source& source);
[[nodiscard]] std::string reading_section(const Source& source);
[[nodiscard]] std::string flow_section(const Source& source);
[[nodiscard]] std::string forest_section(const Source& source);
[[nodiscard]] std::string survival_section(const Source& source);
[[nodiscard]] std::string calibration_section(const Source& source);
[[nodiscard]] std::string accuracy_section(const Source& source);
[[nodiscard]] std::string strategies_section(const Source& source);
[[nodiscard]] std::string availability_section(const Source& source);
[[nodiscard]] std::string checklist_section(const Source& source);
[[nodiscard]] std::string policies_section(const Source& source);
[[nodiscard]] std::string evaluation_section(const Source& source);
[[nodiscard]] std::string example_section(const Source& source);
[[nodiscard]] std::string training_section(const Source& source);
[[nodiscard]] std::string cost_section(const Source& source);
[[nodiscard]] std::string audit_section(const Source& source);
[[nodiscard]] std::string provenance_section(const Source& source);

// "0.712 (0.690 to 0.733)", of a pool with its k and with its normal interval where that is wider, or why it is not estimable.
[[nodiscard]] std::string estimate_text(const Json& estimate, int digits = 3);
[[nodiscard]] Json estimate_of(const Json& group, const std::string& name);  // null when absent
[[nodiscard]] Json pooled(const Source& source, const std::string& name);    // an Estimate, or null
// Every model that the validation compared with, whatever its name.
struct BaselineShown {
  std::string name, title, method;  // title for readers; method empty in results that do not say it
  Json folds, pooled, difference;   // folds: [{"name", "metrics", "difference"}]
};
[[nodiscard]] std::vector<BaselineShown> baselines_of(const Source& source);
[[nodiscard]] double value_of(const Json& json, const char* key);            // NaN when absent or null
// The wider of a pool's two intervals, which lie about one mean; of any other estimate its own.
struct Limits {
  double low, high;
};
[[nodiscard]] Limits widest(const Json& estimate);
[[nodiscard]] std::vector<std::string> endpoints_of(const Source& source);
// A whole page of such parts, and its navigation.
struct Part {
  std::string id, title, html;
};
[[nodiscard]] std::string whole_page(const std::string& title, const std::string& what, const std::vector<Part>& parts);
[[nodiscard]] std::string sweep_page(const std::filesystem::path& folder);
[[nodiscard]] std::string title_of(const std::string& endpoint);  // the name that readers know: "overall survival (os)"
// Groups of observed outcomes with their bands and numbers at risk; its legend: "NAME + kind: 3 events in 9 patients".
[[nodiscard]] std::string add_curves(Chart& chart, const Json& groups, const std::string& kind);
[[nodiscard]] std::string figure(const std::string& chart, const std::string& caption);                           // both HTML

}  // namespace hepar::report
