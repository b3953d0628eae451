// SPDX-License-Identifier: Apache-2.0
// What turns tiles into features: spans in, spans out, so that this room knows no tensor library. The program hands one
// to extraction; it runs a TorchScript file or the built-in features.
#pragma once

#include "data/cohort/spec.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace hepar::pathology {

class TileEncoder {
 public:
  virtual ~TileEncoder() = default;

  [[nodiscard]] virtual std::int64_t width() const = 0;        // values a tile
  [[nodiscard]] virtual int tile_pixels() const = 0;           // edge of a tile, in pixels
  [[nodiscard]] virtual std::string identity() const = 0;      // name and SHA-256 of the weights; goes into the store
  // Most tiles of a call. A batch never mixes slides.
  [[nodiscard]] virtual std::size_t batch() const { return 1; }
  // Whether encoding is long enough that the next tiles should be decoded meanwhile, on another thread.
  [[nodiscard]] virtual bool overlaps() const { return false; }
  // `rgb`: tiles x edge x edge x 3 bytes, row-major. `features`: tiles x width, written whole. A tile's features do not
  // depend on which tiles come with it. Throws Error when the network refuses its input.
  virtual void encode(std::span<const std::uint8_t> rgb, std::size_t tiles, std::span<float> features) = 0;
};

// Makes the encoder that a bag modality names. usage_error when it names one that this build or machine cannot run.
using EncoderFactory = std::function<std::shared_ptr<TileEncoder>(const ModalitySpec&)>;
[[nodiscard]] std::shared_ptr<TileEncoder> builtin_encoder(const ModalitySpec& modality);  // usage_error unless it names `builtin`

}  // namespace hepar::pathology
