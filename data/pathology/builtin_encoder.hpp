// SPDX-License-Identifier: Apache-2.0
// The encoder that needs no network: 64 features of colour and texture a tile, from sums of
// whole numbers: the same on every machine up to the last rounding.
//
//   0- 5  mean and standard deviation of red, green, blue / 255
//   6-11  mean and sd of haematoxylin, eosin and residual optical density (vectors of Ruifrok and Johnston 2001)
//  12-27  histogram of haematoxylin density in 16 bins of 0.1 from 0, both ends open; shares of pixels
//  28-43  the same of eosin in bins of 0.05
//  44-46  shares of pixels: tissue (mean density >= 0.08), nuclei (haematoxylin >= 0.45), white (all channels >= 220)
//     47  mean HSV saturation, (high - low) / high
//  48-51  mean absolute difference of grey neighbours at 1, 2, 4, 8 px (box pyramid) / 32
//  52-55  log(1 + variance of the grey Laplacian) at the same scales / 8
//  56-59  co-occurrence of grey in 8 levels at 2 px, horizontally: contrast / 8, homogeneity, energy, correlation
//  60-63  the same vertically
// Colour (0-5) and 48, 52 are taken at full resolution, the rest on the 2 x 2 mean. Tiles below 16 px are refused.
#pragma once

#include "data/pathology/tile_encoder.hpp"

#include <array>
#include <vector>

namespace hepar::pathology {

class BuiltinEncoder final : public TileEncoder {
 public:
  static constexpr int kWidth = 64;
  explicit BuiltinEncoder(int tile_pixels);  // usage_error below 16 px

  [[nodiscard]] std::int64_t width() const override { return kWidth; }
  [[nodiscard]] int tile_pixels() const override { return pixels_; }
  [[nodiscard]] std::string identity() const override { return "builtin/2"; }
  void encode(std::span<const std::uint8_t> rgb, std::size_t tiles, std::span<float> features) override;

 private:
  struct Buffers {
    std::array<std::vector<std::uint8_t>, 3> plane, half;
    std::vector<std::uint8_t> grey, smaller;
  };
  void encode_one(const std::uint8_t* rgb, float* out);
  void colours(float* out) const;
  void textures(float* out);

  int pixels_;
  Buffers buffers_;
};

// Variance of the four-neighbour Laplacian of a grey plane: small where a picture is out of focus.
[[nodiscard]] double laplacian_variance(const std::uint8_t* grey, int width, int height);

}  // namespace hepar::pathology
