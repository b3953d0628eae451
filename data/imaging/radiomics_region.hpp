// SPDX-License-Identifier: Apache-2.0
// The region that every family of radiomics features works on: interpolated, re-segmented, discretised.
#pragma once

#include "data/imaging/radiomics.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hepar::imaging::ibsi {

// A box around the region with a margin of at least one voxel that is outside of it, x fastest. Neighbours of a voxel of
// the region are therefore always inside the arrays.
struct Region {
  std::array<std::int64_t, 3> size{};
  std::array<double, 3> spacing{};          // mm
  std::vector<double> intensity;            // NaN outside of the image
  std::vector<std::uint8_t> shape;          // morphological mask: what was drawn
  std::vector<std::uint8_t> inside;         // intensity mask: shape less what re-segmentation took away
  std::vector<std::int32_t> level;          // 1 … levels inside, 0 elsewhere
  std::int32_t levels = 0;                  // highest grey level
  std::vector<std::int64_t> voxels;         // indices of `inside`, ascending
  bool whole_numbers = false;               // all intensities inside are
  std::vector<std::string> notes;
  std::string problem;                      // not empty: nothing can be computed

  [[nodiscard]] std::int64_t offset(std::int64_t x, std::int64_t y, std::int64_t z) const { return (z * size[1] + y) * size[0] + x; }
  [[nodiscard]] std::array<std::int64_t, 3> place(std::int64_t index) const {
    return {index % size[0], index / size[0] % size[1], index / (size[0] * size[1])};
  }
};

[[nodiscard]] Region region_of(const Image& image, const Mask& mask, const RadiomicsSettings& settings);

// Values on a grid, x fastest.
struct Box {
  std::array<std::int64_t, 3> size{};
  std::vector<double> values;
};
// The part of the interpolated image or mask that begins at voxel `first` of the new grid. `step` is new spacing / old an
// axis; the new grid has ceil(size / step) voxels and the old grid's centre. Beyond the edge the edge voxel goes on.
struct NewGrid {
  std::array<double, 3> step{1, 1, 1};
  std::array<std::int64_t, 3> first{}, size{};  // of the part
  [[nodiscard]] static std::int64_t voxels(std::int64_t old, double step);
  // Where voxel `index` of the new grid lies on an axis of `old` voxels.
  [[nodiscard]] static double place(std::int64_t index, std::int64_t old, double step);
};
using Voxel = double (*)(const void* source, std::int64_t index);
struct Source {
  const void* data;
  Voxel at;
  std::array<std::int64_t, 3> size;
};
[[nodiscard]] Box interpolated(const Source& source, const NewGrid& grid, bool cubic);

// Levels of the region's voxels into `level`; `levels` and notes with them.
void discretise(Region& region, const RadiomicsSettings& settings);

// One family: what it gives for a region, in the order of its names.
struct FeatureName { std::string_view tag, name; };
struct FamilyNames {
  std::string_view family;
  std::span<const FeatureName> features;
};

}  // namespace hepar::imaging::ibsi
