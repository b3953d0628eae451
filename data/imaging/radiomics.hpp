// SPDX-License-Identifier: Apache-2.0
// Radiomics features of a region as the Image Biomarker Standardisation Initiative defines them (reference manual,
// arXiv 1612.07003, "IBSI 1"). Float64 throughout.
#pragma once

#include "data/cohort/radiomics_settings.hpp"
#include "data/imaging/image.hpp"
#include "data/imaging/mask.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace hepar::imaging {

struct RadiomicsValue {
  std::string tag;           // "stat_mean", "cm_contrast_3D_comb": the tags of the IBSI tables
  std::string_view family, feature, aggregation;
  double value = 0;          // NaN: not defined for this region
  std::string_view reason;   // why it is not defined
};

struct Radiomics {
  std::vector<RadiomicsValue> values;  // in the order of the IBSI tables
  std::vector<std::string> notes;      // what was chosen where the settings say nothing
  std::string problem;                 // why there are no values (no voxel left, too many grey levels)
};

// `settings.by_slice` decides which aggregations come out: 2D and 2.5D, or 3D.
[[nodiscard]] Radiomics radiomics(const Image& image, const Mask& mask, const RadiomicsSettings& settings);

// Every tag that `radiomics` can give, by slice and by volume, in order.
[[nodiscard]] std::vector<std::string> radiomics_tags(bool by_slice);

}  // namespace hepar::imaging
