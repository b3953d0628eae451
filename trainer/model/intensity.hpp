// SPDX-License-Identifier: Apache-2.0
// What a volume says without being learned from: the distribution of intensities of each phase, and its hot spots. Functions
// of the input alone.
#pragma once

#include <cstdint>
#include <span>

namespace hepar::model {

// Floats a volume of so many phases gives.
[[nodiscard]] std::int64_t intensity_width(std::int64_t phases);

struct Grid {
  std::int64_t phases, slices, rows, columns;
  [[nodiscard]] std::int64_t voxels() const { return slices * rows * columns; }
};

// `voxels`: phases x slices x rows x columns in SDs of tissue (Transform); `out`: intensity_width floats.
// A phase: mean, SD, and the share of voxels above each of eight levels (a ramp one unit wide). Then, for two sizes of a
// box (3 and 5 voxels) and each phase, where that phase's box mean is highest: the box means of all phases there. The
// brightest spot of the arterial phase and what it becomes in the portal one are what a reader of liver CT looks for first
// (arterial hyperenhancement and washout: LI-RADS v2018, major features).
void intensity_statistics(std::span<const float> voxels, const Grid& grid, std::span<float> out);

}  // namespace hepar::model
