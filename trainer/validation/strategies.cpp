// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/strategies.hpp"

#include "data/base/table.hpp"
#include "data/base/text.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace hepar::validation {

namespace {

bool whole_years(double months) { return std::fabs(std::remainder(months, 12)) < 1e-9; }

// Both from the illness-death model, and every event of `inner` is one of `outer`: death of death or recurrence.
bool events_among(const EndpointSpec& inner, const EndpointSpec& outer) {
  const auto events = [](const EndpointSpec& e) { return (e.recurrence_is_event ? 1 : 0) + (e.death_is_event ? 2 : 0); };
  return events(inner) != 0 && events(inner) != events(outer) && (events(inner) & events(outer)) == events(inner);
}

void restore_order(std::vector<std::vector<double>>& survival, const std::vector<EndpointSpec>& endpoints) {
  for (std::size_t inner = 0; inner < endpoints.size(); ++inner)
    for (std::size_t outer = 0; outer < endpoints.size(); ++outer)
      if (events_among(endpoints[inner], endpoints[outer]))
        for (std::size_t m = 0; m < survival[inner].size(); ++m) survival[inner][m] = std::max(survival[inner][m], survival[outer].at(m));
}

}  // namespace

std::vector<double> months_of(const EndpointSpec& endpoint) {
  std::vector<double> months;
  for (double m = 12; m < endpoint.horizon_months - 1e-9; m += 12) months.push_back(m);
  months.push_back(endpoint.horizon_months);
  return months;
}

std::vector<double> prediction_months(const std::vector<EndpointSpec>& endpoints) {
  std::set<double> months;
  for (const EndpointSpec& endpoint : endpoints)
    for (const double month : months_of(endpoint)) months.insert(month);
  return {months.begin(), months.end()};
}

std::vector<Strategy> with_natural(std::vector<Strategy> arms) {
  std::int64_t patients = 0;
  for (const Strategy& arm : arms) patients += arm.patients;
  if (arms.size() > 1) arms.push_back({"natural", patients, {}});
  return arms;
}

Prediction prediction_of(const engine::Predictor::Curves& curves, const std::vector<double>& shares, const std::vector<EndpointSpec>& endpoints,
                         const CalibrationMaps& maps) {
  Prediction prediction{curves.survival};
  if (curves.survival.size() > 1) {
    std::vector<std::vector<double>> natural = curves.survival.front();
    for (std::size_t e = 0; e < natural.size(); ++e)
      for (std::size_t m = 0; m < natural[e].size(); ++m) {
        natural[e][m] = 0;
        for (std::size_t arm = 0; arm < curves.survival.size(); ++arm) natural[e][m] += shares.at(arm) * curves.survival[arm][e][m];
      }
    prediction.survival.push_back(std::move(natural));
  }
  for (auto& strategy : prediction.survival)
    for (std::size_t e = 0; e < endpoints.size(); ++e) {
      const auto map = maps.find(endpoints[e].name);
      if (map == maps.end()) continue;
      for (double& survival : strategy[e]) survival = map->second.survival(survival);
    }
  if (!maps.empty())
    for (auto& strategy : prediction.survival) restore_order(strategy, endpoints);
  return prediction;
}

PredictionsCsv::PredictionsCsv(const std::vector<EndpointSpec>& endpoints, const std::vector<Strategy>& arms, const std::vector<double>& months)
    : endpoints_(endpoints), strategies_(with_natural(arms)), months_(months) {
  std::vector<std::string> header{"patient_id", "centre", "fold", "endpoint", "strategy", "strategy_observed", "risk"};
  for (const double month : months_)
    if (whole_years(month)) header.push_back("survival_" + number_text(month));
  text_ = csv_line(header);
}

void PredictionsCsv::add(const store::Store& store, std::int64_t patient, const std::string& fold, const Prediction& prediction) {
  const store::PatientRow& row = store.row(patient);
  for (std::size_t e = 0; e < endpoints_.size(); ++e)
    for (std::size_t s = 0; s < strategies_.size(); ++s) {
      const std::vector<double>& survival = prediction.survival.at(s).at(e);
      const bool said = strategies_[s].not_estimable.empty();
      std::vector<std::string> fields;
      double at_horizon = survival.empty() ? std::nan("") : survival.front();
      for (std::size_t m = 0; m < months_.size(); ++m) {
        const bool within = months_[m] <= endpoints_[e].horizon_months + 1e-9;
        if (whole_years(months_[m])) fields.push_back(within && said ? number_text(survival.at(m)) : "");
        if (within) at_horizon = survival[m];
      }
      std::vector<std::string> line{row.id, row.centre, fold, endpoints_[e].name, strategies_[s].name, row.assignment.name(store.strategies()),
                                    said ? number_text(1 - at_horizon) : ""};
      line.insert(line.end(), fields.begin(), fields.end());
      text_ += csv_line(line);
    }
}

std::string PredictionsCsv::merge(const std::vector<std::string>& files) {
  std::string header;
  std::vector<std::string> lines;
  for (const std::string& file : files) {
    std::vector<std::string> of_file = split(file, '\n');
    if (of_file.empty()) continue;
    header = of_file.front();
    for (std::size_t i = 1; i < of_file.size(); ++i)
      if (!of_file[i].empty()) lines.push_back(std::move(of_file[i]));
  }
  // By patient; a patient's rows keep the order of endpoints and strategies.
  std::stable_sort(lines.begin(), lines.end(), [](const std::string& a, const std::string& b) { return a.substr(0, a.find(',')) < b.substr(0, b.find(',')); });
  return header + "\n" + join(lines, "\n") + (lines.empty() ? "" : "\n");
}

}  // namespace hepar::validation
