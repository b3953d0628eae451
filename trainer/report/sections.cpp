// SPDX-License-Identifier: Apache-2.0
// The sections about results.
#include "trainer/report/source.hpp"
#include "trainer/report/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hepar::report {

namespace {

std::string figure(const std::string& chart, const std::string& caption) { return "<figure>" + chart + "<figcaption>" + caption + "</figcaption></figure>"; }

Json pooled(const Source& source, const std::string& name) {
  return source.validation.contains("pooled") ? estimate_of(source.validation.at("pooled"), name) : Json(nullptr);
}
Json difference(const Source& source, const std::string& name) {
  const Json baselines = source.validation.value("baselines", Json::object());
  return baselines.contains("clinical_cox") ? estimate_of(baselines.at("clinical_cox").value("difference", Json::object()), name) : Json(nullptr);
}
Json baseline(const Source& source, const std::string& name) {
  const Json baselines = source.validation.value("baselines", Json::object());
  return baselines.contains("clinical_cox") ? estimate_of(baselines.at("clinical_cox").value("pooled", Json::object()), name) : Json(nullptr);
}

Points points_of(const Json& x, const Json& y) {
  Points points;
  for (std::size_t i = 0; i < x.size() && i < y.size(); ++i)
    if (x[i].is_number() && y[i].is_number()) points.emplace_back(x[i].get<double>(), y[i].get<double>());
  return points;
}

// One centre's row of a forest plot, drawn by hand: the axis is shared, labels are text.
std::string forest(const Source& source, const std::string& endpoint) {
  const std::string name = endpoint + ".harrell_c";
  const Json& folds = source.validation.at("folds");
  const int row = 24, top = 10, left = 150, right = 230, width = 760, height = top + row * (static_cast<int>(folds.size()) + 2) + 40;
  double low = 0.3;  // lower where an interval is
  for (const Json& fold : folds)
    if (const double from = value_of(estimate_of(fold.at("metrics"), name), "low"); from < low) low = from;
  if (const double from = value_of(pooled(source, name + "_prediction"), "low"); from < low) low = from;
  low = std::max(0.0, std::floor(low * 10) / 10);
  const double high = 1.0;
  const auto px = [&](double c) { return left + (std::clamp(c, low, high) - low) / (high - low) * (width - left - right); };
  std::string svg =
      fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"Concordance of {} by held-out fold\"><title>Concordance of {} by held-out fold</title>"
                  "<text class=\"tick\" x=\"{}\" y=\"{}\">C (95 % interval)</text><text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"end\">events / n</text>",
                  width, height, escaped(endpoint), escaped(endpoint), width - right + 26, height - 14, width - 4, height - 14);
  for (const double at : ticks(low, high, 7))
    svg += fmt::format("<path class=\"grid\" d=\"M{:.1f} {}V{}\"/><text class=\"tick\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.1f}</text>", px(at), top,
                       height - 30, px(at), height - 14, at);
  svg += fmt::format("<path class=\"chance\" d=\"M{:.1f} {}V{}\"/>", px(0.5), top, height - 30);
  int y = top + row / 2;
  const auto line = [&](const std::string& label, const Json& estimate, const char* css, bool diamond) {
    svg += fmt::format("<text class=\"name\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", left - 10, y + 4, escaped(label));
    const double value = value_of(estimate, "value"), from = value_of(estimate, "low"), to = value_of(estimate, "high");
    if (!std::isfinite(value)) {
      svg += fmt::format("<text class=\"muted\" x=\"{}\" y=\"{}\">not estimable</text>", left + 8, y + 4);
    } else {
      if (diamond) {
        svg += fmt::format("<path class=\"{}\" d=\"M{:.1f} {}L{:.1f} {}L{:.1f} {}L{:.1f} {}Z\"/>", css, px(from), y, px(value), y - 7, px(to), y, px(value),
                           y + 7);
      } else {
        svg += fmt::format("<path class=\"{}\" d=\"M{:.1f} {}H{:.1f}\"/><circle class=\"mark\" cx=\"{:.1f}\" cy=\"{}\" r=\"4\"/>", css, px(from), y, px(to),
                           px(value), y);
      }
      svg += fmt::format("<text class=\"tick\" x=\"{}\" y=\"{}\">{:.2f} ({:.2f} to {:.2f})</text>", width - right + 26, y + 4, value, from, to);
    }
    const double n = value_of(estimate, "n"), events = value_of(estimate, "events");
    if (std::isfinite(n) && std::isfinite(events))
      svg += fmt::format("<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{:.0f} / {:.0f}</text>", width - 4, y + 4, events, n);
    y += row;
  };
  for (const Json& fold : folds) line(fold.at("name").get<std::string>(), estimate_of(fold.at("metrics"), name), "whisker", false);
  line("pooled", pooled(source, name), "diamond", true);
  line("a new centre", pooled(source, name + "_prediction"), "prediction", false);
  return "<div class=\"scroll\"><div class=\"wide\">" + svg + "</svg></div></div>";
}

}  // namespace

std::string headline_section(const Source& source) {
  if (!source.validation.is_object()) return {};
  std::vector<std::vector<std::string>> rows;
  for (const std::string& endpoint : endpoints_of(source)) {
    const std::string c = endpoint + ".harrell_c";
    const Json all = pooled(source, c);
    rows.push_back({escaped(title_of(endpoint)), estimate_text(all), estimate_text(pooled(source, c + "_prediction")), estimate_text(baseline(source, c)),
                    estimate_text(difference(source, c)),
                    all.is_object() ? fmt::format("{} / {}", number(value_of(all, "events"), 0), number(value_of(all, "n"), 0)) : "not known"});
  }
  const std::string estimand = source.validation.value("estimand", "");
  return section("headline", "Discrimination where the model was never trained",
                 "<p>Harrell's C of held-out patients, pooled over folds by random effects; 0.5 is chance.</p>" +
                     table({"endpoint", "model", "in a new centre", "clinical Cox", "model over Cox", "events / n"}, rows) +
                     (estimand.empty() ? "" : "<p class=\"muted\">Estimand: " + escaped(estimand) + ".</p>"));
}

std::string forest_section(const Source& source) {
  if (!source.validation.is_object()) return {};
  std::string body;
  for (const std::string& endpoint : endpoints_of(source))
    body += figure(
        forest(source, endpoint),
        "Harrell's C of " + escaped(title_of(endpoint)) +
            " in each held-out fold, of the risk under the natural mixture of strategies, with 95 % intervals; the diamond "
            "pools them, the last row is the prediction interval for a centre that nobody has seen.");
  return section("centres", "Centre by centre", body);
}

std::string survival_section(const Source& source) {
  if (!source.validation.is_object()) return {};
  std::string body;
  for (const std::string& endpoint : endpoints_of(source)) {
    const Json& figures = source.validation.at("figures").at(endpoint);
    const Json& groups = figures.at("risk_groups").at("groups");
    const double horizon = value_of(figures, "horizon");
    Chart chart(endpoint + " by predicted risk", {0, horizon, "months after surgery"}, {0, 1, "free of event"});
    std::string legend = "<ul class=\"legend\">";
    std::vector<std::string> header{"at risk"};
    std::vector<std::vector<std::string>> rows;
    int index = 0;
    for (const Json& group : groups) {
      const std::string css = fmt::format("c{}", index++);
      chart.band(points_of(group.at("times"), group.at("low")), points_of(group.at("times"), group.at("high")), "band " + css);
      const Points curve = points_of(group.at("times"), group.at("survival"));
      chart.steps(curve, "line " + css);
      legend += "<li class=\"" + css + "\">" + escaped(group.at("name").get<std::string>()) + " risk: " + group.at("events").dump() + " events in " +
                group.at("n").dump() + "</li>";
      std::vector<std::string> row{escaped(group.at("name").get<std::string>())};
      for (const Json& n : group.at("at_risk")) row.push_back(n.dump());
      if (header.size() == 1)
        for (const Json& month : group.at("at_risk_times")) header.push_back(number(month.get<double>(), 0) + " mo");
      rows.push_back(row);
    }
    const double p = value_of(figures.at("risk_groups").at("logrank"), "p");
    body += figure(chart.svg() + legend + "</ul>" + table(header, rows),
                   escaped(title_of(endpoint)) + ": " + escaped(figures.at("risk_groups").at("method").get<std::string>()) +
                       " with 95 % bands; held-out patients of all folds; groups by " +
                       escaped(figures.at("risk_groups").at("rule").get<std::string>()) + "; log-rank test stratified by fold: p " +
                       (p < 0.0001 ? "&lt; 0.0001" : "= " + number(p, 4)) + ".");
  }
  return section("survival", "Survival by predicted risk", body);
}

std::string calibration_section(const Source& source) {
  if (!source.validation.is_object()) return {};
  std::string body;
  for (const std::string& endpoint : endpoints_of(source)) {
    const Json& figures = source.validation.at("figures").at(endpoint);
    Chart chart("Calibration of " + endpoint, {0, 1, "predicted risk"}, {0, 1, "observed risk"}, 420, 380);
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
               fmt::format("{}, {} months: fifths of the predicted risk of held-out patients ({} events in {}). Observed/expected {}; "
                           "slope {}; before calibration on the inner split: {}; slope {}.",
                           escaped(title_of(endpoint)), month, events, n, estimate_text(pooled(source, endpoint + ".oe." + month), 2),
                           estimate_text(pooled(source, endpoint + ".calibration_slope"), 2), estimate_text(pooled(source, endpoint + ".raw_oe." + month), 2),
                           estimate_text(pooled(source, endpoint + ".raw_calibration_slope"), 2)));
  }
  return section("calibration", "Do predicted risks come true?", "<div class=\"pair\">" + body + "</div>");
}

constexpr const char* kTerms =
    "<p class=\"muted\">Random effects over folds, 95 % intervals. AUC: chance that a patient with the event by then had the higher predicted risk than one "
    "without (censoring weighted). Brier: mean squared error of the predicted risk, 0 is perfect. IPA: share by which it is smaller than with "
    "everybody's average risk. Observed / expected and slope: 1 is perfect. Uno C: Harrell's C weighted for censoring. IBS: Brier over time. ICI: mean distance of predicted from "
    "observed risk.</p>";

std::string accuracy_section(const Source& source) {
  if (!source.validation.is_object()) return {};
  std::vector<std::vector<std::string>> rows;
  for (const std::string& endpoint : endpoints_of(source)) {
    const double horizon = value_of(source.validation.at("figures").at(endpoint), "horizon");
    for (double month = 12; month <= horizon + 1e-9; month += 12) {
      const std::string m = number(month, 0);
      rows.push_back({escaped(endpoint) + ", " + m + " months", estimate_text(pooled(source, endpoint + ".auc." + m)),
                      estimate_text(pooled(source, endpoint + ".brier." + m)), estimate_text(pooled(source, endpoint + ".ipa." + m)),
                      estimate_text(pooled(source, endpoint + ".oe." + m), 2)});
    }
    rows.push_back({escaped(endpoint) + ", over time", "Uno C " + estimate_text(pooled(source, endpoint + ".uno_c")),
                    "IBS " + estimate_text(pooled(source, endpoint + ".ibs")), "ICI " + estimate_text(pooled(source, endpoint + ".ici")), ""});
  }
  std::string missing;
  for (const Json& one : source.validation.value("not_estimable", Json::array()))
    missing += "<li>" + escaped(one.at("fold").get<std::string>()) + ", " + escaped(one.at("name").get<std::string>()) + ": " +
               escaped(one.at("why").get<std::string>()) + "</li>";
  return section("accuracy", "Accuracy by time",
                 table({"", "AUC", "Brier", "IPA", "observed / expected"}, rows) + kTerms +
                     (missing.empty() ? "" : "<p>Not estimable, and left out of the pool:</p><ul>" + missing + "</ul>"));
}

std::string example_section(const Source& source) {
  if (!source.example) return {};
  const ExamplePatient& patient = *source.example;
  std::string body = fmt::format("<p>Patient {} of centre {}, predicted by the model that never saw {}; recorded strategy: {}.</p><div class=\"pair\">",
                                 escaped(patient.id), escaped(patient.centre), patient.fold.empty() ? "them" : "their fold", escaped(patient.observed));
  for (std::size_t e = 0; e < patient.endpoints.size(); ++e) {
    double longest = 12;
    for (const auto& strategy : patient.curves)
      for (const auto& [month, survival] : strategy[e]) longest = std::max(longest, month);
    Chart chart("Predicted " + patient.endpoints[e], {0, longest, "months after surgery"}, {0, 1, "predicted free of event"}, 480, 300);
    std::string legend = "<ul class=\"legend\">";
    for (std::size_t s = 0; s < patient.strategies.size(); ++s) {
      const std::string css = fmt::format("c{}", s);
      chart.line(patient.curves[s][e], "line " + css);
      legend += "<li class=\"" + css + "\">" + escaped(patient.strategies[s]) + ": " + number(100 * patient.curves[s][e].back().second, 0) + " % at " +
                number(longest, 0) + " months</li>";
    }
    body += figure(chart.svg() + legend + "</ul>", escaped(title_of(patient.endpoints[e])) + " under each strategy, as this patient's own model predicts it.");
  }
  return section("example", "One patient, every strategy",
                 body + "</div><p class=\"muted\">Research use only. Differences between strategies rest on observational data and are not advice.</p>");
}

}  // namespace hepar::report
