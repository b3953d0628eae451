// SPDX-License-Identifier: Apache-2.0
// The result of an evaluation as JSON for programs and as a table for people.
#include "trainer/evaluation/prospective.hpp"

#include "data/base/run_folder.hpp"
#include "trainer/validation/figures.hpp"
#include "trainer/validation/results.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace hepar::evaluation {

namespace {

namespace st = statistics;
using Json = nlohmann::ordered_json;
using validation::estimate_json;

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json estimates_json(const st::Estimates& estimates) {
  Json out = Json::object();
  for (const auto& [name, estimate] : estimates) out[name] = estimate_json(estimate);
  return out;
}

Json contrast_json(const st::Contrast& c) {
  return {{"what", c.what},
          {"n", {{"inconsistent", c.n[0]}, {"consistent", c.n[1]}}},
          {"events", {{"inconsistent", c.events[0]}, {"consistent", c.events[1]}}},
          {"free_of_event", {{"inconsistent", estimate_json(c.free[0])}, {"consistent", estimate_json(c.free[1])}}},
          {"restricted_mean", {{"inconsistent", estimate_json(c.restricted_mean[0])}, {"consistent", estimate_json(c.restricted_mean[1])}}},
          {"hazard_ratio", estimate_json(c.hazard_ratio)},
          {"mean_difference", estimate_json(c.mean_difference)}};
}

Json consistency_json(const st::Consistency& c, const std::vector<std::string>& arms) {
  Json table = Json::object();
  for (std::size_t r = 0; r < arms.size(); ++r)
    for (std::size_t g = 0; g < arms.size(); ++g) table[arms[r]][arms[g]] = c.given_by_recommended[r][g];
  return {{"landmark_months", c.landmark},
          {"horizon_months", c.horizon},
          {"horizon_note", c.horizon_note},
          {"patients", c.patients},
          {"event_or_unobserved_by_landmark", c.left_before},
          {"given_by_recommended", table},
          {"naive", contrast_json(c.naive)},
          {"unadjusted", contrast_json(c.unadjusted)},
          {"adjusted", contrast_json(c.adjusted)},
          {"weighted", contrast_json(c.weighted)},
          {"notes", c.notes},
          {"worst_smd", {{"before", number_or_null(c.worst_smd_before)}, {"after", number_or_null(c.worst_smd_after)}}},
          {"effective_sample_size", {{"inconsistent", number_or_null(c.ess[0])}, {"consistent", number_or_null(c.ess[1])}}},
          {"e_value", {{"estimate", number_or_null(c.e_value.estimate)}, {"limit", number_or_null(c.e_value.limit)}}},
          {"power_for_hazard_ratio_0.7", number_or_null(c.power)},
          {"detectable_hazard_ratio_80_percent", number_or_null(c.detectable)},
          {"policy",
           {{"model", estimate_json(c.model_value)},
            {"model_minus_surgery", estimate_json(c.model_over_surgery)},
            {"model_minus_observed", estimate_json(c.model_over_observed)},
            {"patients", c.overlap.patients},
            {"under_0.02", c.overlap.floored},
            {"effective_sample_size", number_or_null(c.overlap.ess)}}}};
}

// Both groups' curves, months from the landmark.
Json curves_json(const EndpointAnalysis& endpoint) {
  const st::Consistency& c = endpoint.consistency;
  const st::OutcomeTable& all = endpoint.study.outcomes;
  const bool competing = st::largest_code(all.event) > 1;
  std::array<st::OutcomeTable, 2> groups;
  for (const std::size_t i : c.rows) {
    st::OutcomeTable& own = groups[endpoint.study.given[i] == endpoint.study.recommended[i] ? 1 : 0];
    own.time.push_back(all.time[i] - c.landmark);
    own.event.push_back(all.event[i]);
  }
  Json out = Json::array();
  for (const auto& [g, name] : {std::pair{1, "consistent"}, std::pair{0, "inconsistent"}})
    if (const st::OutcomeTable& group = groups[static_cast<std::size_t>(g)]; !group.time.empty())
      out.push_back(validation::curve_json(name, st::censored_at(group.view(), c.horizon - c.landmark), c.horizon - c.landmark, competing));
  return {{"horizon", c.horizon - c.landmark}, {"method", competing ? "1 - Aalen-Johansen incidence" : "Kaplan-Meier"}, {"groups", out}};
}

Json null_json(const st::NullStudy& null) {
  return {{"simulations", null.simulations},
          {"hazard_ratio",
           {{"naive", number_or_null(null.naive)},
            {"unadjusted", number_or_null(null.unadjusted)},
            {"adjusted", number_or_null(null.adjusted)},
            {"weighted", number_or_null(null.weighted)}}},
          {"standard_error",
           {{"naive", number_or_null(null.naive_error)},
            {"unadjusted", number_or_null(null.unadjusted_error)},
            {"adjusted", number_or_null(null.adjusted_error)},
            {"weighted", number_or_null(null.weighted_error)}}},
          {"significant",
           {{"naive", number_or_null(null.naive_significant)},
            {"unadjusted", number_or_null(null.unadjusted_significant)},
            {"adjusted", number_or_null(null.adjusted_significant)},
            {"weighted", number_or_null(null.weighted_significant)}}},
          {"policy_difference_months", number_or_null(null.policy_difference)},
          {"policy_interval_covers_0", number_or_null(null.policy_covers)}};
}

std::string shown(const st::Estimate& e, int digits) {
  if (!e.estimable()) return "not estimable: " + e.not_estimable;
  return std::isfinite(e.low) ? fmt::format("{:.{}f} ({:.{}f} to {:.{}f})", e.value, digits, e.low, digits, e.high, digits)
                              : fmt::format("{:.{}f}", e.value, digits);
}

std::string plain(double value, int digits) { return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : std::string("not estimable"); }

std::string endpoint_text(const EndpointAnalysis& endpoint, const std::vector<std::string>& arms) {
  const st::Consistency& c = endpoint.consistency;
  std::string text = fmt::format("\n{}: {} patients, {} events; landmark {:.1f} months after surgery ({} left before), horizon {:g} months\n",
                                 endpoint.endpoint, endpoint.n, endpoint.events, c.landmark, c.left_before, c.horizon);
  if (!c.horizon_note.empty()) text += "  " + c.horizon_note + "\n";
  text += fmt::format("  {:<26}", "recommended \\ given");
  for (const std::string& arm : arms) text += fmt::format(" {:>14}", arm);
  text += "\n";
  for (std::size_t r = 0; r < arms.size(); ++r) {
    text += fmt::format("  {:<26}", arms[r]);
    for (const std::int64_t n : c.given_by_recommended[r]) text += fmt::format(" {:>14}", n);
    text += "\n";
  }
  text += fmt::format("  consistent {} ({} events), inconsistent {} ({} events)\n", c.unadjusted.n[1], c.unadjusted.events[1], c.unadjusted.n[0],
                      c.unadjusted.events[0]);
  for (const auto& [name, contrast] : {std::pair{"unadjusted", &c.unadjusted}, std::pair{"covariates", &c.adjusted}, std::pair{"overlap-weighted", &c.weighted},
                                       std::pair{"naive (biased)", &c.naive}})
    text += fmt::format("  {:<18} HR {:<28} months free {}\n", name, shown(contrast->hazard_ratio, 2), shown(contrast->mean_difference, 2));
  text += fmt::format("  free of it at the horizon: consistent {}, inconsistent {}\n", shown(c.unadjusted.free[1], 3), shown(c.unadjusted.free[0], 3));
  text += fmt::format("  balance (worst SMD) {} before, {} after; power for HR 0.7 {} %; E-value {}, of the limit {}\n", plain(c.worst_smd_before, 2),
                      plain(c.worst_smd_after, 2), plain(100 * c.power, 0), plain(c.e_value.estimate, 2), plain(c.e_value.limit, 2));
  text += fmt::format("  policy value (AIPW, months from the landmark): model {}, minus surgery alone {}, minus as observed {}\n", shown(c.model_value, 2),
                      shown(c.model_over_surgery, 2), shown(c.model_over_observed, 2));
  if (c.overlap.floored > 0 && c.model_value.estimable())
    text += fmt::format("  {} of {} patients have a propensity under 0.02 of what is recommended, counted as 0.02\n", c.overlap.floored, c.overlap.patients);
  for (const std::string& note : c.notes) text += "  " + note + "\n";
  return text;
}

std::string null_text(const char* name, const st::NullStudy& null) {
  return fmt::format("  {:<34} naive HR {}, unadjusted {}, covariates {}, weighted {}; policy {} months, interval covers 0 in {} %\n", name,
                     plain(null.naive, 2), plain(null.unadjusted, 2), plain(null.adjusted, 2), plain(null.weighted, 2), plain(null.policy_difference, 2),
                     plain(100 * null.policy_covers, 0));
}

}  // namespace

Json evaluation_json(const Evaluation& e) {
  Json endpoints = Json::object(), adverse = Json::array();
  for (const EndpointAnalysis& endpoint : e.endpoints)
    endpoints[endpoint.endpoint] = {{"horizon_months", endpoint.horizon},
                                    {"n", endpoint.n},
                                    {"events", endpoint.events},
                                    {"median_follow_up", estimate_json(endpoint.median_follow_up)},
                                    {"consistency", consistency_json(endpoint.consistency, e.arms)},
                                    {"curves", curves_json(endpoint)},
                                    {"prediction", estimates_json(endpoint.prediction)}};
  for (const ArmEvents& arm : e.adverse_events)
    adverse.push_back({{"arm", arm.arm},
                       {"patients", arm.patients},
                       {"with_any", arm.with_any},
                       {"with_grade_3_or_more", arm.with_severe},
                       {"with_grade_5", arm.deaths},
                       {"events", arm.events}});
  return {{"schema", kEvaluationDocument.schema},
          {"estimand",
           "patients under study at the end of the treatment window, by the treatment that had started then, against what was recommended before; consistent "
           "against inconsistent is no causal effect, "
           "the overlap-weighted comparison is one only if the covariates hold every common cause"},
          {"emulation", fmt::format("landmark at the end of the treatment window ({:g} days); clock restarts there", e.window_days)},
          {"seal", e.seal.document},
          {"decision_endpoint", e.decision_endpoint},
          {"patients", {{"sealed", e.sealed}, {"analysed", e.analysed}, {"without_surgery_date", e.without_surgery_date}, {"trained_on_not_sealed", e.trained_on ? Json(*e.trained_on) : Json(nullptr)}, {"left_out", e.left_out}}},
          {"endpoints", endpoints},
          {"treated_with_gain_not_above_0", estimate_json(e.treated_without_gain)},
          {"adverse_events", e.adverse_events_recorded ? adverse : Json("not recorded")},
          {"nulls", {{"start_delays", null_json(e.start_delays)}, {"confounding", null_json(e.confounding)}}},
          {"earlier", e.earlier}};
}

std::string evaluation_text(const Evaluation& e) {
  std::string text = fmt::format("sealed {}; {} patients sealed, {} analysed\n", e.seal.sealed_at, e.sealed, e.analysed);
  for (const auto& [why, n] : e.left_out)
    if (n > 0) text += fmt::format("  left out, {}: {}\n", why, n);
  if (!e.trained_on)
    text += "  the seal is older than the check whether the model was trained on these patients\n";
  else if (*e.trained_on > 0)
    text += fmt::format("  not sealed, because the model was trained on them: {}\n", *e.trained_on);
  if (e.without_surgery_date > 0)
    text += fmt::format("  {} patients have no date of surgery: that their follow-up came later rests on the sealed store alone\n", e.without_surgery_date);
  for (const EndpointAnalysis& endpoint : e.endpoints) {
    text += endpoint_text(endpoint, e.arms);
    const std::string c = endpoint.endpoint + ".harrell_c";
    if (!endpoint.prediction.contains(c)) continue;
    text += "  Harrell C " + shown(endpoint.prediction.at(c), 3);
    if (e.earlier.is_object() && e.earlier.contains(c) && e.earlier.at(c).contains("value"))
      text += fmt::format(", held-out centres before {:.3f}", e.earlier.at(c).at("value").get<double>());
    text += "\n";
  }
  text += "\ntreated with an estimated gain <= 0: " + shown(e.treated_without_gain, 3) + "\n";
  if (!e.adverse_events_recorded) text += "adverse events: not recorded\n";
  for (const ArmEvents& arm : e.adverse_events)
    text += fmt::format("adverse events, {:<14} {} patients, {} with any, {} with grade 3 or more, {} with grade 5\n", arm.arm, arm.patients, arm.with_any,
                        arm.with_severe, arm.deaths);
  if (e.start_delays.simulations > 0) {
    text += fmt::format("\nthe same code where nothing works ({} simulations each):\n", e.start_delays.simulations);
    text += null_text("treatment that starts late", e.start_delays);
    text += null_text("treatment of the sicker, treat-all", e.confounding);
  }
  return text;
}

}  // namespace hepar::evaluation
