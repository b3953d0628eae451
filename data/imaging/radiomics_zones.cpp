// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/radiomics_matrix.hpp"

namespace hepar::imaging::ibsi {

namespace {

// City-block steps to the nearest voxel that is not drawn: two raster passes are exact for this metric.
std::vector<std::int32_t> distances(const Region& region, bool by_slice) {
  const std::array<std::int64_t, 3> steps{1, region.size[0], region.size[0] * region.size[1]};
  const std::size_t axes = by_slice ? 2 : 3;
  std::vector<std::int32_t> distance(region.shape.size(), 0);
  const auto n = static_cast<std::int64_t>(distance.size());
  const auto relax = [&](std::int64_t v, int sign) {
    if (region.shape[static_cast<std::size_t>(v)] == 0) return;
    std::int32_t& own = distance[static_cast<std::size_t>(v)];
    if (own == 0) own = std::numeric_limits<std::int32_t>::max();
    for (std::size_t axis = 0; axis < axes; ++axis) {
      const std::int32_t other = distance[static_cast<std::size_t>(v + sign * steps[axis])];
      if (other < own) own = other + 1;
    }
  };
  for (std::int64_t v = 0; v < n; ++v) relax(v, -1);
  for (std::int64_t v = n - 1; v >= 0; --v) relax(v, 1);
  return distance;
}

}  // namespace

std::vector<Zone> zones_of(const Region& region, bool by_slice) {
  const std::vector<std::int32_t> distance = distances(region, by_slice);
  const std::vector<std::int64_t> half = half_neighbours(region, by_slice);
  std::vector<std::uint8_t> seen(region.level.size(), 0);
  std::vector<std::int64_t> waiting;
  std::vector<Zone> zones;
  for (const std::int64_t first : region.voxels) {
    if (seen[static_cast<std::size_t>(first)] != 0) continue;
    const std::int32_t level = region.level[static_cast<std::size_t>(first)];
    Zone zone{by_slice ? region.place(first)[2] : 0, level, 0, std::numeric_limits<std::int64_t>::max()};
    seen[static_cast<std::size_t>(first)] = 1;
    waiting.push_back(first);
    while (!waiting.empty()) {
      const std::int64_t v = waiting.back();
      waiting.pop_back();
      ++zone.size;
      zone.distance = std::min<std::int64_t>(zone.distance, distance[static_cast<std::size_t>(v)]);
      for (const std::int64_t offset : half)
        for (const std::int64_t next : {v + offset, v - offset}) {
          if (region.level[static_cast<std::size_t>(next)] != level || seen[static_cast<std::size_t>(next)] != 0) continue;
          seen[static_cast<std::size_t>(next)] = 1;
          waiting.push_back(next);
        }
    }
    zones.push_back(zone);
  }
  return zones;
}

}  // namespace hepar::imaging::ibsi
