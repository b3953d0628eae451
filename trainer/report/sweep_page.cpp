// SPDX-License-Identifier: Apache-2.0
// The page of a sweep: which settings were tried, how far each trial came, and how it learned.
#include "data/base/run_folder.hpp"
#include "data/base/text.hpp"
#include "trainer/report/source.hpp"
#include "trainer/report/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace hepar::report {

namespace {

constexpr std::size_t kShownTrials = 100;

// An axis of the parallel coordinates: a parameter, or the objective as the last one.
struct Scale {
  std::string label, kind;  // "log", "linear" or "choice"
  double low = 0, high = 1;
  std::vector<std::string> choices;

  // 0 … 1 from bottom to top; none when the trial has no such value.
  [[nodiscard]] std::optional<double> place(const Json& value) const {
    if (value.is_null()) return std::nullopt;
    if (kind == "choice") {
      const auto found = std::find(choices.begin(), choices.end(), value.get<std::string>());
      if (found == choices.end()) return std::nullopt;
      return choices.size() > 1 ? static_cast<double>(found - choices.begin()) / static_cast<double>(choices.size() - 1) : 0.5;
    }
    const double number = value.is_number() ? value.get<double>() : parse_number(value.get<std::string>()).value_or(low);
    if (!(high > low)) return 0.5;
    return kind == "log" ? std::log(number / low) / std::log(high / low) : (number - low) / (high - low);
  }
};

std::vector<Scale> scales_of(const Json& sweep) {
  std::vector<Scale> scales;
  for (const Json& parameter : sweep.at("parameters")) scales.push_back({parameter.at("key"), parameter.at("scale"), parameter.at("low"), parameter.at("high"), parameter.at("choices").get<std::vector<std::string>>()});
  double low = INFINITY, high = -INFINITY;
  for (const Json& trial : sweep.at("trials"))
    if (trial.at("value").is_number()) {
      low = std::min(low, trial.at("value").get<double>());
      high = std::max(high, trial.at("value").get<double>());
    }
  scales.push_back({sweep.at("objective").at("name").get<std::string>(), "linear", low, high, {}});
  return scales;
}

// Best in one colour, those that came to the end in another, the others pale.
std::string css_of(const Json& trial, const Json& sweep) {
  if (trial.at("trial") == sweep.at("best")) return "line c1";
  return trial.at("state") == "finished" ? "line thin c0" : "grid";
}

std::string axis_svg(const Scale& scale, double x, double top, double bottom) {
  const std::size_t dot = scale.label.rfind('.');
  std::string out = fmt::format("<path class=\"chance\" d=\"M{:.1f} {:.1f}V{:.1f}\"/><text class=\"name\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}<title>{}</title></text>", x, top, bottom, x, top - 14,
                                escaped(dot == std::string::npos ? scale.label : scale.label.substr(dot + 1)), escaped(scale.label));
  const auto tick = [&](double share, const std::string& text) { out += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", x + 4, bottom - share * (bottom - top) + 4, escaped(text)); };
  if (scale.kind == "choice") {
    for (const std::string& choice : scale.choices) tick(*scale.place(choice), choice);
  } else if (std::isfinite(scale.low)) {
    tick(0, fmt::format("{:.3g}", scale.low));
    tick(1, fmt::format("{:.3g}", scale.high));
  }
  return out;
}

std::string coordinates_section(const Json& sweep) {
  const std::vector<Scale> scales = scales_of(sweep);
  constexpr double kStep = 110, kMargin = 60, kTop = 40, kBottom = 280, kAbsent = 305;
  const double width = 2 * kMargin + kStep * static_cast<double>(scales.size() - 1);
  std::string lines, axes;
  const Json& trials = sweep.at("trials");
  for (std::size_t t = trials.size(); t-- > 0;) {  // the best are drawn last, on top
    std::string path;
    for (std::size_t i = 0; i < scales.size(); ++i) {
      const Json& settings = trials[t].at("settings");
      const Json value = i + 1 == scales.size() ? trials[t].at("value") : settings.value(scales[i].label, Json());
      const std::optional<double> place = scales[i].place(value);
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", kMargin + kStep * static_cast<double>(i), place ? kBottom - *place * (kBottom - kTop) : kAbsent);
    }
    lines += fmt::format("<path class=\"{}\" fill=\"none\" d=\"{}\"><title>trial {}</title></path>", css_of(trials[t], sweep), path, trials[t].at("trial").dump());
  }
  for (std::size_t i = 0; i < scales.size(); ++i) axes += axis_svg(scales[i], kMargin + kStep * static_cast<double>(i), kTop, kBottom);
  return section("coordinates", "What was tried",
                 fmt::format("<figure><div class=\"scroll\"><svg class=\"wide\" viewBox=\"0 0 {:.0f} 320\" role=\"img\" aria-label=\"Settings and result of every trial\"><title>Settings and result of every trial</title>{}{}</svg></div>"
                             "<figcaption>A line a trial, from its settings to its result; orange: the best; blue: trained to the end; grey: stopped earlier. Below an axis: the setting takes no part.</figcaption></figure>",
                             width, lines, axes));
}

std::string learning_section(const Json& sweep, const std::filesystem::path& folder) {
  std::vector<std::pair<std::string, Points>> losses, values;
  double steps = 1, low = INFINITY, high = -INFINITY, worst = INFINITY, best = -INFINITY;
  const Json& trials = sweep.at("trials");
  for (std::size_t t = std::min(trials.size(), kShownTrials); t-- > 0;) {
    const Json& trial = trials[t];
    const std::filesystem::path events = SweepFolder{folder}.run(trial.at("trial")).events();
    std::error_code ignored;
    if (std::filesystem::exists(events, ignored)) losses.emplace_back(css_of(trial, sweep), smoothed(training_curve("", events).loss));
    Points rungs;
    for (const Json& rung : trial.at("rungs"))
      if (rung.at("value").is_number()) rungs.emplace_back(rung.at("step").get<double>(), rung.at("value").get<double>());
    values.emplace_back(css_of(trial, sweep), std::move(rungs));
  }
  for (const auto& [css, points] : losses)
    for (const auto& [step, value] : points) {
      steps = std::max(steps, step);
      low = std::min(low, value);
      high = std::max(high, value);
    }
  for (const auto& [css, points] : values)
    for (const auto& [step, value] : points) {
      steps = std::max(steps, step);
      worst = std::min(worst, value);
      best = std::max(best, value);
    }
  std::string figures;
  if (std::isfinite(low)) {
    Chart chart("Training loss of the trials", {0, steps, "optimiser step"}, {std::floor(low * 10) / 10, std::ceil(high * 10) / 10, "loss (smoothed)"});
    for (const auto& [css, points] : losses) chart.line(points, css);
    figures += "<figure>" + chart.svg() + "<figcaption>Negative log-likelihood a patient, on the patients that are trained on.</figcaption></figure>";
  }
  if (std::isfinite(worst)) {
    Chart chart("Objective by rung", {0, steps, "optimiser step"}, {std::floor(worst * 20) / 20, std::ceil(best * 20) / 20 + 0.01, sweep.at("objective").at("name")});
    for (const auto& [css, points] : values) {
      chart.line(points, css);
      for (const auto& [step, value] : points) chart.dot(step, value, css == "grid" ? "diamond" : "mark", 2.5);
    }
    figures += "<figure>" + chart.svg() + "<figcaption>On the inner patients, at each rung that a trial came to.</figcaption></figure>";
  }
  return section("learning", "How they learned", "<div class=\"pair\">" + figures + "</div>");
}

std::string board_section(const Json& sweep) {
  std::vector<std::string> header{"trial", "state", "steps", escaped(sweep.at("objective").at("name").get<std::string>())};
  for (const Json& parameter : sweep.at("parameters")) header.push_back(escaped(parameter.at("key").get<std::string>()));
  std::vector<std::vector<std::string>> rows;
  for (const Json& trial : sweep.at("trials")) {
    if (rows.size() == kShownTrials) break;
    const std::string message = trial.at("message").get<std::string>();
    rows.push_back({trial.at("trial").dump(), trial.at("state").get<std::string>() + (message.empty() ? "" : " <span class=\"why\">" + escaped(message) + "</span>"), trial.at("steps").dump(), number(value_of(trial, "value"), 4)});
    for (const Json& parameter : sweep.at("parameters")) rows.back().push_back(escaped(trial.at("settings").value(parameter.at("key").get<std::string>(), "")));
  }
  return section("board", "Leaderboard", table(header, rows, Narrow::sliding));
}

std::string method_section(const Json& sweep) {
  const Json &patients = sweep.at("patients"), &search = sweep.at("search");
  const std::vector<std::string> held_out = sweep.at("hold_out").get<std::vector<std::string>>();
  const std::string kept = held_out.empty() ? "No centre was kept from the search: a validation of these settings on this store is not free of their choice."
                                            : fmt::format("{} patients of {} were neither trained on nor scored, in any trial; each trial's audit compares this with what its model says it saw.", patients.at("held_out").dump(), escaped(join(held_out, ", ")));
  return section("method", "Who was seen",
                 fmt::format("<p>Every trial was trained on {} patients and scored on {} others of the same centres ({}). {}</p><p>Search: {}, {} halving over {} rung(s), seed {}. Run again: {}.</p>", patients.at("trained_on").dump(),
                             patients.at("scored").dump(), escaped(join(sweep.at("objective").at("endpoints").get<std::vector<std::string>>(), ", ")), kept, search.at("method").get<std::string>(), search.at("halving").get<std::string>(),
                             search.at("rungs").dump(), search.at("seed").dump(), escaped(sweep.at("reproducible").get<std::string>())));
}

}  // namespace

std::string sweep_page(const std::filesystem::path& folder) {
  const Json sweep = read_json(SweepFolder{folder}.results(), kSweepDocument.schema);
  Source source;
  source.run = sweep.at("provenance");
  return whole_page("Hepar sweep report", "Settings were compared on training centres alone.",
                    {{"board", "Leaderboard", board_section(sweep)}, {"coordinates", "What was tried", coordinates_section(sweep)}, {"learning", "Learning", learning_section(sweep, folder)},
                     {"method", "Who was seen", method_section(sweep)}, {"provenance", "Provenance", provenance_section(source)}});
}

}  // namespace hepar::report
