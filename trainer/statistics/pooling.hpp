// SPDX-License-Identifier: Apache-2.0
// One number from several centres: random effects (DerSimonian & Laird 1986; REML), Hartung-Knapp intervals, prediction
// intervals (Riley 2011), and the bootstrap and jackknife over whole centres.
#pragma once

#include "trainer/statistics/outcomes.hpp"
#include "trainer/statistics/scale.hpp"

namespace hepar::statistics {

enum class Heterogeneity : std::uint8_t { reml, dersimonian_laird };
enum class MeanInterval : std::uint8_t { hartung_knapp, normal };
enum class PredictionInterval : std::uint8_t { t_k_minus_1, t_k_minus_2, normal };

struct MetaOptions {
  Scale scale = Scale::plain;
  Heterogeneity method = Heterogeneity::reml;
  MeanInterval ci = MeanInterval::hartung_knapp;
  PredictionInterval pi = PredictionInterval::t_k_minus_2;
};
struct Meta {
  double mu, se, tau2;  // on the analysis scale
  double i2, q, q_p;
  double estimate, lower, upper, pi_lower, pi_upper;  // back-transformed; all 95 %
  double se_natural;                                  // of `estimate`, delta method
  double normal_lower, normal_upper;                  // with the conventional standard error, whatever `ci` asks for
};
// y and se on the natural scale (se is carried over to `scale` by the delta method). Undefined parts are NaN.
[[nodiscard]] Meta random_effects(Values y, Values se, const MetaOptions& options = {});

struct Resampled {
  std::vector<double> replicates;
  double se, lower, upper;
};
// Harrell's C with weight counts[r][cluster]; percentile interval by type-7 quantiles.
[[nodiscard]] Resampled cluster_bootstrap(Outcomes outcomes, Values score, Codes cluster, std::span<const std::vector<double>> counts, double level);
[[nodiscard]] Resampled cluster_jackknife(Outcomes outcomes, Values score, Codes cluster);  // lower, upper: NaN
// How often each of n patients (or centres) is drawn in replicate `index`: a pure function of its key.
[[nodiscard]] std::vector<double> bootstrap_counts(std::size_t n, std::uint64_t seed, std::uint64_t index);

}  // namespace hepar::statistics
