// SPDX-License-Identifier: Apache-2.0
#include "trainer/objective/head_kinds.hpp"

#include "data/base/error.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::objective {
namespace {

// log(1 + e^z) without overflow.
double softplus(double z) { return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))); }

double interpolate(const std::vector<double>& cuts, const std::vector<double>& values, double months) {
  if (months <= 0) return values.front();
  const auto above = std::lower_bound(cuts.begin(), cuts.end(), months);
  if (above == cuts.end()) return values.back();
  const auto k = static_cast<std::size_t>(above - cuts.begin());
  const double share = (months - cuts[k - 1]) / (cuts[k] - cuts[k - 1]);
  return values[k - 1] + share * (values[k] - values[k - 1]);
}

// Survival of a single hazard at the cuts.
std::vector<double> survival_of(std::span<const double> logits) {
  std::vector<double> survival{1};
  double log_survival = 0;
  for (const double z : logits) survival.push_back(std::exp(log_survival -= softplus(z)));
  return survival;
}

// 1 - incidence of the endpoint's event at the cuts.
std::vector<double> endpoint_curve(const EndpointSpec& endpoint, const IllnessDeathCurves& joint) {
  if (endpoint.recurrence_is_event && endpoint.death_is_event) return joint.free;
  if (endpoint.death_is_event) return joint.survival;
  if (!endpoint.recurrence_is_event) throw Error(ExitCode::bug, "endpoint " + endpoint.name + " has no event");
  std::vector<double> curve;
  for (const double incidence : joint.recurrence) curve.push_back(1 - incidence);
  return curve;
}

}  // namespace

IllnessDeathCurves illness_death(std::span<const double> logits, std::int64_t intervals) {
  IllnessDeathCurves curves{{1}, {0}, {0}, {1}};
  double log_free = 0, recurred = 0;
  for (std::int64_t j = 0; j < intervals; ++j) {
    const double* z = logits.data() + 3 * j;
    const double top = std::max({0.0, z[0], z[1]});
    const double lse = top + std::log(std::exp(-top) + std::exp(z[0] - top) + std::exp(z[1] - top));
    const double before = std::exp(log_free);
    const double recurs = before * std::exp(z[0] - lse), dies = before * std::exp(z[1] - lse);
    recurred = recurred * std::exp(-softplus(z[2])) + recurs;
    log_free -= lse;
    curves.free.push_back(std::exp(log_free));
    curves.recurrence.push_back(curves.recurrence.back() + recurs);
    curves.death_without.push_back(curves.death_without.back() + dies);
    // Rounding alone could let survival rise by a last digit; the bound from below holds all the same.
    curves.survival.push_back(std::min(curves.survival.back(), curves.free.back() + recurred));
  }
  return curves;
}

std::vector<std::vector<double>> hazard_curves(const HeadSpec&, std::span<const EndpointSpec* const> served, std::span<const double> logits) {
  return {served.size(), survival_of(logits)};
}

std::vector<std::vector<double>> illness_death_curves(const HeadSpec& head, std::span<const EndpointSpec* const> served, std::span<const double> logits) {
  const IllnessDeathCurves joint = illness_death(logits, head.intervals());
  std::vector<std::vector<double>> result;
  for (const EndpointSpec* endpoint : served) result.push_back(endpoint_curve(*endpoint, joint));
  return result;
}

std::vector<std::vector<double>> curves(const HeadSpec& head, std::span<const EndpointSpec> endpoints, std::span<const double> logits,
                                        std::span<const double> months) {
  std::vector<const EndpointSpec*> served;
  for (const std::string& name : head.endpoints) {
    const auto at = std::find_if(endpoints.begin(), endpoints.end(), [&](const EndpointSpec& e) { return e.name == name; });
    if (at == endpoints.end()) throw Error(ExitCode::bug, "no endpoint " + name);
    served.push_back(&*at);
  }
  std::vector<std::vector<double>> result;
  for (const std::vector<double>& at_cuts : head_kind(head.kind).curves(head, served, logits)) {
    std::vector<double>& values = result.emplace_back();
    for (const double month : months) values.push_back(interpolate(head.cuts, at_cuts, month));
  }
  return result;
}

}  // namespace hepar::objective
