// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/effect_model.hpp"

#include "trainer/statistics/cox.hpp"
#include "trainer/statistics/discrete.hpp"
#include "trainer/statistics/quantile.hpp"

#include <fmt/format.h>

#include <cmath>

namespace hepar::statistics {
namespace {

constexpr std::size_t kLeastTreated = 20, kLeastTreatedEvents = 5;
constexpr double kSmallRidge = 1.0, kHeterogeneityLevel = 0.05;

std::vector<double> indicator(Codes treatment, int arm) {
  std::vector<double> column;
  for (const int own : treatment) column.push_back(own == arm ? 1 : 0);
  return column;
}

}  // namespace

EffectModel effect_model(Outcomes outcomes, Codes treatment, int arms, Columns covariates) {
  EffectModel out;
  out.not_estimable.resize(static_cast<std::size_t>(arms));
  out.coef.assign(static_cast<std::size_t>(arms), {0, 0});
  out.covariance.assign(static_cast<std::size_t>(arms), {0, 0, 0});
  std::vector<int> estimable;
  for (int arm = 0; arm < arms; ++arm) {
    std::size_t n = 0, events = 0;
    for (std::size_t i = 0; i < treatment.size(); ++i) {
      n += treatment[i] == arm ? 1 : 0;
      events += treatment[i] == arm && outcomes.event[i] == 1 ? 1 : 0;
    }
    if (n < kLeastTreated || events < kLeastTreatedEvents)
      out.not_estimable[static_cast<std::size_t>(arm)] =
          fmt::format("{} patients and {} events, fewer than {} and {}", n, events, kLeastTreated, kLeastTreatedEvents);
    else if (arm > 0)
      estimable.push_back(arm);
  }
  if (!out.not_estimable[0].empty()) out.problem = "the first arm: " + out.not_estimable[0];
  if (estimable.empty() && out.problem.empty()) out.problem = "no treated arm is estimable";
  if (!out.problem.empty()) return out;

  std::vector<Values> x(covariates.begin(), covariates.end());
  std::vector<std::vector<double>> main;
  for (const int arm : estimable) main.push_back(indicator(treatment, arm));
  for (const auto& column : main) x.push_back(column);
  CoxOptions options;
  options.ridge = kSmallRidge;
  const CoxFit common = cox(outcomes, x, options);
  for (std::size_t c = 0; c < covariates.size(); ++c) out.prognosis.push_back(std::isfinite(common.coef[c]) ? common.coef[c] : 0);
  std::vector<double> index(treatment.size(), 0.0);
  for (std::size_t c = 0; c < covariates.size(); ++c)
    for (std::size_t i = 0; i < index.size(); ++i) index[i] += out.prognosis[c] * covariates[c][i];
  out.index_centre = mean(index);
  const double sd = standard_deviation(index);
  out.index_scale = sd > 1e-9 ? sd : 1;
  std::vector<std::vector<double>> change = main;
  for (auto& column : change)
    for (std::size_t i = 0; i < column.size(); ++i) column[i] *= (index[i] - out.index_centre) / out.index_scale;
  std::vector<Values> with_change = x;
  for (const auto& column : change) with_change.push_back(column);
  const CoxFit differing = cox(outcomes, with_change, options);
  out.p_heterogeneity = chi_squared_tail(std::max(0.0, 2 * (differing.loglik - common.loglik)), static_cast<double>(estimable.size()));
  out.heterogeneous = sd > 1e-9 && out.p_heterogeneity < kHeterogeneityLevel;
  const CoxFit& fit = out.heterogeneous ? differing : common;
  const std::size_t p = fit.coef.size();
  for (std::size_t k = 0; k < estimable.size(); ++k) {
    const auto arm = static_cast<std::size_t>(estimable[k]);
    const std::size_t at = covariates.size() + k, also = at + estimable.size();
    out.coef[arm] = {fit.coef[at], out.heterogeneous ? fit.coef[also] : 0};
    out.covariance[arm] = {fit.covariance[at * p + at], out.heterogeneous ? fit.covariance[at * p + also] : 0,
                           out.heterogeneous ? fit.covariance[also * p + also] : 0};
    if (!std::isfinite(out.coef[arm][0]) || !std::isfinite(out.covariance[arm][0])) out.not_estimable[arm] = "no finite hazard ratio";
  }
  return out;
}

EffectModel::LogRatio EffectModel::log_ratio(int arm, Values x) const {
  if (arm == 0) return {0, 0};
  const auto a = static_cast<std::size_t>(arm);
  if (!problem.empty() || !not_estimable[a].empty()) return {};
  double index = 0;
  for (std::size_t c = 0; c < prognosis.size(); ++c) index += prognosis[c] * x[c];
  index = (index - index_centre) / index_scale;
  const double variance = covariance[a][0] + 2 * index * covariance[a][1] + index * index * covariance[a][2];
  return {coef[a][0] + index * coef[a][1], std::sqrt(std::max(0.0, variance))};
}

double months_gained(Values cuts, Values survival, double log_ratio) {
  std::vector<double> treated;
  for (const double s : survival) treated.push_back(std::pow(s, std::exp(log_ratio)));
  return curve_area(cuts, treated, cuts.back()) - curve_area(cuts, survival, cuts.back());
}

}  // namespace hepar::statistics
