// SPDX-License-Identifier: Apache-2.0
// The convex hull of lattice points, point by point, in whole numbers: no tolerance, and coplanar points do no harm.
#include "data/imaging/affine.hpp"
#include "data/imaging/radiomics_mesh.hpp"

#include <algorithm>

namespace hepar::imaging::ibsi {

namespace {

Lattice difference(const Lattice& a, const Lattice& b) { return {a[0] - b[0], a[1] - b[1], a[2] - b[2]}; }
Lattice product(const Lattice& a, const Lattice& b) { return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]}; }
std::int64_t inner(const Lattice& a, const Lattice& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

struct Face {
  std::array<std::uint32_t, 3> corner{};
  Lattice normal{};      // outwards
  std::int64_t level = 0;
};

class Builder {
 public:
  explicit Builder(const std::vector<Lattice>& points) : points_(points) {}

  [[nodiscard]] std::vector<Face> faces() {
    if (!start()) return {};
    for (std::uint32_t p = 0; p < points_.size(); ++p) take(p);
    return faces_;
  }

 private:
  [[nodiscard]] Face face(std::uint32_t a, std::uint32_t b, std::uint32_t c) const {
    const Lattice normal = product(difference(points_[b], points_[a]), difference(points_[c], points_[a]));
    return {{a, b, c}, normal, inner(normal, points_[a])};
  }
  [[nodiscard]] bool sees(std::uint32_t p, const Face& f) const { return inner(f.normal, points_[p]) > f.level; }

  // Four points that are not in one plane.
  bool start() {
    const auto n = static_cast<std::uint32_t>(points_.size());
    const auto find = [&](auto&& holds) {
      std::uint32_t p = 0;
      while (p < n && !holds(p)) ++p;
      return p;
    };
    if (n < 4) return false;
    const std::uint32_t b = find([&](std::uint32_t p) { return points_[p] != points_[0]; });
    if (b == n) return false;
    const std::uint32_t c = find([&](std::uint32_t p) { return face(0, b, p).normal != Lattice{}; });
    if (c == n) return false;
    const Face base = face(0, b, c);
    const std::uint32_t d = find([&](std::uint32_t p) { return inner(base.normal, points_[p]) != base.level; });
    if (d == n) return false;
    faces_ = sees(d, base) ? std::vector<Face>{face(0, c, b), face(0, b, d), face(b, c, d), face(c, 0, d)} : std::vector<Face>{base, face(b, 0, d), face(c, b, d), face(0, c, d)};
    return true;
  }

  // Faces that see the point give way to a cone over their rim.
  void take(std::uint32_t p) {
    edges_.clear();
    const auto seen = std::partition(faces_.begin(), faces_.end(), [&](const Face& f) { return !sees(p, f); });
    if (seen == faces_.end()) return;
    for (auto f = seen; f != faces_.end(); ++f)
      for (std::size_t k = 0; k < 3; ++k) edges_.emplace_back(f->corner[k], f->corner[(k + 1) % 3]);
    faces_.erase(seen, faces_.end());
    std::sort(edges_.begin(), edges_.end());
    for (const auto& [a, b] : edges_)
      if (!std::binary_search(edges_.begin(), edges_.end(), std::pair{b, a})) faces_.push_back(face(a, b, p));
  }

  const std::vector<Lattice>& points_;
  std::vector<Face> faces_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges_;
};

}  // namespace

Hull hull_of(const std::vector<Lattice>& points, const std::array<double, 3>& unit) {
  const std::vector<Face> faces = Builder(points).faces();
  Hull hull;
  std::vector<std::uint32_t> used;
  const auto mm = [&](std::uint32_t p) { return Vec3{static_cast<double>(points[p][0]) * unit[0], static_cast<double>(points[p][1]) * unit[1], static_cast<double>(points[p][2]) * unit[2]}; };
  double six_volumes = 0;
  for (const Face& face : faces) {
    const Vec3 origin = mm(faces.front().corner[0]), a = mm(face.corner[0]);
    const Vec3 normal = cross(minus(mm(face.corner[1]), a), minus(mm(face.corner[2]), a));
    hull.area += length(normal) / 2;
    six_volumes += dot(minus(a, origin), normal);
    used.insert(used.end(), face.corner.begin(), face.corner.end());
  }
  hull.volume = six_volumes / 6;
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  for (const std::uint32_t p : used) hull.vertices.push_back(points[p]);
  return hull;
}

}  // namespace hepar::imaging::ibsi
