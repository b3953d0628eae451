// SPDX-License-Identifier: Apache-2.0
// The tile encoders of this build: the built-in one, and TorchScript files where LibTorch is there.
#pragma once

#include "data/pathology/tile_encoder.hpp"

#include <memory>

namespace hepar::program {

[[nodiscard]] std::shared_ptr<pathology::TileEncoder> tile_encoder(const ModalitySpec& modality);

}  // namespace hepar::program
