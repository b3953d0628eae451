// SPDX-License-Identifier: Apache-2.0
// Voxel to millimetre and back: 3x4 matrices, rows first, as `Image::affine` holds them.
#pragma once

#include <array>
#include <optional>

namespace hepar::imaging {

using Affine = std::array<double, 12>;
using Vec3 = std::array<double, 3>;

[[nodiscard]] Vec3 mapped(const Affine& affine, const Vec3& voxel);
// nullopt when the 3x3 part is singular.
[[nodiscard]] std::optional<Affine> inverse(const Affine& affine);

[[nodiscard]] constexpr double dot(const Vec3& a, const Vec3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
[[nodiscard]] constexpr Vec3 cross(const Vec3& a, const Vec3& b) { return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]}; }
[[nodiscard]] constexpr Vec3 minus(const Vec3& a, const Vec3& b) { return {a[0] - b[0], a[1] - b[1], a[2] - b[2]}; }
[[nodiscard]] double length(const Vec3& a);

}  // namespace hepar::imaging
