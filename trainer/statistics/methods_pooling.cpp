// SPDX-License-Identifier: Apache-2.0
// Methods over centres.
#include "data/base/error.hpp"
#include "trainer/statistics/pooling.hpp"
#include "trainer/statistics/request.hpp"

namespace hepar::statistics {
namespace {

Result meta(const Request& request) {
  const bool columns = request.has("y") || request.has("se");
  const auto values = [&](std::string_view name) {
    if (!columns) return request.numbers(name);
    const Values column = request.column(name);
    return Numbers(column.begin(), column.end());
  };
  const Numbers y = values("y"), se = values("se");
  if (y.size() != se.size()) throw usage_error("options 'y' and 'se' must be of one length");
  for (const double s : se) {
    if (!(s > 0)) throw usage_error("a standard error is not positive");
  }
  MetaOptions options;
  options.scale = request.choice("scale", {"plain", "logit"}) == 0 ? Scale::plain : Scale::logit;
  options.method = request.choice("method", {"REML", "DL"}) == 0 ? Heterogeneity::reml : Heterogeneity::dersimonian_laird;
  options.ci = request.choice("ci", {"hk", "z"}) == 0 ? MeanInterval::hartung_knapp : MeanInterval::normal;
  static constexpr PredictionInterval kIntervals[] = {PredictionInterval::t_k_minus_2, PredictionInterval::t_k_minus_1, PredictionInterval::normal};
  options.pi = kIntervals[request.choice("pi", {"t_k-2", "t_k-1", "z"})];
  const Meta at = random_effects(y, se, options);
  return {{"mu", at.mu}, {"se", at.se}, {"tau2", at.tau2}, {"i2", at.i2}, {"q", at.q}, {"q_p", at.q_p}, {"estimate", at.estimate},
          {"lower", at.lower}, {"upper", at.upper}, {"pi_lower", at.pi_lower}, {"pi_upper", at.pi_upper}};
}

Result cluster_bootstrap_method(const Request& request) {
  const std::vector<int> cluster = request.labels("cluster");
  const NumberRows counts = request.number_rows("counts");
  const auto clusters = static_cast<std::size_t>(largest_code(cluster) + 1);
  for (const Numbers& count : counts) {
    if (count.size() != clusters) {
      throw usage_error("option 'counts' needs " + std::to_string(clusters) + " numbers in every row, one a cluster");
    }
  }
  const Resampled at = cluster_bootstrap(request.single_outcomes().view(), request.column("score"), cluster, counts, request.number("conf_level", 0.95));
  return {{"replicates", at.replicates}, {"se", at.se}, {"lower", at.lower}, {"upper", at.upper}};
}

Result cluster_jackknife_method(const Request& request) {
  const Resampled at = cluster_jackknife(request.single_outcomes().view(), request.column("score"), request.labels("cluster"));
  return {{"leave_one_out", at.replicates}, {"se", at.se}};
}

}  // namespace

std::vector<Method> pooling_methods() {
  return {{"meta", "y? se?", "y? se? scale? method? ci? pi?", meta},
          {"cluster_bootstrap", "time event score cluster", "counts conf_level?", cluster_bootstrap_method},
          {"cluster_jackknife", "time event score cluster", "", cluster_jackknife_method}};
}

}  // namespace hepar::statistics
