// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/training_weights.hpp"

#include "trainer/engine/engine.hpp"
#include "trainer/statistics/causal.hpp"
#include "trainer/validation/covariates.hpp"

#include <iterator>
#include <map>

namespace hepar::validation {

namespace {

constexpr std::size_t kLeastOfStrategy = 20;
constexpr double kWeightRidge = 1.0, kLowest = 0.01, kHighest = 0.99;

// One 0/1 column a centre of these patients but the first.
void add_centres(const store::Store& store, const std::vector<std::int64_t>& patients, std::vector<std::vector<double>>& columns) {
  std::map<std::string, std::size_t> centres;
  for (const std::int64_t p : patients) centres.emplace(store.row(p).centre, 0);
  for (auto at = std::next(centres.begin()); at != centres.end(); ++at) {
    std::vector<double> column;
    for (const std::int64_t p : patients) column.push_back(store.row(p).centre == at->first ? 1 : 0);
    columns.push_back(std::move(column));
  }
}

}  // namespace

std::vector<double> weights_for(const engine::Experiment& experiment, const store::Store& store, const std::vector<std::int64_t>& patients) {
  if (experiment.train.weights != "iptw" || store.strategies().single()) return {};
  std::map<int, std::size_t> counts;
  for (const std::int64_t p : patients) ++counts[store.row(p).assignment.arm];
  std::map<int, int> code;  // of the arms that are common enough, from 0
  for (const auto& [arm, n] : counts)
    if (arm >= 0 && n >= kLeastOfStrategy) code.emplace(arm, static_cast<int>(code.size()));
  if (code.size() < 2) return {};
  std::vector<std::size_t> place;
  std::vector<std::int64_t> rows;
  std::vector<int> treatment;
  for (std::size_t i = 0; i < patients.size(); ++i) {
    const auto found = code.find(store.row(patients[i]).assignment.arm);
    if (found == code.end()) continue;
    place.push_back(i);
    rows.push_back(patients[i]);
    treatment.push_back(found->second);
  }
  std::vector<std::vector<double>> x = Covariates::fit(store, engine::select(experiment, store).columns, rows).values(store, rows);
  add_centres(store, rows, x);
  const std::vector<statistics::Values> columns(x.begin(), x.end());
  const statistics::Propensity fit = statistics::propensity(treatment, columns, kWeightRidge);
  std::vector<std::vector<double>> ps(code.size(), std::vector<double>(rows.size()));
  std::vector<double> row(x.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t c = 0; c < x.size(); ++c) row[c] = x[c][i];
    const std::vector<double> p = fit.probabilities(row);
    for (std::size_t a = 0; a < ps.size(); ++a) ps[a][i] = p[a];
  }
  const std::vector<statistics::Values> probabilities(ps.begin(), ps.end());
  std::vector<double> weights = statistics::treatment_weights(treatment, probabilities, statistics::WeightKind::stabilized);
  statistics::truncate_weights(weights, kLowest, kHighest);
  std::vector<double> out(patients.size(), 1.0);
  for (std::size_t i = 0; i < place.size(); ++i) out[place[i]] = weights[i];
  return out;
}

}  // namespace hepar::validation
