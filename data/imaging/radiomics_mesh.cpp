// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/radiomics_mesh.hpp"

#include "data/imaging/affine.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

namespace hepar::imaging::ibsi {

namespace {

using Corner = int;  // bit 0: x, bit 1: y, bit 2: z
using Triangle = std::array<Lattice, 3>;

Lattice midpoint(Corner a, Corner b) { return {(a & 1) + (b & 1), (a >> 1 & 1) + (b >> 1 & 1), (a >> 2) + (b >> 2)}; }

// The corners of the six faces, counter-clockwise seen from outside of the cube.
constexpr std::array<std::array<Corner, 4>, 6> kFaces{{{0, 4, 6, 2}, {1, 3, 7, 5}, {0, 1, 5, 4}, {2, 6, 7, 3}, {0, 2, 3, 1}, {4, 5, 7, 6}}};

std::int64_t determinant(const Lattice& a, const Lattice& b, const Lattice& c) {
  return a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0]);
}

// A loop that is not flat can be cut into triangles in several ways: the one that gives the smaller side, inside or
// outside, the larger volume (`sign` 1: inside). Found by dynamic programming over its chords.
void append_triangles(const std::vector<Lattice>& loop, std::int64_t sign, std::vector<Triangle>& out) {
  const std::size_t n = loop.size();
  std::vector<std::int64_t> best(n * n, 0);
  std::vector<std::size_t> apex(n * n, 0);
  for (std::size_t span = 2; span < n; ++span)
    for (std::size_t i = 0; i + span < n; ++i) {
      const std::size_t j = i + span;
      for (std::size_t k = i + 1; k < j; ++k) {
        const std::int64_t value = best[i * n + k] + best[k * n + j] + sign * determinant(loop[i], loop[k], loop[j]);
        if (k > i + 1 && value <= best[i * n + j]) continue;
        best[i * n + j] = value;
        apex[i * n + j] = k;
      }
    }
  std::vector<std::pair<std::size_t, std::size_t>> chords{{0, n - 1}};
  while (!chords.empty()) {
    const auto [i, j] = chords.back();
    chords.pop_back();
    if (j - i < 2) continue;
    const std::size_t k = apex[i * n + j];
    out.push_back({loop[i], loop[k], loop[j]});
    chords.emplace_back(i, k);
    chords.emplace_back(k, j);
  }
}

// On each face the surface runs from where the way around enters the region to where it leaves it next; inside corners
// that meet only across a face's diagonal are kept apart, on both sides of the face alike. The pieces close to loops.
std::vector<Triangle> triangles_of(unsigned corners) {
  const auto in = [&](Corner c) { return (corners >> c & 1u) != 0; };
  std::map<Lattice, Lattice> next;
  for (const auto& face : kFaces)
    for (std::size_t k = 0; k < 4; ++k) {
      if (in(face[k]) || !in(face[(k + 1) % 4])) continue;
      std::size_t leaves = k + 1;
      while (in(face[(leaves + 1) % 4])) ++leaves;
      next[midpoint(face[k], face[(k + 1) % 4])] = midpoint(face[leaves % 4], face[(leaves + 1) % 4]);
    }
  std::vector<Triangle> triangles;
  while (!next.empty()) {
    const Lattice first = next.begin()->first;
    std::vector<Lattice> loop;
    for (auto at = next.begin(); at != next.end(); at = next.find(loop.back())) {
      loop.push_back(at->second);
      next.erase(at);
      if (loop.back() == first) break;
    }
    append_triangles(loop, std::popcount(corners) <= 4 ? 1 : -1, triangles);
  }
  return triangles;
}

// What one cube of given corners adds: area, and six times the signed volume seen from the cube's own origin and from afar.
struct Piece {
  double area = 0, six_volumes = 0;
  Vec3 normal{};
};

std::vector<Piece> pieces_of(const std::array<double, 3>& spacing) {
  std::vector<Piece> pieces(256);
  for (unsigned corners = 0; corners < 256; ++corners)
    for (const Triangle& triangle : triangles_of(corners)) {
      std::array<Vec3, 3> mm{};
      for (std::size_t v = 0; v < 3; ++v)
        for (std::size_t axis = 0; axis < 3; ++axis) mm[v][axis] = static_cast<double>(triangle[v][axis]) * spacing[axis] / 2;
      const Vec3 normal = cross(minus(mm[1], mm[0]), minus(mm[2], mm[0]));
      pieces[corners].area += length(normal) / 2;
      pieces[corners].six_volumes += dot(mm[0], normal);
      for (std::size_t axis = 0; axis < 3; ++axis) pieces[corners].normal[axis] += normal[axis];
    }
  return pieces;
}

std::int64_t turn(const Lattice& a, const Lattice& b, const Lattice& c) { return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]); }

// Corners of the convex hull of points in one z plane (Andrew's monotone chain), appended.
void append_flat_hull(std::vector<Lattice>& points, std::vector<Lattice>& out) {
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  std::vector<Lattice> chain;
  for (int side = 0; side < 2; ++side) {
    const std::size_t begin = chain.size();
    for (const Lattice& point : points) {
      while (chain.size() >= begin + 2 && turn(chain[chain.size() - 2], chain.back(), point) <= 0) chain.pop_back();
      chain.push_back(point);
    }
    if (points.size() > 1) chain.pop_back();
    std::reverse(points.begin(), points.end());
  }
  out.insert(out.end(), chain.begin(), chain.end());
}

}  // namespace

Surface surface_of(const Region& region) {
  const std::vector<Piece> pieces = pieces_of(region.spacing);
  Surface surface;
  double six_volumes = 0;
  const std::array<std::int64_t, 3> step{1, region.size[0], region.size[0] * region.size[1]};
  for (std::int64_t z = 0; z + 1 < region.size[2]; ++z)
    for (std::int64_t y = 0; y + 1 < region.size[1]; ++y) {
      const std::uint8_t* row = region.shape.data() + region.offset(0, y, z);
      for (std::int64_t x = 0; x + 1 < region.size[0]; ++x) {
        unsigned corners = 0;
        for (unsigned c = 0; c < 8; ++c) corners |= static_cast<unsigned>(row[x + (c & 1) * step[0] + (c >> 1 & 1) * step[1] + (c >> 2) * step[2]]) << c;
        if (corners == 0 || corners == 255) continue;
        const Piece& piece = pieces[corners];
        const Vec3 origin{static_cast<double>(x) * region.spacing[0], static_cast<double>(y) * region.spacing[1], static_cast<double>(z) * region.spacing[2]};
        surface.area += piece.area;
        six_volumes += piece.six_volumes + dot(origin, piece.normal);
      }
    }
  surface.volume = std::abs(six_volumes) / 6;
  return surface;
}

std::vector<Lattice> outer_vertices(const Region& region) {
  std::map<std::int64_t, std::vector<Lattice>> planes;
  const auto in = [&](std::int64_t x, std::int64_t y, std::int64_t z) { return region.shape[static_cast<std::size_t>(region.offset(x, y, z))] != 0; };
  for (std::int64_t z = 1; z + 1 < region.size[2]; ++z)
    for (std::int64_t y = 1; y + 1 < region.size[1]; ++y)
      for (std::int64_t x = 1; x + 1 < region.size[0]; ++x) {
        if (!in(x, y, z)) continue;
        for (const int sign : {-1, 1}) {
          if (!in(x + sign, y, z)) planes[2 * z].push_back({2 * x + sign, 2 * y, 2 * z});
          if (!in(x, y + sign, z)) planes[2 * z].push_back({2 * x, 2 * y + sign, 2 * z});
          if (!in(x, y, z + sign)) planes[2 * z + sign].push_back({2 * x, 2 * y, 2 * z + sign});
        }
      }
  std::vector<Lattice> out;
  for (auto& [z, points] : planes) append_flat_hull(points, out);
  return out;
}

}  // namespace hepar::imaging::ibsi
