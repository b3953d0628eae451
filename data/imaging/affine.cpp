// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/affine.hpp"

#include <cmath>
#include <cstddef>

namespace hepar::imaging {

Vec3 mapped(const Affine& affine, const Vec3& voxel) {
  Vec3 out{};
  for (std::size_t r = 0; r < 3; ++r) out[r] = affine[4 * r] * voxel[0] + affine[4 * r + 1] * voxel[1] + affine[4 * r + 2] * voxel[2] + affine[4 * r + 3];
  return out;
}

std::optional<Affine> inverse(const Affine& a) {
  const auto m = [&](int r, int c) { return a[static_cast<std::size_t>(4 * r + c)]; };
  const double det =
      m(0, 0) * (m(1, 1) * m(2, 2) - m(1, 2) * m(2, 1)) - m(0, 1) * (m(1, 0) * m(2, 2) - m(1, 2) * m(2, 0)) + m(0, 2) * (m(1, 0) * m(2, 1) - m(1, 1) * m(2, 0));
  if (std::abs(det) < 1e-12) return std::nullopt;
  Affine out{};
  for (int r = 0; r < 3; ++r)
    for (int c = 0; c < 3; ++c) {
      const int r1 = (c + 1) % 3, r2 = (c + 2) % 3, c1 = (r + 1) % 3, c2 = (r + 2) % 3;
      out[static_cast<std::size_t>(4 * r + c)] = (m(r1, c1) * m(r2, c2) - m(r1, c2) * m(r2, c1)) / det;
    }
  for (std::size_t r = 0; r < 3; ++r) out[4 * r + 3] = -(out[4 * r] * a[3] + out[4 * r + 1] * a[7] + out[4 * r + 2] * a[11]);
  return out;
}

double length(const Vec3& a) { return std::sqrt(dot(a, a)); }

}  // namespace hepar::imaging
