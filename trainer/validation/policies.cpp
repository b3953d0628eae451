// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/policies.hpp"

#include "trainer/statistics/doubly_robust.hpp"
#include "trainer/statistics/quantile.hpp"
#include "trainer/validation/guideline.hpp"
#include "trainer/validation/landmark_patients.hpp"
#include "trainer/validation/results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace hepar::validation {

namespace {

using Json = nlohmann::ordered_json;
namespace st = statistics;

constexpr double kAlike = 0.95;  // a model that gives one strategy to this share of patients chooses nothing
constexpr int kBenefitGroups = 4;
const char* const kMethod = "AIPW, nuisances cross-fitted over folds, augmented for censoring by arm; interval on the logit of the possible months";

std::map<std::string, std::int64_t> index_of_keys(const store::Store& store) {
  std::map<std::string, std::int64_t> index;
  for (std::int64_t p = 0; p < store.patients(); ++p) index[store.row(p).key] = p;
  return index;
}

// The held-out patients under study at the landmark, with what was recommended to each.
struct Studied {
  LandmarkPatients at;
  std::vector<int> fold, recommended;
  double tau = 0;  // from the landmark
};

Studied studied(const store::Store& store, const HeldOutDecisions& held_out) {
  Studied out{landmark_patients(store, held_out.patients, held_out.endpoint), {}, {}, 0};
  out.tau = held_out.months - out.at.landmark;
  for (const std::size_t i : out.at.rows) {
    out.fold.push_back(held_out.fold[i]);
    const Decision& decision = held_out.decisions[i];
    out.recommended.push_back(decision.abstained.empty() ? decision.recommended : st::kAsObserved);
  }
  return out;
}

Json shares_of(const std::vector<int>& policy, const std::vector<int>& given, const std::vector<std::string>& arms) {
  std::vector<double> n(arms.size(), 0.0);
  for (std::size_t i = 0; i < policy.size(); ++i) n[static_cast<std::size_t>(policy[i] == st::kAsObserved ? given[i] : policy[i])] += 1;
  Json out = Json::object();
  for (std::size_t a = 0; a < arms.size(); ++a) out[arms[a]] = policy.empty() ? 0 : n[a] / static_cast<double>(policy.size());
  return out;
}

// Predicted gain of the best treatment over the first arm, by quarters, against the doubly robust difference.
Json benefit_calibration(const HeldOutDecisions& held_out, const Studied& study, const st::ArmScores& scores) {
  if (!scores.evaluable(0)) return {{"not_estimable", scores.not_evaluable[0]}};
  std::vector<double> predicted, of_best, of_first;
  std::vector<int> given(study.at.rows.size(), st::kAsObserved);
  for (std::size_t k = 0; k < study.at.rows.size(); ++k) {
    const Decision& decision = held_out.decisions[study.at.rows[k]];
    int best = -1;
    for (int a = 1; a < static_cast<int>(decision.gain.size()); ++a)
      if (scores.evaluable(a) && std::isfinite(decision.gain[static_cast<std::size_t>(a)]) &&
          (best < 0 || decision.gain[static_cast<std::size_t>(a)] > decision.gain[static_cast<std::size_t>(best)]))
        best = a;
    if (best < 0) continue;
    given[k] = best;
    predicted.push_back(decision.months[static_cast<std::size_t>(best)] - decision.months[0]);
    of_best.push_back(scores.score[static_cast<std::size_t>(best)][k]);
    of_first.push_back(scores.score[0][k]);
  }
  if (predicted.size() < 4 * kBenefitGroups) return {{"not_estimable", "too few patients"}};
  for (const std::string& why : {st::arm_problem(scores, 0), st::policy_problem(scores, given)})
    if (!why.empty()) return {{"not_estimable", why}};
  const auto gained = [&](const std::vector<double>& best, const std::vector<double>& first) { return estimate_json(st::mean_difference(best, first, scores.tau, kMethod)); };
  Json groups = Json::array();
  const std::vector<int> group = st::quantile_groups(predicted, kBenefitGroups);
  for (int g = 0; g < kBenefitGroups; ++g) {
    const std::vector<std::size_t> rows = st::rows_with(group, g);
    if (rows.size() < 2) continue;
    groups.push_back(
        {{"predicted", st::mean(st::select(predicted, rows))}, {"observed", gained(st::select(of_best, rows), st::select(of_first, rows))}});
  }
  return {{"groups", groups}, {"mean_predicted", st::mean(predicted)}, {"mean_observed", gained(of_best, of_first)}};
}

Json overlap_json(const st::ArmScores& scores, const std::vector<st::Values>& x, const std::vector<std::string>& names, const std::vector<std::string>& arms) {
  const st::Overlap overlap = st::overlap_of(scores, x);
  const auto number = [](double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); };
  Json by_arm = Json::object(), balance = Json::object();
  for (std::size_t a = 0; a < arms.size(); ++a)
    by_arm[arms[a]] = {{"n", overlap.n[a]},
                       {"effective_sample_size", number(overlap.ess[a])},
                       {"smallest_propensity", number(overlap.smallest_propensity[a])},
                       {"under_0.02", overlap.floored[a]},
                       {"not_evaluable", scores.not_evaluable[a]}};
  for (std::size_t c = 0; c < names.size(); ++c) balance[names[c]] = {{"before", overlap.smd_before[c]}, {"after", overlap.smd_after[c]}};
  return {{"arms", by_arm}, {"standardised_differences", balance}, {"share_below_0.02", overlap.below_floor}};
}

Json abstentions(const HeldOutDecisions& held_out) {
  std::map<std::string, std::int64_t> counts{{"small_gain", 0}};
  for (const Decision& decision : held_out.decisions) {
    counts["small_gain"] += decision.small_gain ? 1 : 0;
    for (const std::string& why : decision.abstained) ++counts[why];
  }
  return counts;
}

}  // namespace

HeldOutDecisions held_out_decisions(const engine::Experiment& experiment, const store::Store& store, const std::vector<FoldResult>& folds,
                                    const ValidationFolder& folder) {
  HeldOutDecisions out;
  const std::map<std::string, std::int64_t> index = index_of_keys(store);
  for (std::size_t f = 0; f < folds.size(); ++f) {
    out.fold_names.push_back(folds[f].record.name);
    if (!folds[f].record.not_trained.empty()) continue;
    const engine::Predictor predictor = engine::Predictor::open(folder.fold(folds[f].record.name).root);
    if (predictor.arms().size() < 2) continue;
    const ArmShares arms = ArmShares::from_json(predictor.extra("propensity"));
    const DecisionRule rule(experiment.decision, arms.strategies(), predictor.endpoints(), experiment.decision.required);
    out.rule = rule.json();
    out.endpoint = rule.endpoint();
    out.months = rule.months();
    std::vector<std::int64_t> patients;
    for (const std::string& key : folds[f].record.test) patients.push_back(index.at(key));
    const std::vector<std::vector<double>> shares = arms.of(store, patients);
    const CalibrationMaps maps = maps_from(predictor.extra("calibration"));
    const auto effects = RelativeEffects::from_json(predictor.extra("effects")).of(store, patients);
    const auto curves = predictor.predict_at(store, patients, rule.grid());
    for (std::size_t i = 0; i < patients.size(); ++i) {
      const Prediction prediction = prediction_of(curves[i], shares[i], predictor.endpoints(), maps);
      out.decisions.push_back(
          rule.of({rule.curve_of(prediction, rule.grid()), effects[i], shares[i], missing_modalities(store, patients[i], experiment.decision.required)}));
      out.patients.push_back(patients[i]);
      out.fold.push_back(static_cast<int>(f));
    }
  }
  return out;
}

std::string decisions_csv(const store::Store& store, const HeldOutDecisions& held_out) {
  std::vector<std::pair<std::string, std::size_t>> order;  // as predictions.csv: by patient
  for (std::size_t i = 0; i < held_out.patients.size(); ++i) order.emplace_back(store.row(held_out.patients[i]).key, i);
  std::sort(order.begin(), order.end());
  DecisionsCsv csv(store.strategies().arm_names());
  for (const auto& [key, i] : order)
    csv.add(store.row(held_out.patients[i]), held_out.fold_names[static_cast<std::size_t>(held_out.fold[i])], held_out.decisions[i]);
  return csv.text();
}

Json policies_json(const engine::Experiment& experiment, const store::Store& store, const HeldOutDecisions& held_out) {
  const std::vector<std::string> arms = store.strategies().arm_names();
  if (arms.size() < 2) return {{"not_estimable", "the cohort has one strategy"}};
  if (held_out.decisions.empty()) return {{"not_estimable", "nobody was predicted"}};
  const Studied study = studied(store, held_out);
  std::vector<std::int64_t> patients;
  for (const std::size_t i : study.at.rows) patients.push_back(held_out.patients[i]);
  Json out{{"estimand", fmt::format("mean months free of {} between month {:.2f} (the treatment window has closed; patients free of an event and observed "
                                    "then) and month {:g} after surgery",
                                    held_out.endpoint, study.at.landmark, held_out.months)},
           {"endpoint", held_out.endpoint},
           {"landmark_months", study.at.landmark},
           {"horizon_months", held_out.months},
           {"patients", study.at.rows.size()},
           {"left_out", study.at.left_out},
           {"rule", Json::parse(held_out.rule)},
           {"abstained", abstentions(held_out)}};
  const std::vector<std::string> columns = engine::select(experiment, store).columns;
  const Covariates covariates = Covariates::fit(store, columns, patients);
  std::vector<std::vector<double>> x = covariates.values(store, patients);
  std::vector<std::string> names = covariates.names();
  std::vector<double> prognosis;  // of the held-out network, under the first arm
  for (const std::size_t i : study.at.rows) prognosis.push_back(held_out.decisions[i].months[0]);
  if (st::standard_deviation(prognosis) > 1e-9) {
    x.push_back(prognosis);
    names.emplace_back("predicted months under " + arms[0]);
  }
  const std::vector<st::Values> views(x.begin(), x.end());
  const st::ArmScores scores = st::arm_scores({study.at.outcomes.view(), study.at.given, static_cast<int>(arms.size()), views, study.fold, study.tau});
  out["overlap"] = overlap_json(scores, views, names, arms);
  const Guideline guideline = guideline_of(experiment.decision, store, patients);
  out["guideline"] = {{"rule", guideline.text}, {"arm", experiment.decision.guideline_arm}, {"cannot_be_judged", guideline.unknown}};

  struct Policy {
    std::string name, problem;
    std::vector<int> choice;
  };
  std::vector<Policy> policies{{"model", {}, study.recommended}, {"guideline", guideline.problem, guideline.choice}};
  for (std::size_t a = 0; a < arms.size(); ++a) policies.push_back({"all " + arms[a], {}, std::vector<int>(study.at.rows.size(), static_cast<int>(a))});
  policies.push_back({"as observed", {}, std::vector<int>(study.at.rows.size(), st::kAsObserved)});
  const bool model_works = st::policy_problem(scores, study.recommended).empty();
  const std::vector<double> model = model_works ? st::policy_scores(scores, study.recommended) : std::vector<double>{};
  out["policies"] = Json::object();
  const auto add = [&](const std::string& name, const std::vector<double>& values, Json entry) {
    entry["value"] = estimate_json(st::mean_estimate(values, study.tau, kMethod));
    if (name != "model")
      entry["model_minus_this"] =
          model_works ? estimate_json(st::mean_difference(model, values, study.tau, kMethod)) : Json{{"not_estimable", st::policy_problem(scores, study.recommended)}};
    out["policies"][name] = std::move(entry);
  };
  for (const Policy& policy : policies) {
    const std::string why = !policy.problem.empty() ? policy.problem : st::policy_problem(scores, policy.choice);
    if (!why.empty()) {
      out["policies"][policy.name] = {{"value", {{"not_estimable", why}}}};
      continue;
    }
    const st::PolicyOverlap overlap = st::policy_overlap(scores, policy.choice);
    add(policy.name, st::policy_scores(scores, policy.choice),
        {{"shares", shares_of(policy.choice, study.at.given, arms)}, {"under_0.02", overlap.floored}, {"effective_sample_size", overlap.ess}});
  }
  const int best = st::best_single_arm(scores);
  if (best < 0) return out;
  if (const std::string why = st::random_problem(scores); why.empty())
    add("by lot", st::random_scores(scores), Json::object());
  else
    out["policies"]["by lot"] = {{"value", {{"not_estimable", why}}}};
  out["best_single_arm"] = arms[static_cast<std::size_t>(best)];
  const Json shares = out["policies"]["model"].value("shares", Json::object());
  for (const auto& [arm, share] : shares.items())
    if (share.get<double>() >= kAlike)
      out["warning"] =
          fmt::format("the model gives {} to {:.0f} % of the patients: its value is that of giving it to everybody", arm, 100 * share.get<double>());
  out["benefit_calibration"] = benefit_calibration(held_out, study, scores);
  return out;
}

}  // namespace hepar::validation
