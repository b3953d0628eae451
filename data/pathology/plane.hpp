// SPDX-License-Identifier: Apache-2.0
// Small images of one byte a pixel, and the morphology that tissue finding needs.
#pragma once

#include <cstdint>
#include <vector>

namespace hepar::pathology {

struct Plane {
  int width = 0, height = 0;
  std::vector<std::uint8_t> at;  // row-major
  Plane() = default;
  Plane(int w, int h, std::uint8_t value = 0) : width(w), height(h), at(static_cast<std::size_t>(w) * static_cast<std::size_t>(h), value) {}
  [[nodiscard]] std::uint8_t operator()(int x, int y) const { return at[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)]; }
  std::uint8_t& operator()(int x, int y) { return at[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)]; }
};

// Median of size x size neighbours (size odd); beyond the edge the edge repeats.
[[nodiscard]] Plane median(const Plane& plane, int size);
// Closing of a 0/1 mask by a size x size square: a dilation, then an erosion; beyond the edge nothing counts.
[[nodiscard]] Plane close_gaps(const Plane& mask, int size);
// Otsu's threshold of a histogram of 256: the value t that parts [0, t] from (t, 255] with the largest variance between.
[[nodiscard]] int otsu(const std::vector<std::int64_t>& histogram);
// Clears groups of `value` pixels (joined also by corners when `corners`) of fewer than `least` pixels to 1 - value.
// Groups that touch the edge are cleared only when `at_edge`.
void clear_small(Plane& mask, std::uint8_t value, std::int64_t least, bool corners, bool at_edge);

}  // namespace hepar::pathology
