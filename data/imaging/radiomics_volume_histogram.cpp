// SPDX-License-Identifier: Apache-2.0
// Intensity-volume histogram: the share of the region that is at least as intense (IBSI 1, section 3.5).
#include "data/imaging/radiomics_families.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::imaging::ibsi {

namespace {

constexpr std::array<FeatureName, 7> kNames{{{"ivh_v10", "Volume fraction at 10% intensity"}, {"ivh_v90", "Volume fraction at 90% intensity"},
                                             {"ivh_i10", "Intensity at 10% volume"}, {"ivh_i90", "Intensity at 90% volume"},
                                             {"ivh_diff_v10_v90", "Volume fraction difference between 10% and 90% intensity"},
                                             {"ivh_diff_i10_i90", "Intensity difference between 10% and 90% volume"}, {"ivh_auc", "Area under the IVH curve"}}};
constexpr double kMostSteps = 1e6;
constexpr long long kDefaultBins = 1000;

// Bins in ascending order: what stands for a bin, and the share of voxels in it or above.
struct Curve {
  std::vector<double> intensity, share;
  double beyond = 0;  // the bin after the last
  [[nodiscard]] double fraction(std::size_t i) const { return (intensity[i] - intensity.front()) / (intensity.back() - intensity.front()); }
};

Curve curve_of(std::size_t bins, double first, double width, const std::vector<std::size_t>& bin_of_voxel) {
  std::vector<double> counts(bins, 0);
  for (const std::size_t bin : bin_of_voxel) counts[std::min(bin, bins - 1)] += 1;
  Curve curve;
  double below = 0;
  for (std::size_t i = 0; i < bins; ++i) {
    curve.intensity.push_back(first + static_cast<double>(i) * width);
    curve.share.push_back(1 - below / static_cast<double>(bin_of_voxel.size()));
    below += counts[i];
  }
  curve.beyond = curve.intensity.back() + width;
  return curve;
}

Curve discretised(const Region& region, const RadiomicsSettings& settings) {
  double low = HUGE_VAL, high = -HUGE_VAL;
  std::vector<double> values;
  for (const std::int64_t v : region.voxels) {
    values.push_back(region.intensity[static_cast<std::size_t>(v)]);
    low = std::min(low, values.back());
    high = std::max(high, values.back());
  }
  Bins bins = settings.ivh;
  const bool ranged = settings.resegment_range.has_value();
  const double begin = ranged ? (*settings.resegment_range)[0] : low, end = ranged ? (*settings.resegment_range)[1] : high;
  const bool steps = !bins.said() && region.whole_numbers && end - begin <= kMostSteps && std::nearbyint(begin) == begin;
  if (!bins.said() && !steps) bins.number = kDefaultBins;
  std::vector<std::size_t> at;
  if (bins.number > 0) {
    const auto n = static_cast<double>(bins.number);
    for (const double value : values) at.push_back(high > low ? static_cast<std::size_t>(std::min(n - 1, std::floor(n * (value - low) / (high - low)))) : 0);
    return curve_of(static_cast<std::size_t>(bins.number), 1, 1, at);
  }
  const double width = steps ? 1 : bins.width;
  if ((end - begin) / width > kMostSteps) return {};
  for (const double value : values) at.push_back(static_cast<std::size_t>(std::max(0.0, std::floor((value - begin) / width))));
  const auto count = static_cast<std::size_t>(steps ? std::floor(end - begin) : std::ceil((end - begin) / width)) + 1;
  return curve_of(count, steps ? begin : begin + 0.5 * width, width, at);
}

double volume_at(const Curve& curve, double intensity_fraction) {
  for (std::size_t i = 0; i < curve.share.size(); ++i)
    if (curve.fraction(i) >= intensity_fraction) return curve.share[i];
  return kUndefined;
}

double intensity_at(const Curve& curve, double volume_fraction) {
  for (std::size_t i = 0; i < curve.share.size(); ++i)
    if (curve.share[i] <= volume_fraction) return curve.intensity[i];
  return curve.beyond;
}

}  // namespace

void add_volume_histogram(const Region& region, const RadiomicsSettings& settings, Sheet& sheet) {
  std::array<double, 7> out;
  out.fill(kUndefined);
  const Curve curve = discretised(region, settings);
  if (!curve.share.empty()) {
    const double v10 = volume_at(curve, 0.1), v90 = volume_at(curve, 0.9), i10 = intensity_at(curve, 0.1), i90 = intensity_at(curve, 0.9);
    double area = curve.share.size() > 1 ? 0 : kUndefined;
    for (std::size_t i = 1; i < curve.share.size(); ++i) area += (curve.share[i] + curve.share[i - 1]) / 2 * (curve.fraction(i) - curve.fraction(i - 1));
    out = {v10, v90, i10, i90, v10 - v90, i10 - i90, area};
  }
  put({"Intensity-volume histogram", kNames}, out, sheet);
}

}  // namespace hepar::imaging::ibsi
