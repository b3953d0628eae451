// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/baselines.hpp"

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

// Cox proportional hazards (Efron) on these columns, an endpoint at a time, times censored at its horizon.
BaselineResult cox_on(const BaselineRequest& request, const std::vector<std::string>& names) {
  const Covariates covariates = Covariates::fit(request.store, names, request.fold.train);
  if (covariates.names().empty()) return {};
  BaselineResult result{{}, covariates.fitted_on()};
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

BaselineResult clinical_cox(const BaselineRequest& request) { return cox_on(request, request.columns); }

// A staging system alone, where the cohort has it as a column of that name.
BaselineResult stage(const BaselineRequest& request, const std::string& name) {
  for (const ColumnSpec& column : request.store.columns())
    if (column.name == name) return cox_on(request, {name});
  return {};
}

// A new baseline is one function and one line here (and its name among the values of validation.baselines).
constexpr std::array<Baseline, 4> kBaselines{
    {{"clinical_cox", "clinical Cox model", "Cox regression (Efron) on the clinical columns that the model has too", &clinical_cox},
     {"tnm", "TNM stage alone", "Cox regression (Efron) on the TNM stage alone", [](const BaselineRequest& request) { return stage(request, "tnm"); }},
     {"bclc", "BCLC stage alone", "Cox regression (Efron) on the BCLC stage alone", [](const BaselineRequest& request) { return stage(request, "bclc"); }},
     {"cnlc", "CNLC stage alone", "Cox regression (Efron) on the CNLC stage alone", [](const BaselineRequest& request) { return stage(request, "cnlc"); }}}};

}  // namespace

std::span<const Baseline> baselines() { return kBaselines; }

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
