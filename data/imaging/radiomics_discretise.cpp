// SPDX-License-Identifier: Apache-2.0
// Intensities to grey levels: fixed bin size, fixed bin number, or as they are (IBSI 1, section 2.7).
#include "data/imaging/radiomics_region.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::imaging::ibsi {

namespace {

constexpr double kMostLevels = 65535, kMostPlainLevels = 1024, kDefaultWidth = 25;

}  // namespace

void discretise(Region& region, const RadiomicsSettings& settings) {
  double low = region.intensity[static_cast<std::size_t>(region.voxels.front())], high = low;
  for (const std::int64_t v : region.voxels) {
    low = std::min(low, region.intensity[static_cast<std::size_t>(v)]);
    high = std::max(high, region.intensity[static_cast<std::size_t>(v)]);
  }
  Bins bins = settings.discretise;
  const bool plain = !bins.said() && region.whole_numbers && low >= 1 && high <= kMostPlainLevels;
  if (!bins.said()) {
    region.notes.emplace_back(plain ? "no discretise: whole numbers from 1 are grey levels as they are" : "no discretise: grey levels 25 wide (fbs: 25)");
    bins.width = plain ? 1 : kDefaultWidth;
  }
  const double begin = plain ? 1 : settings.resegment_range ? (*settings.resegment_range)[0] : low;
  if (bins.width > 0 && (high - begin) / bins.width > kMostLevels) {
    region.problem = "more than 65535 grey levels: the bins of discretise are too narrow";
    return;
  }
  const auto number = static_cast<double>(bins.number);
  region.level.assign(region.inside.size(), 0);
  for (const std::int64_t v : region.voxels) {
    const double value = region.intensity[static_cast<std::size_t>(v)];
    double level = 0;
    if (bins.width > 0) {
      level = std::max(1.0, std::floor((value - begin) / bins.width) + 1);
    } else if (high > low) {
      level = std::min(number, std::floor(number * (value - low) / (high - low)) + 1);
    } else {
      level = std::ceil(number / 2);
    }
    region.level[static_cast<std::size_t>(v)] = static_cast<std::int32_t>(level);
    region.levels = std::max(region.levels, static_cast<std::int32_t>(level));
  }
  if (bins.number > 0) region.levels = static_cast<std::int32_t>(bins.number);
}

}  // namespace hepar::imaging::ibsi
