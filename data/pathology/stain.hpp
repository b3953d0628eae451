// SPDX-License-Identifier: Apache-2.0
// The two stain colours of a slide, from its own pixels (Macenko et al., ISBI 2009).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace hepar::pathology {

struct StainVectors {
  std::array<double, 3> hematoxylin{}, eosin{};  // optical density of red, green, blue; length one
  double angle_degrees = 0;                      // between them: small when one stain has faded or is missing
};

// `rgb`: any number of pixels of tissue. nullopt when fewer than 500 of them absorb enough to have a colour.
[[nodiscard]] std::optional<StainVectors> stain_vectors(const std::vector<std::array<std::uint8_t, 3>>& rgb);

}  // namespace hepar::pathology
