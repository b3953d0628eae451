// SPDX-License-Identifier: Apache-2.0
// Intensity histogram: the discretised intensities (IBSI 1, section 3.4).
#include "data/imaging/radiomics_statistics.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::imaging::ibsi {

namespace {

constexpr std::array<FeatureName, 23> kHistogram{{{"ih_mean", "Mean"}, {"ih_var", "Variance"}, {"ih_skew", "Skewness"}, {"ih_kurt", "(Excess) kurtosis"}, {"ih_median", "Median"},
                                                  {"ih_min", "Minimum"}, {"ih_p10", "10th percentile"}, {"ih_p90", "90th percentile"}, {"ih_max", "Maximum"}, {"ih_mode", "Mode"},
                                                  {"ih_iqr", "Interquartile range"}, {"ih_range", "Range"}, {"ih_mad", "Mean absolute deviation"},
                                                  {"ih_rmad", "Robust mean absolute deviation"}, {"ih_medad", "Median absolute deviation"}, {"ih_cov", "Coefficient of variation"},
                                                  {"ih_qcod", "Quartile coefficient of dispersion"}, {"ih_entropy", "Entropy"}, {"ih_uniformity", "Uniformity"},
                                                  {"ih_max_grad", "Maximum histogram gradient"}, {"ih_max_grad_g", "Maximum histogram gradient grey level"},
                                                  {"ih_min_grad", "Minimum histogram gradient"}, {"ih_min_grad_g", "Minimum histogram gradient grey level"}}};

// Central differences, one-sided at the ends; levels from 1, empty ones count.
std::vector<double> gradient_of(const std::vector<double>& counts) {
  const std::size_t n = counts.size();
  std::vector<double> gradient(n, 0);
  if (n < 2) return gradient;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t low = i == 0 ? 0 : i - 1, high = std::min(i + 1, n - 1);
    gradient[i] = (counts[high] - counts[low]) / static_cast<double>(high - low);
  }
  return gradient;
}

}  // namespace

void add_histogram(const Region& region, Sheet& sheet) {
  std::vector<double> levels, counts(static_cast<std::size_t>(region.levels), 0);
  for (const std::int64_t v : region.voxels) {
    const std::int32_t level = region.level[static_cast<std::size_t>(v)];
    levels.push_back(level);
    counts[static_cast<std::size_t>(level - 1)] += 1;
  }
  const Summary s = summary_of(levels);
  double entropy = 0, uniformity = 0, mode = 0;
  const double most = *std::max_element(counts.begin(), counts.end());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double p = counts[i] / static_cast<double>(levels.size()), level = static_cast<double>(i) + 1;
    if (p > 0) entropy -= p * std::log2(p);
    uniformity += p * p;
    // Of several modes the one nearest to the mean.
    if (counts[i] == most && (mode == 0 || std::abs(level - s.mean) < std::abs(mode - s.mean))) mode = level;
  }
  const std::vector<double> gradient = gradient_of(counts);
  const auto steepest = std::max_element(gradient.begin(), gradient.end()), lowest = std::min_element(gradient.begin(), gradient.end());
  const std::array<double, 23> out{s.mean, s.variance, s.skewness, s.kurtosis, s.median, s.minimum, s.p10, s.p90, s.maximum, mode, s.iqr, s.range,
                                   s.mad, s.robust_mad, s.median_ad, s.variation, s.dispersion, entropy, uniformity,
                                   *steepest, static_cast<double>(steepest - gradient.begin() + 1), *lowest, static_cast<double>(lowest - gradient.begin() + 1)};
  put({"Intensity histogram", kHistogram}, out, sheet);
}

}  // namespace hepar::imaging::ibsi
