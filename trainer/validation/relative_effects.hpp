// SPDX-License-Identifier: Apache-2.0
// Relative effects of the strategies, fitted in the training fold from the end of the treatment window on, applied to a
// patient's own predicted curve: the gain of a strategy in months with its limits.
#pragma once

#include "trainer/statistics/effect_model.hpp"
#include "trainer/validation/covariates.hpp"

#include <string>
#include <vector>

namespace hepar::validation {

class RelativeEffects {
 public:
  // Patients of the list with a known strategy and outcome of `endpoint` who are under study when the window closes.
  static RelativeEffects fit(const store::Store& store, const std::vector<std::string>& columns, const std::vector<std::int64_t>& patients,
                             const std::string& endpoint, double months);
  static RelativeEffects from_json(const std::string& text);
  [[nodiscard]] std::string json() const;
  // [patient][arm]: log hazard ratio over the first arm; NaN where not estimable.
  [[nodiscard]] std::vector<std::vector<statistics::EffectModel::LogRatio>> of(const store::Store& store, const std::vector<std::int64_t>& patients) const;
  [[nodiscard]] const std::vector<std::string>& fitted_on() const { return covariates_.fitted_on(); }
  [[nodiscard]] const statistics::EffectModel& model() const { return model_; }

 private:
  Covariates covariates_;
  statistics::EffectModel model_;
};

}  // namespace hepar::validation
