// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/example.hpp"

#include "trainer/validation/strategies.hpp"

#include <algorithm>
#include <tuple>

namespace hepar::validation {

namespace {

using Json = nlohmann::ordered_json;

struct Chosen {
  std::string key, fold;
};

Chosen middle_patient(const std::vector<FoldResult>& folds) {
  std::vector<std::tuple<double, std::string, std::string>> risks;  // survival at the horizon, patient, fold
  for (const FoldResult& fold : folds) {
    if (fold.endpoints.empty() || !fold.record.not_trained.empty()) continue;  // nobody was predicted
    for (std::size_t i = 0; i < fold.record.test.size(); ++i)
      risks.emplace_back(fold.endpoints.front().natural.back()[i], fold.record.test[i], fold.record.name);
  }
  if (risks.empty()) return {};
  std::sort(risks.begin(), risks.end());
  const auto& [survival, key, fold] = risks[risks.size() / 2];
  return {key, fold};
}

}  // namespace

Json example_json(const store::Store& store, const std::vector<FoldResult>& folds, const ValidationFolder& folder) {
  const Chosen chosen = middle_patient(folds);
  if (chosen.key.empty()) return nullptr;
  std::int64_t patient = 0;
  while (store.row(patient).key != chosen.key) ++patient;
  const engine::Predictor predictor = engine::Predictor::open(folder.fold(chosen.fold).root);
  double longest = 0;
  for (const EndpointSpec& endpoint : predictor.endpoints()) longest = std::max(longest, endpoint.horizon_months);
  std::vector<double> months;
  for (double month = 0; month <= longest + 1e-9; month += 1) months.push_back(month);
  const ArmShares shares = ArmShares::from_json(predictor.extra("propensity"));
  const Prediction prediction = prediction_of(predictor.predict_at(store, {patient}, months).front(), shares.of(store, {patient}).front(),
                                              predictor.endpoints(), maps_from(predictor.extra("calibration")));
  const store::PatientRow& row = store.row(patient);
  Json out{{"patient_id", row.id}, {"centre", row.centre},   {"fold", chosen.fold}, {"strategy_observed", row.assignment.name(store.strategies())},
           {"months", months},     {"curves", Json::array()}};
  for (std::size_t s = 0; s < shares.strategies().size(); ++s)
    for (std::size_t e = 0; e < predictor.endpoints().size(); ++e) {
      const Strategy& strategy = shares.strategies()[s];
      if (!strategy.not_estimable.empty()) {
        out["curves"].push_back({{"strategy", strategy.name}, {"endpoint", predictor.endpoints()[e].name}, {"not_estimable", strategy.not_estimable}});
        continue;
      }
      std::vector<double> survival = prediction.survival[s][e];
      const auto within =
          static_cast<std::size_t>(std::upper_bound(months.begin(), months.end(), predictor.endpoints()[e].horizon_months + 1e-9) - months.begin());
      survival.resize(within);
      out["curves"].push_back({{"strategy", strategy.name}, {"endpoint", predictor.endpoints()[e].name}, {"survival", survival}});
    }
  return out;
}

}  // namespace hepar::validation
