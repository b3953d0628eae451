// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/tile_encoders.hpp"

namespace hepar::program {

std::shared_ptr<pathology::TileEncoder> tile_encoder(const ModalitySpec& modality) { return pathology::builtin_encoder(modality); }

}  // namespace hepar::program
