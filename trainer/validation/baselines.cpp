// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/baselines.hpp"

#include "data/base/text.hpp"
#include "data/cohort/availability.hpp"
#include "trainer/statistics/cox.hpp"
#include "trainer/validation/covariates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace hepar::validation {

namespace {

std::string why_unjudged(const Survival& survival, std::int64_t events, std::int64_t coefficients) {
  if (static_cast<double>(events) < statistics::kEventsPerCoefficient * static_cast<double>(coefficients))
    return fmt::format("{} events for {} coefficients in its training fold, fewer than {:g} each", events, coefficients, statistics::kEventsPerCoefficient);
  const std::vector<double>& last = survival.back();
  const auto certain = std::count_if(last.begin(), last.end(), [](double free) { return !(1 - free > 0 && 1 - free < 1); });
  return certain == 0 ? "" : fmt::format("it predicts a risk of exactly 0 or 1 for {} of {} patients", certain, last.size());
}

std::string why_not_fitted(const std::vector<std::string>& names) {
  if (names.empty()) return "the model sees no clinical column to fit it on";
  return "nothing to fit: " + join(names, ", ") + (names.size() == 1 ? " does" : " do") + " not differ between the patients of its training fold";
}

// Cox proportional hazards (Efron) on the columns, an endpoint at a time, times censored at its horizon.
BaselineResult cox(const BaselineRequest& request) {
  const Covariates covariates = Covariates::fit(request.store, request.columns, request.fold.train);
  BaselineResult result{{}, covariates.fitted_on()};
  if (covariates.names().empty()) {
    result.endpoints.assign(request.endpoints.size(), {.survival = {}, .risks_unjudged = {}, .not_fitted = why_not_fitted(request.columns)});
    return result;
  }
  const auto test = covariates.values(request.store, request.fold.test);
  const std::vector<statistics::Values> test_columns(test.begin(), test.end());
  for (const EndpointSpec& endpoint : request.endpoints) {
    const KnownOutcomes known = outcomes_of(request.store, request.fold.train, endpoint.name);
    std::vector<std::int64_t> patients;
    for (const std::size_t i : known.rows) patients.push_back(request.fold.train[i]);
    const auto x = covariates.values(request.store, patients);
    const std::vector<statistics::Values> columns(x.begin(), x.end());
    const statistics::OutcomeTable cut = statistics::censored_at(known.table.view(), endpoint.horizon_months);
    const statistics::CoxPredictor predictor(cut.view(), columns);
    const std::vector<double>& coef = predictor.fit().coef;
    const auto coefficients = std::count_if(coef.begin(), coef.end(), [](double one) { return std::isfinite(one); }), events = std::count(cut.event.begin(), cut.event.end(), 1);
    Survival survival = predictor.survival(test_columns, months_of(endpoint));
    std::string why = why_unjudged(survival, events, coefficients);
    result.endpoints.push_back({std::move(survival), static_cast<double>(events) / static_cast<double>(std::max<std::int64_t>(1, coefficients)), std::move(why)});
  }
  return result;
}

// A new baseline is one line here (and its name among the values of validation.baselines), and a function where it is no Cox
// regression.
constexpr std::array<Baseline, 4> kBaselines{
    {{"clinical_cox", "clinical Cox model", "Cox regression (Efron) on the clinical columns that the model has too", "", &cox},
     {"tnm", "TNM stage alone", "Cox regression (Efron) on the TNM stage alone", "tnm", &cox},
     {"bclc", "BCLC stage alone", "Cox regression (Efron) on the BCLC stage alone", "bclc", &cox},
     {"cnlc", "CNLC stage alone", "Cox regression (Efron) on the CNLC stage alone", "cnlc", &cox}}};

}  // namespace

std::span<const Baseline> baselines() { return kBaselines; }

std::vector<std::string> columns_of(const Baseline& baseline, const std::vector<std::string>& of_model) {
  return baseline.column.empty() ? of_model : std::vector<std::string>{std::string(baseline.column)};
}

void check_baselines(const engine::Experiment& experiment, const store::Store& store) {
  std::vector<std::string> known;
  for (const ColumnSpec& column : store.columns()) known.push_back(column.name);
  for (const Baseline& baseline : baselines()) {
    if (baseline.column.empty() || !asked_for(experiment, baseline)) continue;
    const std::string about = fmt::format("'validation.baselines' names '{}'", baseline.name), name(baseline.column);
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) throw usage_error(about + ", and the store has no column '" + name + "'", {store.path().string()}, name_advice(name, known));
    const KnownAt& at = store.columns()[static_cast<std::size_t>(found - known.begin())].known;
    if (!known_by(at, experiment.predict_at)) throw usage_error(about + ", whose column " + known_too_late(at, experiment.predict_at), {}, "leave it out, or set predict_at");
  }
}

bool asked_for(const engine::Experiment& experiment, const Baseline& baseline) {
  const std::vector<std::string>& asked = experiment.validation.baselines;
  return std::find(asked.begin(), asked.end(), baseline.name) != asked.end();
}

std::string method_of(const Baseline& baseline) {
  return fmt::format("{}, fitted in each training fold and tested on the same patients. By order (C, AUC) it is compared in every fold; by its risks (Brier, IPA, IBS, observed / expected, "
                     "slope, ICI, net benefit) only where its training fold had at least {:g} events per coefficient and it predicts no risk of exactly 0 or 1: with fewer events its risks "
                     "run to 0 and 1, and a comparison would flatter the model",
                     baseline.what, statistics::kEventsPerCoefficient);
}

KnownOutcomes outcomes_of(const store::Store& store, const std::vector<std::int64_t>& patients, const std::string& endpoint) {
  KnownOutcomes known;
  std::size_t e = 0;
  while (store.endpoints()[e].name != endpoint) ++e;
  for (std::size_t i = 0; i < patients.size(); ++i) {
    const Outcome& outcome = store.row(patients[i]).outcomes[e];
    if (!outcome.known) continue;
    known.table.time.push_back(outcome.months);
    known.table.event.push_back(outcome.event);
    known.rows.push_back(i);
  }
  return known;
}

}  // namespace hepar::validation
