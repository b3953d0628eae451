// SPDX-License-Identifier: Apache-2.0
// Reporting guidelines, item by item, from what the run's files say: TRIPOD+AI (Collins 2024), CLAIM (Mongan 2020), PROBAST
// (Wolff 2019). What a run cannot know stands as "not reported", for the authors to fill in.
#include "trainer/report/source.hpp"
#include "trainer/report/svg.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace hepar::report {

namespace {

using Answer = std::string (*)(const Source&);

std::string none(const Source&) { return {}; }
const Json& folds_of(const Source& s) { return s.validation.at("folds"); }
std::string text_at(const Json& json, const char* key) {
  return json.is_object() && json.contains(key) && json.at(key).is_string() ? json.at(key).get<std::string>() : std::string();
}

std::string design(const Source& s) {
  return "development with validation on patients held out: " + text_at(s.validation, "scheme") + ", " + std::to_string(folds_of(s).size()) + " folds";
}
std::string centres(const Source& s) {
  std::string names;
  for (const Json& fold : folds_of(s))
    for (const Json& centre : fold.at("held_out")) names += (names.empty() ? "" : ", ") + centre.get<std::string>();
  return names.empty() ? "" : "held out in turn: " + names;
}
std::string estimand(const Source& s) { return text_at(s.validation, "estimand"); }
std::string endpoints(const Source& s) {
  std::string names;
  for (const std::string& one : endpoints_of(s)) names += (names.empty() ? "" : "; ") + title_of(one);
  return names;
}
std::string eligibility(const Source& s) { return s.flow.is_object() ? "rules in order with counts: section Cohort" : std::string(); }
std::string treatments(const Source& s) {
  return s.validation.contains("policies") && s.validation.at("policies").contains("overlap")
             ? "by strategy started in the treatment window: sections Strategies, Policies"
             : std::string();
}
std::string inputs(const Source& s) {
  if (s.fold_runs.empty() || !s.fold_runs.front().contains("inputs")) return {};
  return "inputs " + escaped(s.fold_runs.front().at("inputs").dump());
}
std::string left_out(const Source& s) {
  return s.fold_runs.empty() || !s.fold_runs.front().contains("left_out")
             ? ""
             : "left out as known too late or not asked for: " + escaped(s.fold_runs.front().at("left_out").dump());
}
std::string sample_size(const Source& s) {
  std::int64_t n = 0;
  for (const Json& fold : folds_of(s)) n += fold.value("patients", std::int64_t{0});
  std::string events;
  for (const std::string& endpoint : endpoints_of(s)) {
    std::int64_t sum = 0;
    for (const Json& fold : folds_of(s)) sum += fold.at("events").value(endpoint, std::int64_t{0});
    events += fmt::format(", {} events of {}", sum, endpoint);
  }
  return fmt::format("{} patients held out and predicted{}; no sample-size calculation is made by the program", n, events);
}
std::string missing(const Source& s) {
  return std::string("a number is filled with its training fold's mean and flagged as missing; an absent modality is masked") +
         (s.validation.contains("availability") ? "; results for those who lack something: section Accuracy by what is there" : "");
}
std::string model(const Source& s) {
  if (s.fold_runs.empty()) return {};
  return "network of " + (s.fold_runs.front().contains("parameters") ? s.fold_runs.front().at("parameters").dump() : "?") +
         " parameters, discrete-time hazards, mode " + text_at(s.fold_runs.front(), "mode") + "; configuration in config.yaml";
}
std::string seeds(const Source& s) {
  return s.fold_runs.empty() || !s.fold_runs.front().contains("seed")
             ? ""
             : "seed " + s.fold_runs.front().at("seed").dump() + "; the same bits on any number of ranks in reproducible mode";
}
std::string measures(const Source&) {
  return "Harrell and Uno C, AUC, Brier score, IPA, observed / expected, calibration slope, ICI, net benefit, policy value; 95 % intervals";
}
std::string discrimination(const Source& s) {
  std::string text;
  for (const std::string& endpoint : endpoints_of(s))
    text += (text.empty() ? "" : "; ") + endpoint + ": C " + estimate_text(pooled(s, endpoint + ".harrell_c"));
  return text;
}
std::string calibration(const Source& s) {
  std::string text;
  for (const std::string& endpoint : endpoints_of(s))
    text += (text.empty() ? "" : "; ") + endpoint + ": slope " + estimate_text(pooled(s, endpoint + ".calibration_slope"), 2);
  return text;
}
std::string heterogeneity(const Source& s) {
  return folds_of(s).size() > 1 ? "random effects over folds with a prediction interval for a new one: sections Result and Centres" : std::string();
}
std::string leakage(const Source& s) {
  return s.validation.at("audit").value("passed", false) ? "leak audit passed: everything fitted saw its training fold only" : "the leak audit FAILED";
}
std::string fairness(const Source& s) {
  return s.validation.contains("availability") ? "by what is missing of a patient; not by sex, age or ethnicity" : std::string();
}
std::string baseline(const Source& s) {
  std::string titles;
  for (const BaselineShown& one : baselines_of(s)) titles += (titles.empty() ? "" : ", ") + escaped(one.title);
  return titles.empty() ? titles : "paired on the same folds with: " + titles + ": section Result";
}
std::string provenance(const Source& s) {
  return "hashes of data, configuration and parameters: section Provenance" +
         std::string(s.validation.at("provenance").contains("config_sha256") ? "" : " (incomplete)");
}
std::string utility(const Source& s) {
  return s.validation.contains("policies") && s.validation.at("policies").contains("policies")
             ? "policy values with overlap and calibration of benefit: section Policies"
             : std::string();
}
std::string research_only(const Source&) { return "research use only; predictions are not shown to the treating physician"; }
std::string time_zero(const Source&) {
  return "the day of surgery; an input enters only if it is known at the time of prediction; treatments count from their start";
}

struct Item {
  const char* list;
  const char* number;
  const char* what;
  Answer answer;
};
constexpr std::array<Item, 51> kItems{{
    {"TRIPOD+AI", "1", "title names the kind of study", none},
    {"TRIPOD+AI", "2", "structured abstract", none},
    {"TRIPOD+AI", "3", "context, intended use, known inequalities", none},
    {"TRIPOD+AI", "4", "objective", design},
    {"TRIPOD+AI", "5", "sources and dates of the data", centres},
    {"TRIPOD+AI", "6", "setting, eligibility, treatments", eligibility},
    {"TRIPOD+AI", "6c", "treatments received", treatments},
    {"TRIPOD+AI", "7", "preparation of the data", left_out},
    {"TRIPOD+AI", "8", "outcome and its time", endpoints},
    {"TRIPOD+AI", "9", "predictors and when they are known", inputs},
    {"TRIPOD+AI", "10", "sample size", sample_size},
    {"TRIPOD+AI", "11", "missing data", missing},
    {"TRIPOD+AI", "12a", "use of the data, partition", design},
    {"TRIPOD+AI", "12c", "model, building, tuning", model},
    {"TRIPOD+AI", "12d", "heterogeneity between clusters", heterogeneity},
    {"TRIPOD+AI", "12e", "measures of performance", measures},
    {"TRIPOD+AI", "13", "class imbalance", none},
    {"TRIPOD+AI", "14", "fairness", fairness},
    {"TRIPOD+AI", "15", "output of the model", estimand},
    {"TRIPOD+AI", "16", "difference between development and evaluation data", centres},
    {"TRIPOD+AI", "17", "ethical approval", none},
    {"TRIPOD+AI", "18a", "funding", none},
    {"TRIPOD+AI", "18b", "conflicts of interest", none},
    {"TRIPOD+AI", "18c", "protocol and registration", none},
    {"TRIPOD+AI", "18e", "data and code", provenance},
    {"TRIPOD+AI", "19", "patient and public involvement", none},
    {"TRIPOD+AI", "20", "flow of participants", eligibility},
    {"TRIPOD+AI", "21", "numbers and events in each analysis", sample_size},
    {"TRIPOD+AI", "22", "the model itself", provenance},
    {"TRIPOD+AI", "23", "performance with intervals", discrimination},
    {"TRIPOD+AI", "24", "updating", none},
    {"TRIPOD+AI", "25", "interpretation", none},
    {"TRIPOD+AI", "26", "limitations", none},
    {"TRIPOD+AI", "27", "usability", research_only},
    {"CLAIM", "7", "sources of the images", centres},
    {"CLAIM", "9", "preprocessing", left_out},
    {"CLAIM", "11", "de-identification", none},
    {"CLAIM", "14", "reference standard", endpoints},
    {"CLAIM", "21", "how partitions are disjoint", leakage},
    {"CLAIM", "22", "description of the model", model},
    {"CLAIM", "24", "initialisation and seeds", seeds},
    {"CLAIM", "28", "metrics", measures},
    {"CLAIM", "30", "robustness", fairness},
    {"CLAIM", "32", "validation on external data", centres},
    {"CLAIM", "37", "failure analysis", none},
    {"PROBAST", "1 participants", "appropriate sources and eligibility", eligibility},
    {"PROBAST", "2 predictors", "known at the time of use, the same for all", time_zero},
    {"PROBAST", "3 outcome", "defined alike, without knowledge of predictors", endpoints},
    {"PROBAST", "4 analysis", "events, missing data, overfitting", leakage},
    {"PROBAST", "4 calibration", "calibration reported", calibration},
    {"PROBAST", "4 comparator", "gain over simple models and use in decisions",
     [](const Source& s) { return baseline(s) + (utility(s).empty() ? "" : "; " + utility(s)); }},
}};

}  // namespace

std::string availability_section(const Source& source) {
  if (!source.validation.is_object() || !source.validation.contains("availability") || source.validation.at("availability").empty()) return {};
  std::string body = "<p class=\"muted\">Pairs of patients of the same fold. Patterns overlap: a patient may lack several things.</p>";
  for (const auto& [endpoint, patterns] : source.validation.at("availability").items()) {
    std::vector<std::vector<std::string>> rows;
    for (const Json& one : patterns)
      rows.push_back({escaped(one.at("pattern").get<std::string>()), number(value_of(one, "patients"), 0), number(value_of(one.at("harrell_c"), "events"), 0),
                      estimate_text(one.at("harrell_c")), estimate_text(one.at("oe"), 2)});
    body += "<h3>" + escaped(title_of(endpoint)) + "</h3>" + table({"", "patients", "events", "Harrell C", "observed / expected"}, rows);
  }
  return section("availability", "Accuracy by what is there", body);
}

std::string checklist_section(const Source& source) {
  if (!source.validation.is_object()) return {};
  std::vector<std::vector<std::string>> rows;
  std::size_t reported = 0;
  for (const Item& item : kItems) {
    const std::string answer = item.answer(source);
    reported += answer.empty() ? 0 : 1;
    rows.push_back({std::string(item.list) + " " + item.number, item.what, answer.empty() ? "<span class=\"why\">not reported</span>" : answer});
  }
  return section("checklist", "Reporting guidelines",
                 fmt::format("<p>{} of {} items can be filled from the run; the others are for the authors.</p><details><summary>All items</summary>", reported,
                             kItems.size()) +
                     table({"item", "what", "where"}, rows) + "</details>");
}

}  // namespace hepar::report
