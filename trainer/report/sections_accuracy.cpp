// SPDX-License-Identifier: Apache-2.0
// The sections about how far predictions can be trusted, and what one looks like.
#include "data/base/text.hpp"
#include "trainer/report/source.hpp"
#include "trainer/report/svg.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace hepar::report {

namespace {

constexpr const char* kTerms =
    "<p class=\"muted\">Pooled over folds, with 95 % intervals. AUC: chance that a patient who had the event by then had the higher predicted risk than one who had not. Brier: mean squared "
    "distance of predicted risk and outcome, 0 is perfect. IPA: share by which that is smaller than with everybody's average risk. Observed / expected: 1 is perfect. Uno C: C with patients lost to "
    "follow-up accounted for. IBS: Brier over time. ICI: mean distance of predicted from observed risk. AUC, Brier and IPA weight patients by their chance of still being followed.</p>";

// An estimate with "3 of 5 folds" where some folds say nothing of it.
std::string pooled_text(const Json& estimate, const Json& folds, const char* group, const std::string& name, int digits) {
  std::size_t have = 0;
  for (const Json& fold : folds) have += std::isfinite(value_of(estimate_of(fold.value(group, Json::object()), name), "value")) ? 1 : 0;
  const std::string text = estimate_text(estimate, digits);
  return have == 0 || have == folds.size() ? text : text + fmt::format(" <span class=\"ci\">{} of {} folds</span>", have, folds.size());
}
std::string pooled_text(const Source& source, const std::string& name, int digits = 3) {
  return pooled_text(pooled(source, name), source.validation.at("folds"), "metrics", name, digits);
}

// What the model has over each baseline, at the horizon and over time.
std::string compared_table(const Source& source) {
  std::vector<std::vector<std::string>> rows;
  for (const BaselineShown& one : baselines_of(source))
    for (const std::string& endpoint : endpoints_of(source)) {
      const std::string month = "." + number(value_of(source.validation.at("figures").at(endpoint), "horizon"), 0);
      rows.push_back({escaped(endpoint) + ", minus " + escaped(one.title)});
      for (const std::string& name : {std::string("uno_c"), "auc" + month, "brier" + month, "ipa" + month, std::string("ibs"), std::string("ici")})
        rows.back().push_back(pooled_text(estimate_of(one.difference, endpoint + "." + name), one.folds, "difference", endpoint + "." + name, 3));
    }
  return rows.empty() ? "" : table({"model minus baseline, at the horizon", "Uno C", "AUC", "Brier", "IPA", "IBS", "ICI"}, rows);
}

// Folds and reasons, each with the figures that it takes away: the first few by name, for validation.json lists all.
std::string missing_text(const Source& source) {
  constexpr std::size_t kNamed = 3;
  constexpr std::string_view kOfDifference = "baseline: ";  // the same reason once more, for the difference from a baseline
  std::vector<std::pair<std::string, std::vector<std::string>>> reasons;  // "C02: 3 events by 12 months, …", names
  for (const Json& one : source.validation.value("not_estimable", Json::array())) {
    std::string why = one.at("why").get<std::string>();
    if (why.starts_with(kOfDifference)) why.erase(0, kOfDifference.size());
    const std::string key = one.at("fold").get<std::string>() + ": " + why, baseline = one.value("baseline", "");
    auto found = std::find_if(reasons.begin(), reasons.end(), [&](const auto& reason) { return reason.first == key; });
    if (found == reasons.end()) found = reasons.insert(reasons.end(), {key, {}});
    found->second.push_back((baseline.empty() ? "" : baseline + " ") + one.at("name").get<std::string>());
  }
  std::string list;
  for (const auto& [why, names] : reasons) {
    const std::string more = names.size() > kNamed ? " and " + std::to_string(names.size() - kNamed) + " more" : "";
    list += "<li>" + escaped(why) + " <span class=\"muted\">(" + escaped(join(std::span(names).first(std::min(kNamed, names.size())), ", ") + more) + ")</span></li>";
  }
  return list.empty() ? "" : "<details open><summary>Not estimable, and left out of the pool</summary><ul>" + list + "</ul></details>";
}

bool both_lack(const Json& one, const Json& other) {
  return one.is_object() && other.is_object() && one.contains("not_estimable") && other.contains("not_estimable") && one.at("not_estimable") == other.at("not_estimable");
}

std::string calibration_text(const Json& oe, const Json& slope) {
  if (both_lack(oe, slope)) return "Observed / expected and slope are " + estimate_text(oe) + ".";
  return fmt::format("Observed / expected {} (1: as many events as predicted); slope {} (1: right spread; below 1: predictions too extreme).", estimate_text(oe, 2), estimate_text(slope, 2));
}

struct Recalibration {
  std::size_t folds = 0;  // that were trained
  std::vector<std::string> without;  // "C02: 5 events, fewer than 20"
};

Recalibration recalibration_of(const Json& folds, const std::string& endpoint) {
  Recalibration out;
  for (const Json& fold : folds) {
    const Json map = estimate_of(fold.value("calibration", Json::object()), endpoint);
    if (!map.is_object()) continue;
    ++out.folds;
    if (value_of(map, "weight") != 0) continue;
    const std::string why = map.value("not_recalibrated", "");
    out.without.push_back(escaped(fold.at("name").get<std::string>() + ": " + (why.empty() ? map.at("events").dump() + " events" : why)));
  }
  return out;
}

// What the recalibration on patients set aside did, or that it did not happen; a reason that stands there already is not told again.
std::string recalibration_text(const Source& source, const std::string& endpoint, const std::string& month) {
  const Recalibration done = recalibration_of(source.validation.at("folds"), endpoint);
  std::string text;
  if (!done.without.empty())
    text = fmt::format(" Not recalibrated{}: too little among the patients set aside ({}).", done.without.size() == done.folds ? "" : fmt::format(" in {} of {} folds", done.without.size(), done.folds), fmt::join(done.without, "; "));
  const Json oe = pooled(source, endpoint + ".raw_oe." + month), slope = pooled(source, endpoint + ".raw_calibration_slope");
  if (done.without.size() == done.folds || (both_lack(oe, pooled(source, endpoint + ".oe." + month)) && both_lack(slope, pooled(source, endpoint + ".calibration_slope")))) return text;
  return text + fmt::format(" Before the recalibration on patients set aside in each training fold: {} and {}.", estimate_text(oe, 2), estimate_text(slope, 2));
}

}  // namespace

std::string calibration_section(const Source& source) {
  if (!source.validation.is_object()) return {};
  std::string body;
  for (const std::string& endpoint : endpoints_of(source)) {
    const Json& figures = source.validation.at("figures").at(endpoint);
    Chart chart("Calibration of " + title_of(endpoint), {0, 1, "predicted risk", 0.2, true}, {0, 1, "observed risk", 0.2, true}, 440, 400);
    chart.line({{0, 0}, {1, 1}}, "chance");
    for (const Json& group : figures.at("calibration")) {
      chart.interval(value_of(group, "predicted"), value_of(group, "low"), value_of(group, "high"), "whisker");
      chart.dot(value_of(group, "predicted"), value_of(group, "observed"), "mark");
    }
    const std::string month = number(value_of(figures, "horizon"), 0);
    std::int64_t n = 0, events = 0;
    for (const Json& group : figures.at("risk_groups").at("groups")) {
      n += group.at("n").get<std::int64_t>();
      events += group.at("events").get<std::int64_t>();
    }
    body +=
        figure(chart.svg(),
               fmt::format("{} by {} months: held-out patients in fifths of their predicted risk ({} events in {} patients); on the dashed line prediction and outcome agree. "
                           "{}{}",
                           escaped(title_of(endpoint)), month, events, n, calibration_text(pooled(source, endpoint + ".oe." + month), pooled(source, endpoint + ".calibration_slope")),
                           recalibration_text(source, endpoint, month)));
  }
  return section("calibration", "Do predicted risks come true?", "<div class=\"pair\">" + body + "</div>");
}

std::string accuracy_section(const Source& source) {
  if (!source.validation.is_object()) return {};
  std::vector<std::vector<std::string>> by_month, over_time;
  for (const std::string& endpoint : endpoints_of(source)) {
    const double horizon = value_of(source.validation.at("figures").at(endpoint), "horizon");
    const auto row = [&](double month) {
      const std::string m = "." + number(month, 0), front = endpoint + ".";
      by_month.push_back({escaped(endpoint) + ", " + number(month, 0) + " months", pooled_text(source, front + "auc" + m), pooled_text(source, front + "brier" + m),
                          pooled_text(source, front + "ipa" + m), pooled_text(source, front + "oe" + m, 2)});
    };
    for (double month = kYear; month < horizon - 1e-9; month += kYear) row(month);
    row(horizon);
    over_time.push_back({escaped(endpoint), pooled_text(source, endpoint + ".uno_c"), pooled_text(source, endpoint + ".ibs"), pooled_text(source, endpoint + ".ici")});
  }
  return section("accuracy", "How accurate it is, by time",
                 table({"", "AUC", "Brier", "IPA", "observed / expected"}, by_month) + table({"over time", "Uno C", "IBS", "ICI"}, over_time) + compared_table(source) + kTerms + missing_text(source));
}

// How many patients of each training fold received a strategy: what its prediction can rest on.
std::string strategies_section(const Source& source) {
  if (!source.validation.is_object()) return {};
  std::vector<std::string> header{"fold", "held-out patients"};
  std::vector<std::vector<std::string>> rows;
  std::string notes;
  for (const Json& fold : source.validation.at("folds")) {
    const Json strategies = fold.value("strategies", Json::array());
    if (strategies.size() < 2) continue;  // one arm, or a fold that was not trained
    std::vector<std::string> row{escaped(fold.at("name").get<std::string>()), fold.at("patients").dump()};
    for (const Json& strategy : strategies) {
      if (header.size() < strategies.size() + 2) header.push_back(escaped(strategy.at("name").get<std::string>()));
      row.push_back(strategy.at("patients").dump() + (strategy.contains("not_estimable") ? " <span class=\"bad\">not estimable</span>" : ""));
    }
    rows.push_back(std::move(row));
    if (const std::string note = fold.value("propensity_note", ""); !note.empty()) notes += "<li>" + escaped(fold.at("name").get<std::string>()) + ": " + escaped(note) + "</li>";
  }
  if (rows.empty()) return {};
  return section("strategies", "Which strategies it can speak for",
                 "<p>Training patients of each fold who received a strategy. A strategy that fewer than five of them received is not estimable there: its cells in <code>predictions.csv</code> are empty, and it "
                 "has no part in the natural mixture.</p>" +
                     table(header, rows, Narrow::sliding) + (notes.empty() ? "" : "<p>About the mixture:</p><ul>" + notes + "</ul>"));
}

std::string example_section(const Source& source) {
  if (!source.example) return {};
  const ExamplePatient& patient = *source.example;
  std::string body = fmt::format("<p>Patient {} of centre {}, with the middle of all predicted risks, as predicted by the model that had never seen {}. Recorded strategy: {}.</p><div class=\"pair\">",
                                 escaped(patient.id), escaped(patient.centre), patient.fold == patient.centre ? "this centre" : "this patient", escaped(patient.observed));
  for (std::size_t e = 0; e < patient.endpoints.size(); ++e) {
    double longest = kYear;
    for (const auto& strategy : patient.curves)
      for (const auto& [month, survival] : strategy[e]) longest = std::max(longest, month);
    Chart chart("Predicted " + title_of(patient.endpoints[e]), {0, longest, "months after surgery", kYear}, {0, 1, "predicted without the event", 0.2, true}, 480, 320);
    std::string legend = "<ul class=\"legend\">";
    for (std::size_t s = 0; s < patient.strategies.size(); ++s) {
      const std::string css = fmt::format("c{}", s % 4);
      if (!patient.not_estimable[s].empty()) {
        legend += "<li class=\"" + css + "\"><span>" + escaped(patient.strategies[s]) + ": not estimable, " + escaped(patient.not_estimable[s]) + "</span></li>";
        continue;
      }
      chart.line(patient.curves[s][e], "line " + css);
      legend += "<li class=\"" + css + "\"><span>" + escaped(patient.strategies[s]) + ": " + number(100 * patient.curves[s][e].back().second, 0) + " % at " + number(longest, 0) + " months</span></li>";
    }
    body += figure(chart.svg() + legend + "</ul>", escaped(title_of(patient.endpoints[e])) + " under each strategy.");
  }
  return section("example", "One patient under every strategy",
                 body + "</div><p class=\"muted\">Research use only. Differences between strategies rest on observational data and are not advice.</p>");
}

}  // namespace hepar::report
