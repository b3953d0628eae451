// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/tile_sample.hpp"

#include "data/pathology/builtin_encoder.hpp"

#include <algorithm>

namespace hepar::pathology {

namespace {

constexpr std::size_t kMostTiles = 256;
constexpr int kLattice = 16;  // pixels of a tile along each edge that enter the stain colours

}  // namespace

TileSample::TileSample(std::size_t tiles, int tile_pixels) : stride_(std::max<std::size_t>(1, (tiles + kMostTiles - 1) / kMostTiles)), pixels_(tile_pixels) {}

void TileSample::add(std::span<const std::uint8_t> rgb) {
  grey_.resize(rgb.size() / 3);
  for (std::size_t i = 0; i < grey_.size(); ++i) grey_[i] = static_cast<std::uint8_t>((77 * rgb[3 * i] + 150 * rgb[3 * i + 1] + 29 * rgb[3 * i + 2] + 128) >> 8);
  sharpness_.push_back(laplacian_variance(grey_.data(), pixels_, pixels_));
  for (int y = 0; y < kLattice; ++y)
    for (int x = 0; x < kLattice; ++x) {
      const std::size_t at = 3 * (static_cast<std::size_t>(y * pixels_ / kLattice) * static_cast<std::size_t>(pixels_) + static_cast<std::size_t>(x * pixels_ / kLattice));
      colours_.push_back({rgb[at], rgb[at + 1], rgb[at + 2]});
    }
}

void TileSample::judge(SlideQuality& quality) {
  if (sharpness_.empty()) return;
  std::sort(sharpness_.begin(), sharpness_.end());
  quality.sharpness = sharpness_[sharpness_.size() / 2];
  quality.blur = static_cast<double>(std::lower_bound(sharpness_.begin(), sharpness_.end(), kBlurred) - sharpness_.begin()) / static_cast<double>(sharpness_.size());
  std::sort(colours_.begin(), colours_.end());  // sums do not depend on the order in which tiles came
  quality.stain = stain_vectors(colours_);
}

void sample_tiles(SlideLook& look, int tile_pixels) {
  TileSample sample(look.grid.tiles.size(), tile_pixels);
  std::vector<std::uint8_t> rgb(static_cast<std::size_t>(tile_pixels) * static_cast<std::size_t>(tile_pixels) * 3);
  ResampleBuffers buffers;
  for (std::size_t t = 0; t < look.grid.tiles.size(); ++t)
    if (sample.wants(t) && read_scaled(*look.slide, look.grid.level, window_of(look.grid, look.slide->levels()[look.grid.level], look.grid.tiles[t], tile_pixels), tile_pixels, tile_pixels, rgb, buffers))
      sample.add(rgb);
  sample.judge(look.quality);
}

}  // namespace hepar::pathology
