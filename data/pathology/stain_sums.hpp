// SPDX-License-Identifier: Apache-2.0
// What the stains of a tile say, as the built-in encoder's features 6 to 47.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace hepar::pathology {

// `half`: red, green and blue of the 2 x 2 mean. Writes out[6] to out[47].
void stain_features(const std::array<std::vector<std::uint8_t>, 3>& half, float* out);

}  // namespace hepar::pathology
