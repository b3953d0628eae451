// SPDX-License-Identifier: Apache-2.0
// Constants of the generator that several of its files share. Internal to the room.
#pragma once

#include "data/synthetic/synthetic.hpp"

namespace hepar::synthetic {

// Log hazard ratio of recurrence per unit of each latent.
inline constexpr std::array<double, kLatents> kLatentWeight{0.54, 0.46, 0.46, 0.38, 0.46, 0.46};
// SD of what a modality adds to a latent before it shows it; reports show ordinal signs with this noise each.
inline constexpr std::array<double, kLatents> kPaintNoise{0.30, 0.30, 0.25, 0.25, 0.25, 0.60};

// What the follow-up and treatment tables would say.
struct Observed {
  double last_contact = 0;
  double recurrence = -1, death = -1;   // months; -1: not seen
  double tace_start = -1, tace_stop = -1, systemic_start = -1, systemic_stop = -1;  // days
};
[[nodiscard]] Observed observe(const Person& person);

}  // namespace hepar::synthetic
