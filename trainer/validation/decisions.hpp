// SPDX-License-Identifier: Apache-2.0
// From a patient's predicted curves to a recommendation: the strategy with the largest restricted mean time free of the
// endpoint, net of its toxicity, unless the gain is small or the model has no business to recommend anything. A strategy's time
// is the patient's own predicted curve under the first strategy, changed by the strategy's relative effect.
#pragma once

#include "sharding/store/store.hpp"
#include "trainer/validation/relative_effects.hpp"
#include "trainer/validation/strategies.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace hepar::validation {

struct Decision {
  std::vector<double> months;           // [arm]: restricted mean time free of the endpoint; NaN for an arm that is not estimable
  std::vector<double> gain, low, high;  // [arm]: over the first arm, net of toxicity, with 90 % limits
  std::vector<double> propensity;       // [arm], among such patients of the training fold
  int recommended = 0;
  std::vector<bool> sensitive;         // [arm]: the lower limit of its gain, toxicity left aside, is above decision.sensitive_gain
  bool small_gain = false;             // the first arm is recommended because nothing gains enough
  std::vector<std::string> abstained;  // why nothing is recommended: "low_support", "missing_<modality>"
};

class DecisionRule {
 public:
  // usage_error: an endpoint, arm or modality that there is not.
  DecisionRule(const engine::DecisionConfig& config, const std::vector<Strategy>& arms, const std::vector<EndpointSpec>& endpoints,
               const std::vector<std::string>& modalities);
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  [[nodiscard]] double months() const { return months_; }
  // Months, every third one, at which `curves` of the endpoint are needed; the first is 3.
  [[nodiscard]] const std::vector<double>& grid() const { return grid_; }
  // Survival under the first arm at the months of the grid, out of a prediction at `months`, which hold the grid.
  [[nodiscard]] std::vector<double> curve_of(const Prediction& prediction, const std::vector<double>& months) const;
  struct Patient {
    std::vector<double> survival;                            // curve_of
    std::vector<statistics::EffectModel::LogRatio> effects;  // [arm]
    std::vector<double> propensity;                          // [arm]
    std::vector<std::string> missing;                        // modalities of which the patient has nothing
  };
  [[nodiscard]] Decision of(const Patient& patient) const;
  [[nodiscard]] std::string json() const;  // what was decided by, for seals and results

 private:
  engine::DecisionConfig config_;
  std::vector<Strategy> arms_;
  std::string endpoint_;
  std::size_t endpoint_index_ = 0;
  double months_ = 36;
  std::vector<double> grid_, toxicity_;
};

// Both lists of months, ascending, none twice.
[[nodiscard]] std::vector<double> with_months(const std::vector<double>& months, const std::vector<double>& more);
// The relative effects that recommendations of this experiment rest on, fitted on these patients.
[[nodiscard]] RelativeEffects effects_for(const engine::Experiment& experiment, const store::Store& store, const std::vector<std::int64_t>& patients);
// The modalities that are asked for and of which the store has nothing of the patient.
[[nodiscard]] std::vector<std::string> missing_modalities(const store::Store& store, std::int64_t patient, const std::vector<std::string>& required);

// A row a patient: patient_id, centre, fold, recommended, small_gain, abstained, sensitive, months_<arm> …, gain_<arm> …, gain_low_…, gain_high_…,
// propensity_….
class DecisionsCsv {
 public:
  explicit DecisionsCsv(const std::vector<std::string>& arms);
  void add(const store::PatientRow& row, const std::string& fold, const Decision& decision);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::vector<std::string> arms_;
  std::string text_;
};

}  // namespace hepar::validation
