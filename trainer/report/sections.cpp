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

// A forest plot, drawn by hand: the axis is shared, labels are text. On a narrow page a row's words stand above its marks.
class Forest {
 public:
  Forest(const Source& source, const std::string& endpoint, bool narrow) : narrow_(narrow), name_(endpoint + ".harrell_c"), title_("Concordance of " + escaped(endpoint) + " by held-out fold") {
    std::size_t longest = 12;  // letters of "a new centre"
    for (const Json& fold : source.validation.at("folds")) {
      rows_.push_back({fold.at("name").get<std::string>(), estimate_of(fold.at("metrics"), name_), Mark::fold});
      longest = std::max(longest, letters(rows_.back().label));
    }
    rows_.push_back({"pooled", pooled(source, name_), Mark::pooled});
    rows_.push_back({"a new centre", pooled(source, name_ + "_prediction"), Mark::prediction});
    for (const Row& row : rows_)
      if (const Limits limits = widest(row.estimate); limits.low < low_) low_ = limits.low;
    low_ = std::max(0.0, std::floor(low_ * 10) / 10);
    left_ = narrow ? 18 : 24 + 8 * static_cast<int>(std::min<std::size_t>(longest, 40));
    right_ = narrow ? 18 : 250;
    width_ = narrow ? 400 : left_ + 380 + right_;
    row_ = narrow ? 46 : 24;
  }

  [[nodiscard]] bool empty() const {
    return std::none_of(rows_.begin(), rows_.end(), [](const Row& row) { return std::isfinite(value_of(row.estimate, "value")); });
  }

  [[nodiscard]] std::string svg() const {
    const int bottom = kTop + row_ * static_cast<int>(rows_.size()), height = bottom + 40;
    std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\"><title>{}</title>", width_, height, title_, title_);
    for (const double at : ticks(low_, 1, 7))
      svg += fmt::format("<path class=\"grid\" d=\"M{:.1f} {}V{}\"/>", px(at), kTop, bottom) + text("tick", px(at), bottom + 17, "middle", fmt::format("{:.1f}", at));
    svg += fmt::format("<path class=\"chance\" d=\"M{:.1f} {}V{}\"/>", px(0.5), kTop, bottom);
    if (!narrow_) svg += text("tick", width_ - right_ + 26, bottom + 17, "start", "C (95 % interval)") + text("tick", width_ - 4, bottom + 17, "end", "events / n");
    for (std::size_t i = 0; i < rows_.size(); ++i) svg += drawn(rows_[i], kTop + row_ * static_cast<int>(i));
    return svg + "</svg>";
  }

 private:
  enum class Mark { fold, pooled, prediction };
  struct Row {
    std::string label;
    Json estimate;
    Mark mark;
  };
  static constexpr int kTop = 10;

  [[nodiscard]] double px(double c) const { return left_ + (std::clamp(c, low_, 1.0) - low_) / (1 - low_) * (width_ - left_ - right_); }
  [[nodiscard]] static std::string text(const char* css, double x, double y, const char* anchor, const std::string& words) {
    return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", css, x, y, anchor, escaped(words));
  }

  [[nodiscard]] std::string drawn(const Row& row, int top) const {
    const double y = narrow_ ? top + 34 : top + row_ / 2.0, words = narrow_ ? top + 20 : y + 4;
    const double n = value_of(row.estimate, "n"), events = value_of(row.estimate, "events"), value = value_of(row.estimate, "value");
    const std::string counts = std::isfinite(n) && std::isfinite(events) ? fmt::format("{:.0f} / {:.0f}", events, n) : "";
    const std::string figure = std::isfinite(value) ? fmt::format("{:.2f} ({:.2f} to {:.2f})", value, value_of(row.estimate, "low"), value_of(row.estimate, "high")) : "not estimable";
    if (narrow_) return text("name", left_, words, "start", row.label) + text("tick", width_ - 4, words, "end", figure + (counts.empty() ? "" : ", " + counts)) + marks(row, y);
    return text("name", left_ - 10, words, "end", row.label) + (std::isfinite(value) ? text("tick", width_ - right_ + 26, words, "start", figure) : text("muted", left_ + 8, words, "start", figure)) +
           text("tick", width_ - 4, words, "end", counts) + marks(row, y);
  }

  [[nodiscard]] std::string marks(const Row& row, double y) const {
    const double value = value_of(row.estimate, "value"), from = value_of(row.estimate, "low"), to = value_of(row.estimate, "high");
    if (!std::isfinite(value)) return {};
    std::string svg;
    if (const Limits wider = widest(row.estimate); wider.low < from) svg += fmt::format("<path class=\"whisker\" d=\"M{:.1f} {}H{:.1f}\"/>", px(wider.low), y, px(wider.high));
    if (row.mark == Mark::pooled) return svg + fmt::format("<path class=\"diamond\" d=\"M{:.1f} {}L{:.1f} {}L{:.1f} {}L{:.1f} {}Z\"/>", px(from), y, px(value), y - 7, px(to), y, px(value), y + 7);
    return svg + fmt::format("<path class=\"{}\" d=\"M{:.1f} {}H{:.1f}\"/><circle class=\"mark\" cx=\"{:.1f}\" cy=\"{}\" r=\"4\"/>", row.mark == Mark::fold ? "whisker" : "prediction", px(from), y, px(to), px(value), y);
  }

  bool narrow_;
  std::string name_, title_;
  std::vector<Row> rows_;
  double low_ = 0.3;  // of the axis; lower where an interval is
  int left_, right_, width_, row_;
};

// Whether the model is better in words: only where enough folds carry the difference and both of its intervals exclude 0.
std::string verdict(const BaselineShown& one, const Json& gain) {
  const auto [low, high] = widest(gain);
  const double value = value_of(gain, "value");
  if (gain.value("k", std::size_t{0}) < statistics::kFewFolds)
    return fmt::format("; {:+.2f} against the {} ({:+.2f} to {:+.2f}), k = {}: too few centres for a verdict", value, escaped(one.title), low, high, gain.contains("k") ? gain.at("k").dump() : "not known");
  if (low <= 0 && high >= 0) return fmt::format("; no clear difference from the {} ({:+.2f}, {:+.2f} to {:+.2f})", escaped(one.title), value, low, high);
  return fmt::format("; {:.2f} {} the {} ({:.2f} to {:.2f})", std::fabs(value), low > 0 ? "more than" : "less than", escaped(one.title), std::min(std::fabs(low), std::fabs(high)), std::max(std::fabs(low), std::fabs(high)));
}

// "Recurrence-free survival (rfs): C 0.73 (0.70 to 0.76) …" in words, for who reads nothing else.
std::string sentence(const Source& source, const std::string& endpoint) {
  const std::string c = endpoint + ".harrell_c", title = "<b>" + escaped(title_of(endpoint)) + ":</b> ";
  const Json all = pooled(source, c);
  if (!all.is_object() || all.contains("not_estimable")) return "<li>" + title + (all.is_object() ? estimate_text(all) : "not computed") + ".</li>";
  std::string text = title + "C " + estimate_text(all, 2);
  for (const BaselineShown& one : baselines_of(source)) {
    const Json gain = estimate_of(one.difference, c);
    if (gain.is_object() && gain.contains("not_estimable")) text += "; difference from the " + escaped(one.title) + " " + estimate_text(gain);
    if (std::isfinite(widest(gain).low)) text += verdict(one, gain);
  }
  return "<li>" + text + ".</li>";
}

bool over_few_folds(const Json& estimate) { return estimate.is_object() && estimate.value("k", statistics::kFewFolds) < statistics::kFewFolds; }

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
    few = few || over_few_folds(all);
    rows.push_back({escaped(title_of(endpoint)), estimate_text(all), estimate_text(pooled(source, c + "_prediction"))});
    for (const BaselineShown& one : baselines) {
      rows.back().push_back(estimate_text(estimate_of(one.pooled, c)));
      rows.back().push_back(estimate_text(estimate_of(one.difference, c)));
      few = few || over_few_folds(estimate_of(one.difference, c));
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
  for (const std::string& endpoint : endpoints_of(source)) {
    const Forest wide(source, endpoint, false), narrow(source, endpoint, true);
    if (wide.empty()) {
      body += "<p>" + escaped(title_of(endpoint)) + ": not estimable in any fold.</p>";
      continue;
    }
    body += figure(
        "<div class=\"wide-only\">" + wide.svg() + "</div><div class=\"narrow-only\">" + narrow.svg() + "</div>",
        "Harrell's C of " + escaped(title_of(endpoint)) +
            ", each fold predicted by the model that was trained on the others. Dots: C with its 95 % interval; dashed: chance (0.5); diamond: all folds pooled (a line through it: the normal interval, where that is wider); last row: the "
            "range in which the C of a centre that nobody has seen would lie.");
  }
  return section("centres", "Centre by centre", body);
}

std::string add_curves(Chart& chart, const Json& groups, const std::string& kind) {
  std::string legend = "<ul class=\"legend\">";
  std::vector<CountRow> at_risk;
  for (const Json& group : groups) {
    const std::string css = fmt::format("r{}", at_risk.size()), name = group.at("name");
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
                       " with 95 % bands, drawn month by month. Chance of a difference this large if the groups did not differ (log-rank test, within folds): p " + (p < 0.0001 ? "&lt; 0.0001" : "= " + number(p, 4)) + ".");
  }
  return section("survival", "What happened to patients of low, middle and high predicted risk", body);
}

}  // namespace hepar::report
