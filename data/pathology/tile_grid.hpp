// SPDX-License-Identifier: Apache-2.0
// Which tiles of a slide are taken, and where they lie.
#pragma once

#include "data/pathology/tissue.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace hepar::pathology {

struct TileRequest {
  double um_per_pixel = 0.5;
  int pixels = 256;
  double least_tissue = 0.25;   // share of a tile that must be tissue
  bool reduced = false;         // levels averaged in the DCT domain may serve
};

struct TileGrid {
  std::size_t level = 0;               // that the pixels come from
  bool enlarged = false;               // the slide is coarser than asked for
  int factor = 0;                      // pixels of the level a pixel of the tile, when whole (within 1 %); else 0
  double level0_width = 0, level0_height = 0;          // of a tile, in level-0 px; not rounded
  std::vector<std::array<std::int32_t, 2>> tiles;      // x, y at level 0, rounded once; row by row
};

// Tile (i, j) begins at the scanned area's corner + (i, j) x tile edge in um: a true grid, without drift. Only whole tiles
// within the scanned area, with enough tissue. The order is that of rows.
[[nodiscard]] TileGrid plan_tiles(const Slide& slide, const Scale& scale, const Overview& overview, const Plane& tissue, const TileRequest& request);

// The window of `level` that a tile covers; for a whole factor at a whole position.
[[nodiscard]] Window window_of(const TileGrid& grid, const SlideLevel& level, const std::array<std::int32_t, 2>& tile, int pixels);

}  // namespace hepar::pathology
