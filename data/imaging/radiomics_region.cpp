// SPDX-License-Identifier: Apache-2.0
// Image and mask to a region: interpolation, rounding, re-segmentation (IBSI 1, chapter 2).
#include "data/imaging/radiomics_region.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hepar::imaging::ibsi {

namespace {

// The sphere of 1 cm3 around a voxel, over which local intensity is averaged, must lie in the box.
constexpr double kReach = 6.21;

struct Extent { std::array<std::int64_t, 3> low{}, high{}; };  // inclusive

Extent extent_of(const Mask& mask) {
  Extent extent{mask.size, {-1, -1, -1}};
  std::size_t at = 0;
  for (std::int64_t z = 0; z < mask.size[2]; ++z)
    for (std::int64_t y = 0; y < mask.size[1]; ++y)
      for (std::int64_t x = 0; x < mask.size[0]; ++x, ++at) {
        if (mask.inside[at] == 0) continue;
        const std::array<std::int64_t, 3> voxel{x, y, z};
        for (std::size_t axis = 0; axis < 3; ++axis) {
          extent.low[axis] = std::min(extent.low[axis], voxel[axis]);
          extent.high[axis] = std::max(extent.high[axis], voxel[axis]);
        }
      }
  return extent;
}

// The new grid and the part of it that holds the mask and its margin; `last` is the number of voxels of the whole grid.
NewGrid grid_of(const Image& image, const Mask& mask, const RadiomicsSettings& settings, std::array<std::int64_t, 3>& whole) {
  const Extent extent = extent_of(mask);
  NewGrid grid;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const bool moves = settings.interpolation != RadiomicsSettings::Interpolation::none && !(settings.by_slice && axis == 2);
    if (moves && std::abs(settings.spacing_mm[axis] / image.spacing_mm[axis] - 1) > 1e-6) grid.step[axis] = settings.spacing_mm[axis] / image.spacing_mm[axis];
    whole[axis] = NewGrid::voxels(image.size[axis], grid.step[axis]);
    const double origin = NewGrid::place(0, image.size[axis], grid.step[axis]);
    const auto margin = std::max<std::int64_t>(1, static_cast<std::int64_t>(kReach / (grid.step[axis] * image.spacing_mm[axis])));
    const auto low = static_cast<std::int64_t>(std::floor((static_cast<double>(extent.low[axis] - 1) - origin) / grid.step[axis])) - margin;
    const auto high = static_cast<std::int64_t>(std::ceil((static_cast<double>(extent.high[axis] + 1) - origin) / grid.step[axis])) + margin;
    grid.first[axis] = low;
    grid.size[axis] = high - low + 1;
  }
  return grid;
}

double image_voxel(const void* image, std::int64_t index) { return static_cast<double>(static_cast<const Image*>(image)->values[static_cast<std::size_t>(index)]); }
double mask_voxel(const void* mask, std::int64_t index) { return static_cast<double>(static_cast<const Mask*>(mask)->inside[static_cast<std::size_t>(index)]); }

bool whole(float value) { return std::nearbyint(value) == value; }

void fill(Region& region, const Image& image, const Mask& mask, const RadiomicsSettings& settings) {
  std::array<std::int64_t, 3> whole_grid{};
  const NewGrid grid = grid_of(image, mask, settings, whole_grid);
  region.size = grid.size;
  for (std::size_t axis = 0; axis < 3; ++axis) region.spacing[axis] = image.spacing_mm[axis] * grid.step[axis];
  Box values = interpolated({&image, &image_voxel, image.size}, grid, settings.interpolation == RadiomicsSettings::Interpolation::cubic);
  const Box drawn = interpolated({&mask, &mask_voxel, mask.size}, grid, false);
  const bool rounds = settings.round ? *settings.round : std::all_of(image.values.begin(), image.values.end(), &whole);
  region.shape.resize(values.values.size());
  std::size_t at = 0;
  for (std::int64_t z = 0; z < grid.size[2]; ++z)
    for (std::int64_t y = 0; y < grid.size[1]; ++y)
      for (std::int64_t x = 0; x < grid.size[0]; ++x, ++at) {
        const std::array<std::int64_t, 3> voxel{grid.first[0] + x, grid.first[1] + y, grid.first[2] + z};
        bool in_image = true;
        for (std::size_t axis = 0; axis < 3; ++axis) in_image = in_image && voxel[axis] >= 0 && voxel[axis] < whole_grid[axis];
        if (rounds) values.values[at] = std::nearbyint(values.values[at]);
        if (!in_image) values.values[at] = std::numeric_limits<double>::quiet_NaN();
        region.shape[at] = in_image && drawn.values[at] >= 0.5 - 1e-9 ? 1 : 0;
      }
  region.intensity = std::move(values.values);
}

// Both filters look at the region as it was drawn: the outliers' mean and deviation are not those of what the range left.
void resegment(Region& region, const RadiomicsSettings& settings) {
  double low = -std::numeric_limits<double>::infinity(), high = -low;
  if (settings.resegment_range) {
    low = (*settings.resegment_range)[0];
    high = (*settings.resegment_range)[1];
  }
  if (settings.resegment_sigma) {
    double n = 0, sum = 0, squares = 0;
    for (std::size_t i = 0; i < region.shape.size(); ++i)
      if (region.shape[i] != 0) {
        n += 1;
        sum += region.intensity[i];
      }
    const double mean = sum / n;
    for (std::size_t i = 0; i < region.shape.size(); ++i)
      if (region.shape[i] != 0) squares += (region.intensity[i] - mean) * (region.intensity[i] - mean);
    const double reach = *settings.resegment_sigma * std::sqrt(squares / n);
    low = std::max(low, mean - reach);
    high = std::min(high, mean + reach);
  }
  region.inside.assign(region.shape.size(), 0);
  for (std::size_t i = 0; i < region.shape.size(); ++i) {
    if (region.shape[i] == 0 || region.intensity[i] < low || region.intensity[i] > high) continue;
    region.inside[i] = 1;
    region.voxels.push_back(static_cast<std::int64_t>(i));
  }
}

}  // namespace

Region region_of(const Image& image, const Mask& mask, const RadiomicsSettings& settings) {
  Region region;
  region.notes = mask.notes;
  if (mask.voxels == 0) {
    region.problem = "the mask is empty";
    return region;
  }
  fill(region, image, mask, settings);
  if (std::none_of(region.shape.begin(), region.shape.end(), [](std::uint8_t in) { return in != 0; })) {
    region.problem = "no voxel of the interpolated mask is left: the region is smaller than the new grid";
    return region;
  }
  resegment(region, settings);
  if (region.voxels.empty()) {
    region.problem = "re-segmentation leaves no voxel of the mask";
    return region;
  }
  region.whole_numbers = std::all_of(region.voxels.begin(), region.voxels.end(), [&](std::int64_t v) {
    const double value = region.intensity[static_cast<std::size_t>(v)];
    return std::nearbyint(value) == value;
  });
  discretise(region, settings);
  return region;
}

}  // namespace hepar::imaging::ibsi
