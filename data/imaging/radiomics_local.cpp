// SPDX-License-Identifier: Apache-2.0
// Local intensity: the mean over a sphere of 1 cm3 around voxels of the region (IBSI 1, section 3.2). The sphere may reach
// out of the region, not out of the image.
#include "data/imaging/radiomics_families.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hepar::imaging::ibsi {

namespace {

constexpr std::array<FeatureName, 2> kNames{{{"loc_peak_loc", "Local intensity peak"}, {"loc_peak_glob", "Global intensity peak"}}};

std::vector<std::int64_t> sphere(const Region& region) {
  const double radius = std::cbrt(3 / (4 * std::numbers::pi)) * 10;
  std::array<std::int64_t, 3> reach{};
  for (std::size_t axis = 0; axis < 3; ++axis) reach[axis] = static_cast<std::int64_t>(radius / region.spacing[axis]);
  std::vector<std::int64_t> offsets;
  for (std::int64_t z = -reach[2]; z <= reach[2]; ++z)
    for (std::int64_t y = -reach[1]; y <= reach[1]; ++y)
      for (std::int64_t x = -reach[0]; x <= reach[0]; ++x) {
        const double dx = static_cast<double>(x) * region.spacing[0], dy = static_cast<double>(y) * region.spacing[1], dz = static_cast<double>(z) * region.spacing[2];
        if (dx * dx + dy * dy + dz * dz <= radius * radius) offsets.push_back(region.offset(x, y, z));
      }
  return offsets;
}

}  // namespace

void add_local_intensity(const Region& region, Sheet& sheet) {
  const std::vector<std::int64_t> offsets = sphere(region);
  double highest = -HUGE_VAL, local = -HUGE_VAL, global = -HUGE_VAL;
  for (const std::int64_t v : region.voxels) {
    double sum = 0, n = 0;
    for (const std::int64_t offset : offsets) {
      const double value = region.intensity[static_cast<std::size_t>(v + offset)];
      if (std::isnan(value)) continue;
      sum += value;
      n += 1;
    }
    const double mean = sum / n, own = region.intensity[static_cast<std::size_t>(v)];
    global = std::max(global, mean);
    // Of several brightest voxels the one with the highest surroundings.
    if (own > highest || (own == highest && mean > local)) local = mean;
    highest = std::max(highest, own);
  }
  const std::array<double, 2> out{local, global};
  put({"Local intensity", kNames}, out, sheet);
}

}  // namespace hepar::imaging::ibsi
