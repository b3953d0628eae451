// SPDX-License-Identifier: Apache-2.0
// A patient's survival under every strategy and under the natural mixture of them, and predictions.csv.
#pragma once

#include "trainer/engine/engine.hpp"
#include "trainer/validation/calibration_map.hpp"
#include "trainer/validation/covariates.hpp"

#include <string>
#include <vector>

namespace hepar::validation {

using Survival = std::vector<std::vector<double>>;  // [month][patient]

// survival[strategy][endpoint][month]; strategies are the arms and then `natural` (one arm: that one alone).
struct Prediction {
  std::vector<std::vector<std::vector<double>>> survival;
};

// Every 12 months to the longest horizon, and each endpoint's own horizon: the times at which curves are predicted.
[[nodiscard]] std::vector<double> prediction_months(const std::vector<EndpointSpec>& endpoints);
// The part of those months that an endpoint is evaluated at; the last is its horizon.
[[nodiscard]] std::vector<double> months_of(const EndpointSpec& endpoint);

// The arms and, where there are several, `natural`.
[[nodiscard]] std::vector<Strategy> with_natural(std::vector<Strategy> arms);
// Mixes the arms by the patient's shares and calibrates. `curves` at any ascending months. Maps of two endpoints differ, so
// what holds by construction is restored after them: an endpoint whose events are among another's does not fall below it.
[[nodiscard]] Prediction prediction_of(const engine::Predictor::Curves& curves, const std::vector<double>& shares, const std::vector<EndpointSpec>& endpoints,
                                       const CalibrationMaps& maps);

// Rows (patient, endpoint, strategy) in that order; `months` are prediction_months. Columns every 12 months, empty beyond an
// endpoint's horizon; risk at the horizon, which need not be one of them. The rows of an arm that is not estimable are
// there, with neither risk nor survival.
class PredictionsCsv {
 public:
  PredictionsCsv(const std::vector<EndpointSpec>& endpoints, const std::vector<Strategy>& arms, const std::vector<double>& months);
  void add(const store::Store& store, std::int64_t patient, const std::string& fold, const Prediction& prediction);
  [[nodiscard]] std::string text() const { return text_; }                        // with the header
  [[nodiscard]] static std::string merge(const std::vector<std::string>& files);  // rows of several, sorted

 private:
  const std::vector<EndpointSpec>& endpoints_;
  std::vector<Strategy> strategies_;
  std::vector<double> months_;
  std::string text_;
};

}  // namespace hepar::validation
