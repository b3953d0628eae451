// SPDX-License-Identifier: Apache-2.0
// The surface of the drawn region and its convex hull.
#pragma once

#include "data/imaging/radiomics_region.hpp"

namespace hepar::imaging::ibsi {

// Marching cubes (Lorensen 1987) at 0.5 on the binary mask: all vertices are midpoints between two voxels.
struct Surface { double volume = 0, area = 0; };  // mm3, mm2
[[nodiscard]] Surface surface_of(const Region& region);

// Vertices in units of half a voxel: whole numbers, so that the hull is exact.
using Lattice = std::array<std::int64_t, 3>;
struct Hull {
  std::vector<Lattice> vertices;  // of its faces
  double volume = 0, area = 0;    // mm3, mm2
};
// Those vertices of the surface that can be corners of its hull.
[[nodiscard]] std::vector<Lattice> outer_vertices(const Region& region);
// Of points that do not all lie in one plane; `unit` is the length of a lattice step in mm.
[[nodiscard]] Hull hull_of(const std::vector<Lattice>& points, const std::array<double, 3>& unit);

}  // namespace hepar::imaging::ibsi
