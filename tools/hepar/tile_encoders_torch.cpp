// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/tile_encoders.hpp"
#include "trainer/encode/torch_encoder.hpp"

namespace hepar::program {

std::shared_ptr<pathology::TileEncoder> tile_encoder(const ModalitySpec& modality) {
  return modality.encoder == "builtin" ? pathology::builtin_encoder(modality) : encode::torch_encoder(modality);
}

}  // namespace hepar::program
