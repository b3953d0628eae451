// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/pooling.hpp"

#include "data/base/random.hpp"
#include "trainer/statistics/concordance.hpp"
#include "trainer/statistics/quantile.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::statistics {
namespace {

struct WeightedMean {
  double mean = 0, total = 0, squares = 0, q = 0;  // sum w, sum w^2, sum w (y - mean)^2
};

WeightedMean weighted_mean(Values y, Values v, double tau2) {
  WeightedMean out;
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double w = 1 / (v[i] + tau2);
    out.total += w;
    out.squares += w * w;
    sum += w * y[i];
  }
  out.mean = sum / out.total;
  for (std::size_t i = 0; i < y.size(); ++i) out.q += (y[i] - out.mean) * (y[i] - out.mean) / (v[i] + tau2);
  return out;
}

// Fisher scoring of the restricted likelihood: P = W - W11'W/sum W, so y'PPy = sum w^2 (y - mu)^2,
// tr P = sum w - sum w^2/sum w and tr PP = sum w^2 - 2 sum w^3/sum w + (sum w^2/sum w)^2.
double restricted_tau2(Values y, Values v, double start) {
  constexpr int kLimit = 10000;
  double tau2 = start;
  for (int iteration = 0; iteration < kLimit; ++iteration) {
    const WeightedMean at = weighted_mean(y, v, tau2);
    double cubes = 0, ypp_y = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      const double w = 1 / (v[i] + tau2);
      cubes += w * w * w;
      ypp_y += w * w * (y[i] - at.mean) * (y[i] - at.mean);
    }
    const double ratio = at.squares / at.total;
    const double step = (ypp_y - (at.total - ratio)) / (at.squares - 2 * cubes / at.total + ratio * ratio);
    const double next = std::max(0.0, tau2 + step);
    const double moved = std::abs(next - tau2);
    tau2 = next;
    if (moved < 1e-12) break;
  }
  return tau2;
}

}  // namespace

Meta random_effects(Values y, Values se, const MetaOptions& options) {
  const Transform& scale = transform_of(options.scale);
  const auto k = static_cast<double>(y.size());
  std::vector<double> x, v;
  for (std::size_t i = 0; i < y.size(); ++i) {
    x.push_back(scale.to(y[i]));
    const double s = se[i] / scale.slope(y[i]);
    v.push_back(s * s);
  }
  Meta out{};
  const WeightedMean fixed = weighted_mean(x, v, 0);
  const double c = fixed.total - fixed.squares / fixed.total;
  out.q = fixed.q;
  out.q_p = chi_squared_tail(out.q, k - 1);
  out.tau2 = k > 1 ? std::max(0.0, (out.q - k + 1) / c) : 0;
  if (k > 1 && options.method == Heterogeneity::reml) out.tau2 = restricted_tau2(x, v, out.tau2);
  out.i2 = k > 1 ? 100 * out.tau2 / (out.tau2 + (k - 1) / c) : kNone;
  const WeightedMean random = weighted_mean(x, v, out.tau2);
  const double conventional = 1 / std::sqrt(random.total);
  const bool hartung_knapp = options.ci == MeanInterval::hartung_knapp;
  out.mu = random.mean;
  out.se = !hartung_knapp ? conventional : k > 1 ? std::sqrt(random.q / ((k - 1) * random.total)) : kNone;
  const double half = (hartung_knapp ? student_quantile(0.975, k - 1) : normal_quantile(0.975)) * out.se;
  const bool k_minus_1 = options.pi == PredictionInterval::t_k_minus_1;
  const double factor = k_minus_1                                                 ? student_quantile(0.975, k - 1)
                        : options.pi == PredictionInterval::t_k_minus_2 ? student_quantile(0.975, k - 2)
                                                                                  : normal_quantile(0.975);
  const double spread = k_minus_1 ? out.se : conventional;
  const double prediction = factor * std::sqrt(out.tau2 + spread * spread);
  out.estimate = scale.back(out.mu);
  out.lower = scale.back(out.mu - half);
  out.upper = scale.back(out.mu + half);
  const double normal = normal_quantile(0.975) * conventional;
  out.normal_lower = scale.back(out.mu - normal);
  out.normal_upper = scale.back(out.mu + normal);
  out.pi_lower = scale.back(out.mu - prediction);
  out.pi_upper = scale.back(out.mu + prediction);
  out.se_natural = out.se * scale.slope(out.estimate);
  return out;
}

std::vector<double> bootstrap_counts(std::size_t n, std::uint64_t seed, std::uint64_t index) {
  Stream stream({seed, index});
  std::vector<double> counts(n, 0.0);
  for (std::size_t draw = 0; draw < n; ++draw) counts[stream.below(n)] += 1;
  return counts;
}

Resampled cluster_bootstrap(Outcomes outcomes, Values score, Codes cluster, std::span<const std::vector<double>> counts, double level) {
  const PreparedConcordance prepared(outcomes, score);
  Resampled out;
  std::vector<double> weight(outcomes.size());
  for (const std::vector<double>& count : counts) {
    for (std::size_t i = 0; i < weight.size(); ++i) weight[i] = count[static_cast<std::size_t>(cluster[i])];
    out.replicates.push_back(prepared.c(weight));
  }
  out.se = standard_deviation(out.replicates);
  out.lower = quantile7(out.replicates, (1 - level) / 2);
  out.upper = quantile7(out.replicates, (1 + level) / 2);
  return out;
}

Resampled cluster_jackknife(Outcomes outcomes, Values score, Codes cluster) {
  const PreparedConcordance prepared(outcomes, score);
  Resampled out{{}, 0, kNone, kNone};
  const int clusters = largest_code(cluster) + 1;
  std::vector<double> weight(outcomes.size());
  for (int left_out = 0; left_out < clusters; ++left_out) {
    for (std::size_t i = 0; i < weight.size(); ++i) weight[i] = cluster[i] == left_out ? 0 : 1;
    out.replicates.push_back(prepared.c(weight));
  }
  const double centre = mean(out.replicates);
  double sum = 0;
  for (const double c : out.replicates) sum += (c - centre) * (c - centre);
  out.se = std::sqrt((clusters - 1.0) / clusters * sum);
  return out;
}

}  // namespace hepar::statistics
