// SPDX-License-Identifier: Apache-2.0
// A TorchScript network as the encoder of tiles. Beside NAME.pt lies NAME.json:
//   {"tile": 224, "um_per_pixel": 0.5, "mean": [r, g, b], "std": [r, g, b], "dim": 1024, "precision": "fp32",
//    "batch": 16, "golden": {"features": [first values of the golden tile], "tolerance": 0.001}}
// `batch` and `golden` are optional. The network takes batch x 3 x tile x tile values (v / 255 - mean) / std and gives
// batch x dim.
#pragma once

#include "data/pathology/tile_encoder.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace hepar::encode {

struct EncoderCard {
  int tile = 0;
  double um_per_pixel = 0;
  std::array<float, 3> mean{}, std{1, 1, 1};
  std::int64_t dim = 0;
  std::string precision = "fp32";   // or bf16
  std::size_t batch = 16;
  std::vector<float> golden;        // empty: not checked
  double tolerance = 1e-3;          // times the largest golden value
};
// usage_error naming the file and the key.
[[nodiscard]] EncoderCard read_card(const std::filesystem::path& json);

// The tile that exporters and Hepar compute alike: channel c of pixel (x, y) is (7x + 13y + 31c + xy mod 251) mod 256.
[[nodiscard]] std::vector<std::uint8_t> golden_tile(int edge);

// Loads the file that the modality names (relative to its cohort.yaml), checks size, scale and golden tile. Every batch has
// the same size, the last one padded, so that features do not depend on what comes with them. usage_error when the file, its
// card or the machine does not fit.
[[nodiscard]] std::shared_ptr<pathology::TileEncoder> torch_encoder(const ModalitySpec& modality);

}  // namespace hepar::encode
