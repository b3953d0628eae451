// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/sensitivity.hpp"

#include "trainer/statistics/quantile.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::statistics {
namespace {

double bias_needed(double risk_ratio) {
  const double r = risk_ratio < 1 ? 1 / risk_ratio : risk_ratio;
  return r + std::sqrt(r * (r - 1));
}

double risk_ratio_of(double hazard_ratio, bool rare) {
  return rare ? hazard_ratio : (1 - std::pow(0.5, std::sqrt(hazard_ratio))) / (1 - std::pow(0.5, std::sqrt(1 / hazard_ratio)));
}

double normal_below(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

}  // namespace

EValue e_value(double hazard_ratio, double low, double high, bool rare) {
  if (!(hazard_ratio > 0) || !std::isfinite(hazard_ratio)) return {kNone, kNone};
  const double nearer = hazard_ratio < 1 ? high : low;
  const bool covers = low <= 1 && high >= 1;
  return {bias_needed(risk_ratio_of(hazard_ratio, rare)), covers ? 1 : nearer > 0 ? bias_needed(risk_ratio_of(nearer, rare)) : kNone};
}

double log_rank_power(double hazard_ratio, double events, double share, double alpha) {
  const double z = normal_quantile(1 - alpha / 2), shift = std::sqrt(events * share * (1 - share)) * std::abs(std::log(hazard_ratio));
  return normal_below(shift - z) + normal_below(-shift - z);
}

double detectable_hazard_ratio(double events, double share, double power, double alpha) {
  const double information = events * share * (1 - share);
  if (!(information > 0)) return kNone;
  return std::exp(-(normal_quantile(1 - alpha / 2) + normal_quantile(power)) / std::sqrt(information));
}

}  // namespace hepar::statistics
