// SPDX-License-Identifier: Apache-2.0
// Intensity-based statistics (IBSI 1, section 3.3), and putting plain families on the sheet.
#include "data/imaging/radiomics_statistics.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::imaging::ibsi {

namespace {

constexpr std::array<FeatureName, 18> kStatistics{{{"stat_mean", "Mean"}, {"stat_var", "Variance"}, {"stat_skew", "Skewness"}, {"stat_kurt", "(Excess) kurtosis"},
                                                   {"stat_median", "Median"}, {"stat_min", "Minimum"}, {"stat_p10", "10th percentile"}, {"stat_p90", "90th percentile"},
                                                   {"stat_max", "Maximum"}, {"stat_iqr", "Interquartile range"}, {"stat_range", "Range"}, {"stat_mad", "Mean absolute deviation"},
                                                   {"stat_rmad", "Robust mean absolute deviation"}, {"stat_medad", "Median absolute deviation"}, {"stat_cov", "Coefficient of variation"},
                                                   {"stat_qcod", "Quartile coefficient of dispersion"}, {"stat_energy", "Energy"}, {"stat_rms", "Root mean square"}}};

double percentile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  if (low + 1 >= sorted.size()) return sorted.back();
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[low + 1] - sorted[low]);
}

double mean_distance(std::span<const double> values, double from) {
  double sum = 0;
  for (const double value : values) sum += std::abs(value - from);
  return sum / static_cast<double>(values.size());
}

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

Summary summary_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  Summary s;
  const auto n = static_cast<double>(values.size());
  s.mean = mean_of(values);
  double third = 0, fourth = 0;
  for (const double value : values) {
    const double d = value - s.mean;
    s.variance += d * d / n;
    third += d * d * d / n;
    fourth += d * d * d * d / n;
  }
  if (values.front() < values.back()) {  // one value only: 0 by convention
    s.skewness = third / (s.variance * std::sqrt(s.variance));
    s.kurtosis = fourth / (s.variance * s.variance) - 3;
  }
  s.median = percentile(values, 0.5);
  s.minimum = values.front();
  s.maximum = values.back();
  s.p10 = percentile(values, 0.1);
  s.p90 = percentile(values, 0.9);
  const double p25 = percentile(values, 0.25), p75 = percentile(values, 0.75);
  s.iqr = p75 - p25;
  s.range = s.maximum - s.minimum;
  s.mad = mean_distance(values, s.mean);
  const auto low = std::lower_bound(values.begin(), values.end(), s.p10), high = std::upper_bound(values.begin(), values.end(), s.p90);
  if (const std::span<const double> middle(low, high); !middle.empty()) s.robust_mad = mean_distance(middle, mean_of(middle));
  s.median_ad = mean_distance(values, s.median);
  s.variation = s.mean != 0 ? std::sqrt(s.variance) / s.mean : kUndefined;
  s.dispersion = p75 + p25 != 0 ? s.iqr / (p75 + p25) : kUndefined;
  return s;
}

void put(const FamilyNames& names, std::span<const double> values, Sheet& sheet) {
  for (std::size_t f = 0; f < names.features.size(); ++f) sheet.push_back({std::string(names.features[f].tag), names.family, names.features[f].name, {}, values[f], {}});
}

void add_statistics(const Region& region, Sheet& sheet) {
  std::vector<double> values;
  double energy = 0;
  for (const std::int64_t v : region.voxels) {
    values.push_back(region.intensity[static_cast<std::size_t>(v)]);
    energy += values.back() * values.back();
  }
  const Summary s = summary_of(values);
  const std::array<double, 18> out{s.mean, s.variance, s.skewness, s.kurtosis, s.median, s.minimum, s.p10, s.p90, s.maximum, s.iqr, s.range, s.mad,
                                   s.robust_mad, s.median_ad, s.variation, s.dispersion, energy, std::sqrt(energy / static_cast<double>(values.size()))};
  put({"Intensity statistics", kStatistics}, out, sheet);
}

}  // namespace hepar::imaging::ibsi
