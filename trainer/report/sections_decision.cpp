// SPDX-License-Identifier: Apache-2.0
// The sections about decisions: what following the model would be worth, and how those fared who were treated as it had said.
#include "trainer/report/source.hpp"
#include "trainer/report/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hepar::report {

namespace {

std::string percent(double share) { return std::isfinite(share) ? fmt::format("{:.0f} %", 100 * share) : "not known"; }

// A propensity is never nothing, however small.
std::string propensity_text(double propensity) { return propensity < 0.001 ? "&lt; 0.001" : number(propensity, 3); }

std::string policy_table(const Json& policies) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, policy] : policies.at("policies").items()) {
    std::string shares;
    const Json given = policy.value("shares", Json::object());
    for (const auto& [arm, share] : given.items())
      if (share.get<double>() > 0) shares += (shares.empty() ? "" : ", ") + escaped(arm) + " " + percent(share);
    rows.push_back({escaped(name), estimate_text(policy.at("value"), 2),
                    policy.contains("model_minus_this") ? estimate_text(policy.at("model_minus_this"), 2) : "", shares});
  }
  return table({"policy", "months free", "model minus this", "who gets what"}, rows);
}

std::string overlap_table(const Json& overlap) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [arm, one] : overlap.at("arms").items())
    rows.push_back({escaped(arm), number(value_of(one, "n"), 0), number(value_of(one, "effective_sample_size"), 0),
                    propensity_text(value_of(one, "smallest_propensity")), number(value_of(one, "under_0.02"), 0), escaped(one.value("not_evaluable", ""))});
  double before = 0, after = 0;
  for (const auto& [name, one] : overlap.at("standardised_differences").items()) {
    before = std::max(before, value_of(one, "before"));
    after = std::max(after, value_of(one, "after"));
  }
  return table({"strategy", "patients", "effective after weighting", "smallest propensity", "patients under 0.02", ""}, rows) +
         fmt::format(
             "<p class=\"muted\">Largest standardised difference between two strategies over the covariates: {:.2f} before, {:.2f} after overlap weighting "
             "(below 0.1 is balanced). A propensity under 0.02 counts as 0.02.</p>",
             before, after);
}

std::string benefit_figure(const Json& benefit) {
  if (benefit.contains("not_estimable")) return "<p>Calibration of benefit: not estimable, " + escaped(benefit.at("not_estimable").get<std::string>()) + "</p>";
  double low = 0, high = 1;
  for (const Json& group : benefit.at("groups")) {
    low = std::min({low, value_of(group, "predicted"), value_of(group.at("observed"), "low")});
    high = std::max({high, value_of(group, "predicted"), value_of(group.at("observed"), "high")});
  }
  Chart chart("Calibration of benefit", {low, high, "predicted gain of the best treatment, months"}, {low, high, "doubly robust gain, months"}, 440, 400);
  chart.line({{low, low}, {high, high}}, "chance");
  for (const Json& group : benefit.at("groups")) {
    chart.interval(value_of(group, "predicted"), value_of(group.at("observed"), "low"), value_of(group.at("observed"), "high"), "whisker");
    chart.dot(value_of(group, "predicted"), value_of(group.at("observed"), "value"), "mark");
  }
  return figure(chart.svg(),
                "Quarters of the held-out patients by predicted gain over the first strategy; 95 % intervals. On the line: what is promised is kept.");
}

std::string abstained_text(const Json& counts) {
  if (counts.empty()) return "<p>Something was recommended to everybody.</p>";
  std::string text;
  for (const auto& [why, n] : counts.items()) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", escaped(why), n.get<std::int64_t>());
  return "<p>Nothing recommended, or the first strategy for want of a gain, by reason: " + text + ".</p>";
}

std::string comparison_rows(const Json& consistency, std::vector<std::vector<std::string>>& rows) {
  for (const auto& [key, label] : std::initializer_list<std::pair<const char*, const char*>>{{"unadjusted", "unadjusted"},
                                                                                             {"adjusted", "covariates in the Cox model"},
                                                                                             {"weighted", "overlap-weighted"},
                                                                                             {"naive", "naive, from surgery: biased by immortal time"}}) {
    const Json& one = consistency.at(key);
    rows.push_back({label, estimate_text(one.at("hazard_ratio"), 2), estimate_text(one.at("mean_difference"), 2),
                    estimate_text(one.at("free_of_event").at("consistent")), estimate_text(one.at("free_of_event").at("inconsistent"))});
  }
  return table({"comparison", "hazard ratio, consistent / inconsistent", "months gained", "free, consistent", "free, inconsistent"}, rows);
}

std::string given_table(const Json& given) {
  std::vector<std::string> header{"recommended \\ given"};
  std::vector<std::vector<std::string>> rows;
  for (const auto& [recommended, row] : given.items()) {
    std::vector<std::string> cells{escaped(recommended)};
    for (const auto& [arm, n] : row.items()) {
      if (rows.empty()) header.push_back(escaped(arm));
      cells.push_back(std::to_string(n.get<std::int64_t>()));
    }
    rows.push_back(std::move(cells));
  }
  return table(header, rows, Narrow::sliding);
}

std::string floored_text(const Json& policy) {
  const double floored = value_of(policy, "under_0.02");
  return floored > 0 ? fmt::format(" {:.0f} of {:.0f} patients have a propensity under 0.02 of what is recommended, counted as 0.02.", floored, value_of(policy, "patients")) : "";
}

std::string endpoint_block(const std::string& name, const Json& endpoint) {
  const Json& c = endpoint.at("consistency");
  std::vector<std::vector<std::string>> rows;
  std::string text =
      "<h3>" + escaped(title_of(name)) + "</h3>" +
      fmt::format(
          "<p>{} patients, {} events; landmark {:.1f} months after surgery ({} had an event or were no longer observed by then), horizon {:g} months. {}</p>",
          endpoint.at("n").get<std::int64_t>(), endpoint.at("events").get<std::int64_t>(), value_of(c, "landmark_months"),
          c.at("event_or_unobserved_by_landmark").get<std::int64_t>(), value_of(c, "horizon_months"), escaped(c.value("horizon_note", "")));
  const Json& curves = endpoint.at("curves");
  Chart chart(title_of(name) + ", consistent and inconsistent", {0, value_of(curves, "horizon"), "months after the landmark", kYear}, {0, 1, "without the event", 0.2, true}, 640, 360);
  const std::string legend = add_curves(chart, curves.at("groups"), "");
  text += figure(chart.svg() + legend, escaped(curves.at("method").get<std::string>()) + " with 95 % bands, unadjusted: who is treated as recommended may differ in other ways.");
  text += given_table(c.at("given_by_recommended")) + comparison_rows(c, rows);
  for (const Json& note : c.at("notes")) text += "<p class=\"muted\">" + escaped(note.get<std::string>()) + ".</p>";
  text += "<p>Policy value, months free from the landmark: model " + estimate_text(c.at("policy").at("model"), 2) + ", minus surgery alone " +
          estimate_text(c.at("policy").at("model_minus_surgery"), 2) + ", minus as observed " + estimate_text(c.at("policy").at("model_minus_observed"), 2) +
          "." + floored_text(c.at("policy")) + "</p>";
  text += fmt::format(
      "<p class=\"muted\">Worst standardised difference {} before, {} after weighting; power for a hazard ratio of 0.7: {}; E-value {}, of the interval's "
      "limit {}.</p>",
      number(value_of(c.at("worst_smd"), "before"), 2), number(value_of(c.at("worst_smd"), "after"), 2), percent(value_of(c, "power_for_hazard_ratio_0.7")),
      number(value_of(c.at("e_value"), "estimate"), 2), number(value_of(c.at("e_value"), "limit"), 2));
  return text;
}

// What the sealed risks are worth, beside what the validation had said.
std::string prediction_table(const std::string& name, const Json& endpoint, const Json& earlier) {
  const std::string month = fmt::format("{:g}", value_of(endpoint, "horizon_months"));
  std::vector<std::vector<std::string>> rows;
  for (const auto& [statistic, label] : std::vector<std::pair<std::string, std::string>>{{"harrell_c", "Harrell C"},
                                                                                         {"auc." + month, "AUC, " + month + " months"},
                                                                                         {"brier." + month, "Brier score, " + month + " months"},
                                                                                         {"oe." + month, "observed / expected, " + month + " months"},
                                                                                         {"calibration_slope", "calibration slope"}}) {
    const std::string key = name + "." + statistic;
    rows.push_back({label, estimate_text(estimate_of(endpoint.at("prediction"), key))});
    if (earlier.is_object()) rows.back().push_back(estimate_text(estimate_of(earlier, key)));
  }
  std::vector<std::string> header{"prediction", "sealed"};
  if (earlier.is_object()) header.push_back("held out before");
  return table(header, rows);
}

std::string nulls_table(const Json& nulls) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, label] : std::initializer_list<std::pair<const char*, const char*>>{
           {"start_delays", "treatment starts late and does nothing"}, {"confounding", "the sicker are treated, treat-all model, no effect"}}) {
    const Json& null = nulls.at(key);
    if (null.at("simulations").get<int>() == 0) continue;
    const Json& hr = null.at("hazard_ratio");
    rows.push_back({label, number(value_of(hr, "naive"), 2), number(value_of(hr, "unadjusted"), 2), number(value_of(hr, "adjusted"), 2),
                    number(value_of(hr, "weighted"), 2), number(value_of(null, "policy_difference_months"), 2),
                    percent(value_of(null, "policy_interval_covers_0"))});
  }
  return rows.empty() ? ""
                      : "<h3>The same code where nothing works</h3>" +
                            table({"simulated study", "naive HR", "unadjusted", "covariates", "weighted", "policy, months", "interval covers 0"}, rows);
}

}  // namespace

std::string policies_section(const Source& source) {
  if (!source.validation.is_object() || !source.validation.contains("policies")) return {};
  const Json& policies = source.validation.at("policies");
  if (policies.contains("not_estimable")) return {};
  std::string body = "<p>" + escaped(policies.at("estimand").get<std::string>()) + "; " + std::to_string(policies.at("patients").get<std::int64_t>()) +
                     " held-out patients.</p>";
  if (policies.contains("warning")) body += "<p class=\"bad\">" + escaped(policies.at("warning").get<std::string>()) + "</p>";
  body += policy_table(policies) + abstained_text(policies.at("abstained")) + overlap_table(policies.at("overlap"));
  if (policies.contains("benefit_calibration")) body += benefit_figure(policies.at("benefit_calibration"));
  body += "<p class=\"muted\">Observational: it rests on the covariates holding every common cause of treatment and outcome. Guideline: " +
          escaped(policies.at("guideline").value("rule", "")) + ".</p>";
  return section("policies", "What following the model would be worth", body);
}

std::string evaluation_section(const Source& source) {
  if (!source.evaluation.is_object()) return {};
  const Json& e = source.evaluation;
  std::string body = "<p>Sealed " + escaped(e.at("seal").at("sealed_at").get<std::string>()) + "; " +
                     std::to_string(e.at("patients").at("analysed").get<std::int64_t>()) + " of " +
                     std::to_string(e.at("patients").at("sealed").get<std::int64_t>()) + " sealed patients analysed. " +
                     escaped(e.at("emulation").get<std::string>()) + ".</p><p class=\"muted\">" + escaped(e.at("estimand").get<std::string>()) + ".</p>";
  std::string out;
  for (const auto& [why, n] : e.at("patients").at("left_out").items())
    if (n.get<std::int64_t>() > 0) out += fmt::format("<li>{}: {}</li>", escaped(why), n.get<std::int64_t>());
  const double trained_on = value_of(e.at("patients"), "trained_on_not_sealed");
  if (trained_on > 0) out += fmt::format("<li>not sealed, because the model was trained on them: {:.0f}</li>", trained_on);
  if (!std::isfinite(trained_on)) body += "<p class=\"bad\">The seal is older than the check whether the model was trained on these patients.</p>";
  if (!out.empty()) body += "<details><summary>Left out</summary><ul>" + out + "</ul></details>";
  for (const auto& [name, endpoint] : e.at("endpoints").items()) body += endpoint_block(name, endpoint) + prediction_table(name, endpoint, e.at("earlier"));
  body += nulls_table(e.at("nulls"));
  body += "<p>Treated although the estimated gain was not above 0: " + estimate_text(e.at("treated_with_gain_not_above_0")) + ".</p>";
  if (!e.at("adverse_events").is_array()) return section("evaluation", "Consistent and inconsistent treatment", body + "<p>Adverse events: not recorded.</p>");
  std::vector<std::vector<std::string>> rows;
  for (const Json& arm : e.at("adverse_events"))
    rows.push_back({escaped(arm.at("arm").get<std::string>()), number(value_of(arm, "patients"), 0), number(value_of(arm, "with_any"), 0),
                    number(value_of(arm, "with_grade_3_or_more"), 0), number(value_of(arm, "with_grade_5"), 0)});
  return section("evaluation", "Consistent and inconsistent treatment",
                 body + "<h3>Adverse events</h3>" + table({"strategy", "patients", "any", "grade 3 or more", "grade 5"}, rows));
}

}  // namespace hepar::report
