// SPDX-License-Identifier: Apache-2.0
// A patient's survival under every strategy and under the natural mixture of them, and predictions.csv.
#pragma once

#include "trainer/engine/engine.hpp"
#include "trainer/validation/calibration_map.hpp"
#include "trainer/validation/covariates.hpp"

#include <string>
#include <vector>

namespace hepar::validation {

// survival[strategy][endpoint][month]; strategies are the arms and then `natural` (one arm: that one alone).
struct Prediction { std::vector<std::vector<std::vector<double>>> survival; };

[[nodiscard]] std::vector<std::string> strategy_names(const std::vector<std::string>& arms);
// Mixes the arms by the patient's shares and calibrates. `curves` as the predictor gives them.
[[nodiscard]] Prediction prediction_of(const engine::Predictor::Curves& curves, const std::vector<double>& shares, const std::vector<EndpointSpec>& endpoints, const CalibrationMaps& maps);

// Rows (patient, endpoint, strategy) in that order; survival every 12 months, empty beyond an endpoint's horizon.
class PredictionsCsv {
 public:
  PredictionsCsv(const std::vector<EndpointSpec>& endpoints, const std::vector<std::string>& arms, const std::vector<double>& months);
  void add(const store::Store& store, std::int64_t patient, const std::string& fold, const Prediction& prediction);
  [[nodiscard]] std::string text() const { return text_; }       // with the header
  [[nodiscard]] static std::string merge(const std::vector<std::string>& files);  // rows of several, sorted

 private:
  const std::vector<EndpointSpec>& endpoints_;
  std::vector<std::string> strategies_;
  std::vector<double> months_;
  std::string text_;
};

}  // namespace hepar::validation
