// SPDX-License-Identifier: Apache-2.0
// Blur and stain colours of a slide from an even sample of its tiles; the same whether a slide is inspected or extracted.
#pragma once

#include "data/pathology/slide_features.hpp"

namespace hepar::pathology {

class TileSample {
 public:
  TileSample(std::size_t tiles, int tile_pixels);
  [[nodiscard]] bool wants(std::size_t tile) const { return tile % stride_ == 0; }
  void add(std::span<const std::uint8_t> rgb);  // of a wanted tile, in any order
  void judge(SlideQuality& quality);

 private:
  std::size_t stride_;
  int pixels_;
  std::vector<double> sharpness_;
  std::vector<std::array<std::uint8_t, 3>> colours_;
  std::vector<std::uint8_t> grey_;
};

// Decodes the wanted tiles of a slide that has been looked at, and judges.
void sample_tiles(SlideLook& look, int tile_pixels);

}  // namespace hepar::pathology
