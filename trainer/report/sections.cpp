// SPDX-License-Identifier: Apache-2.0
// The sections about results.
#include "trainer/report/source.hpp"
#include "trainer/report/svg.hpp"
#include "trainer/statistics/held_out.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace hepar::report {

namespace {

Points points_of(const Json& x, const Json& y) {
  Points points;
  for (std::size_t i = 0; i < x.size() && i < y.size(); ++i)
    if (x[i].is_number() && y[i].is_number()) points.emplace_back(x[i].get<double>(), y[i].get<double>());
  return points;
}

// Places that a text takes: one a letter, two a CJK one.
std::size_t letters(const std::string& text) {
  std::size_t count = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0U) != 0x80U) count += byte >= 0xe3U ? 2 : 1;
  }
  return count;
}

// One centre's row of a forest plot, drawn by hand: the axis is shared, labels are text.
std::string forest(const Source& source, const std::string& endpoint) {
  const std::string name = endpoint + ".harrell_c";
  const Json& folds = source.validation.at("folds");
  std::size_t longest = 12;  // letters of "a new centre"
  for (const Json& fold : folds) longest = std::max(longest, letters(fold.at("name").get<std::string>()));
  const int row = 24, top = 10, left = 24 + 8 * static_cast<int>(std::min<std::size_t>(longest, 40)), right = 250, width = left + 380 + right,
            height = top + row * (static_cast<int>(folds.size()) + 2) + 40;
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
      if (const Limits wider = widest(estimate); wider.low < from) svg += fmt::format("<path class=\"whisker\" d=\"M{:.1f} {}H{:.1f}\"/>", px(wider.low), y, px(wider.high));
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

// "Recurrence-free survival (rfs): C 0.73 (0.70 to 0.76) …" in words, for who reads nothing else.
std::string sentence(const Source& source, const std::string& endpoint) {
  const std::string c = endpoint + ".harrell_c", title = "<b>" + escaped(title_of(endpoint)) + ":</b> ";
  const Json all = pooled(source, c);
  if (!all.is_object() || all.contains("not_estimable")) return "<li>" + title + (all.is_object() ? estimate_text(all) : "not computed") + ".</li>";
  std::string text = title + "C " + estimate_text(all, 2);
  for (const BaselineShown& one : baselines_of(source)) {
    const Json gain = estimate_of(one.difference, c);
    const double value = value_of(gain, "value");
    const auto [low, high] = widest(gain);
    if (gain.is_object() && gain.contains("not_estimable")) text += "; difference from the " + escaped(one.title) + " " + estimate_text(gain);
    if (!std::isfinite(low)) continue;
    const char* verdict = low > 0 ? "more than" : high < 0 ? "less than" : "no clear difference from";
    text += low > 0 || high < 0 ? fmt::format("; {:.2f} {} the {} ({:.2f} to {:.2f})", std::fabs(value), verdict, escaped(one.title), std::min(std::fabs(low), std::fabs(high)), std::max(std::fabs(low), std::fabs(high)))
                                : fmt::format("; {} the {} ({:+.2f}, {:+.2f} to {:+.2f})", verdict, escaped(one.title), value, low, high);
  }
  return "<li>" + text + ".</li>";
}

}  // namespace

std::string headline_section(const Source& source) {
  if (!source.validation.is_object()) return {};
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> header{"endpoint", "model", "in a new centre"};
  const std::vector<BaselineShown> baselines = baselines_of(source);
  for (const BaselineShown& one : baselines) {
    header.push_back(escaped(one.title));
    header.push_back("model minus " + escaped(one.title));
  }
  header.emplace_back("events / patients");
  std::string sentences;
  bool few = false;
  for (const std::string& endpoint : endpoints_of(source)) {
    const std::string c = endpoint + ".harrell_c";
    const Json all = pooled(source, c);
    sentences += sentence(source, endpoint);
    few = few || (all.is_object() && all.value("k", statistics::kFewFolds) < statistics::kFewFolds);
    rows.push_back({escaped(title_of(endpoint)), estimate_text(all), estimate_text(pooled(source, c + "_prediction"))});
    for (const BaselineShown& one : baselines) {
      rows.back().push_back(estimate_text(estimate_of(one.pooled, c)));
      rows.back().push_back(estimate_text(estimate_of(one.difference, c)));
    }
    rows.back().push_back(all.is_object() ? fmt::format("{} / {}", number(value_of(all, "events"), 0), number(value_of(all, "n"), 0)) : "not known");
  }
  return section("headline", "How well it tells patients apart where it was never trained",
                 "<ul class=\"sentences\">" + sentences + "</ul>" +
                     table(header, rows) + (few ? fmt::format("<p><b>Intervals over fewer than {} folds (k) are hardly informative.</b></p>", statistics::kFewFolds) : "") +
                     "<p class=\"muted\">C (Harrell's concordance) is the chance that of two patients the one with the higher predicted risk has the event first: 1 is always, 0.5 is a coin. "
                     "In parentheses: 95 % intervals over k folds (Hartung-Knapp; the normal interval too where it is wider, for folds that agree by chance make the other too narrow); for a new centre, the range in which the C of a centre that nobody has seen would lie.</p>");
}

// Every word of the page that a clinician may not know, in one place, before the figures.
std::string reading_section(const Source& source) {
  if (!source.validation.is_object()) return {};
  const std::string estimand = source.validation.value("estimand", "");
  static constexpr std::array<std::pair<const char*, const char*>, 5> kWords{
      {{"Fold", "one part of the patients, kept aside while a model is trained on the others and then predicted by it. With <code>leave_one_centre_out</code> a fold is one centre, or several small ones together."},
       {"Held out", "kept aside in that way. Every figure below comes from predictions of held-out patients only."},
       {"Pooled", "one number from all folds by random effects: centres may truly differ, and a centre with few events counts less."},
       {"Natural mixture", "the prediction for a patient whose treatment after surgery is not yet known: the predictions under each strategy, weighted by how often patients like this one received it in the training centres."},
       {"Not estimable", "too few events, patients or months of follow-up to say anything; such a figure stays out of the pool and is listed with its reason."}}};
  std::string list;
  for (const auto& [word, meaning] : kWords) list += std::string("<dt>") + word + "</dt><dd>" + meaning + "</dd>";
  for (const BaselineShown& one : baselines_of(source)) list += "<dt>What it is compared with: " + escaped(one.title) + "</dt><dd>" + escaped(one.method) + ".</dd>";
  return section("reading", "How to read this page", "<dl>" + list + "</dl>" + (estimand.empty() ? "" : "<p>What is predicted: " + escaped(estimand) + ".</p>"));
}

std::string forest_section(const Source& source) {
  if (!source.validation.is_object()) return {};
  std::string body;
  for (const std::string& endpoint : endpoints_of(source))
    body += figure(
        forest(source, endpoint),
        "Harrell's C of " + escaped(title_of(endpoint)) +
            ", each fold predicted by the model that was trained on the others. Dots: C with its 95 % interval; dashed: chance (0.5); diamond: all folds pooled (a line through it: the normal interval, where that is wider); last row: the "
            "range in which the C of a centre that nobody has seen would lie.");
  return section("centres", "Centre by centre", body);
}

std::string add_curves(Chart& chart, const Json& groups, const std::string& kind) {
  std::string legend = "<ul class=\"legend\">";
  std::vector<CountRow> at_risk;
  for (const Json& group : groups) {
    const std::string css = fmt::format("c{}", at_risk.size()), name = group.at("name");
    chart.band(points_of(group.at("times"), group.at("low")), points_of(group.at("times"), group.at("high")), "band " + css);
    chart.steps(points_of(group.at("times"), group.at("survival")), "line " + css);
    legend += "<li class=\"" + css + "\"><span>" + escaped(name) + kind + ": " + group.at("events").dump() + " events in " + group.at("n").dump() + " patients</span></li>";
    at_risk.push_back({name, "name " + css, points_of(group.at("at_risk_times"), group.at("at_risk"))});
  }
  chart.counts("Number at risk", at_risk);
  return legend + "</ul>";
}

std::string survival_section(const Source& source) {
  if (!source.validation.is_object()) return {};
  std::string body;
  for (const std::string& endpoint : endpoints_of(source)) {
    const Json& figures = source.validation.at("figures").at(endpoint);
    const double horizon = value_of(figures, "horizon");
    Chart chart(title_of(endpoint) + " by predicted risk", {0, horizon, "months after surgery", kYear}, {0, 1, "without the event", 0.2, true}, 640, 360);
    const std::string legend = add_curves(chart, figures.at("risk_groups").at("groups"), " risk");
    const double p = value_of(figures.at("risk_groups").at("logrank"), "p");
    const bool competing = figures.at("risk_groups").at("method") != "Kaplan-Meier";
    body += figure(chart.svg() + legend,
                   escaped(title_of(endpoint)) + ", held-out patients of all folds, in three groups by predicted risk (cut at the thirds of each fold's training patients). " +
                       (competing ? "Curves: share without the event, death before it counted as a competing event (1 - Aalen-Johansen incidence)" : "Curves: Kaplan-Meier estimate") +
                       " with 95 % bands. Chance of a difference this large if the groups did not differ (log-rank test, within folds): p " + (p < 0.0001 ? "&lt; 0.0001" : "= " + number(p, 4)) + ".");
  }
  return section("survival", "What happened to patients of low, middle and high predicted risk", body);
}

}  // namespace hepar::report
