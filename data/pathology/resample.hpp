// SPDX-License-Identifier: Apache-2.0
// A window of a slide level at any size: area average when it shrinks, bilinear when it grows.
#pragma once

#include "data/pathology/slide.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace hepar::pathology {

struct Window { double x = 0, y = 0, width = 0, height = 0; };  // px of a level, fractions allowed

// Buffers that are kept from window to window.
struct ResampleBuffers {
  std::vector<std::uint8_t> source;
  std::vector<float> rows;
};

// Writes out_height x out_width x 3 bytes. A window at a whole position that shrinks by a whole factor is an exact box mean
// (rounded half up), and a copy at factor 1. False when a corrupt tile was touched.
[[nodiscard]] bool read_scaled(Slide& slide, std::size_t level, const Window& window, int out_width, int out_height, std::span<std::uint8_t> rgb, ResampleBuffers& buffers);

// The coarsest trusted level that is not coarser than `um` (within 1 %), else the finest. `reduced`: also levels averaged in
// the DCT domain. `um_x`, `um_y`: of level 0.
struct LevelChoice { std::size_t level = 0; bool enlarged = false; };
[[nodiscard]] LevelChoice choose_level(const Slide& slide, double um_x, double um_y, double um, bool reduced);

}  // namespace hepar::pathology
