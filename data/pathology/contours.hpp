// SPDX-License-Identifier: Apache-2.0
// Borders of a mask as other tools see them, and CLAM's way of laying tiles into them.
#pragma once

#include "data/pathology/plane.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace hepar::pathology {

using Ring = std::vector<std::array<std::int32_t, 2>>;  // closed: the last point joins the first

// A piece of the mask (joined also by corners): the centres of its border pixels, and those around each of its holes
// (Suzuki and Abe 1985, as OpenCV's findContours with two levels and every point).
struct Region { Ring border; std::vector<Ring> holes; };
// The last found by rows comes first, as OpenCV lists them; a region's holes likewise.
[[nodiscard]] std::vector<Region> find_regions(const Plane& mask);

[[nodiscard]] double area_of(const Ring& ring);                          // by the shoelace formula
// 1 inside, 0 on the line, -1 outside.
[[nodiscard]] int side_of(const Ring& ring, double x, double y);

// The rules of CLAM's create_patches: regions and holes above an area (in pixels of the mask), at most so many holes; for each
// region a grid that begins at its bounding box, by columns; a tile stays when one of four points around its centre lies in
// the region and its centre in none of the holes.
struct ClamRules {
  int patch = 256, step = 256;              // level-0 px
  double scale_x = 1, scale_y = 1;          // level-0 px a mask pixel
  double least_area = 0, least_hole = 0;
  std::size_t most_holes = 8;
};
[[nodiscard]] std::vector<std::array<std::int32_t, 2>> clam_tiles(const Plane& mask, const ClamRules& rules);

// Outlines along pixel edges, in pixel units: filled at pixel centres they give the mask back exactly. Pieces are joined by
// edges only.
[[nodiscard]] std::vector<Region> outlines(const Plane& mask);

}  // namespace hepar::pathology
