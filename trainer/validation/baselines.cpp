// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/baselines.hpp"

#include "trainer/statistics/cox.hpp"
#include "trainer/validation/covariates.hpp"

#include <array>

namespace hepar::validation {

namespace {

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
    result.survival.push_back(statistics::CoxPredictor(cut.view(), columns).survival(test_columns, months_of(endpoint)));
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
constexpr std::array<Baseline, 4> kBaselines{{{"clinical_cox", &clinical_cox},
                                              {"tnm", [](const BaselineRequest& request) { return stage(request, "tnm"); }},
                                              {"bclc", [](const BaselineRequest& request) { return stage(request, "bclc"); }},
                                              {"cnlc", [](const BaselineRequest& request) { return stage(request, "cnlc"); }}}};

}  // namespace

std::span<const Baseline> baselines() { return kBaselines; }

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
