// SPDX-License-Identifier: Apache-2.0
// Where the tissue is, on a small true-scale picture of the slide.
#pragma once

#include "data/pathology/plane.hpp"
#include "data/pathology/resample.hpp"
#include "data/pathology/scale.hpp"

#include <cstdint>
#include <vector>

namespace hepar::pathology {

// The scanned area at `um` micrometres a pixel. Pixel (0, 0) begins at level-0 (left, top).
struct Overview {
  int width = 0, height = 0;
  double um = 8;
  double left = 0, top = 0, step_x = 1, step_y = 1;  // level-0 px a pixel
  std::vector<std::uint8_t> rgb;
  Plane corrupt;                                     // 1: could not be decoded (reads as background)
  [[nodiscard]] double area_mm2(std::int64_t pixels) const { return static_cast<double>(pixels) * um * um * 1e-6; }
};

// 8 um a pixel, coarser for slides of more than 16 million such pixels.
[[nodiscard]] Overview read_overview(Slide& slide, const Scale& scale);

// Areas in um2, so that 20x and 40x scans of one slide give one mask.
struct TissueRules {
  int lowest_saturation = 8, highest_saturation = 20;  // Otsu's threshold (of 255) is held between: fatty liver is pale, pen is not
  int median = 7;
  double closing_um = 32;
  double least_tissue_um2 = 50e3;                      // smaller pieces are debris
  double least_hole_um2 = 65.5e3;                      // smaller holes are vessels and fat: filled
};

struct TissueMap {
  Plane tissue, pen, fold;     // 0/1, of the overview's size
  int threshold = 0;           // saturation above this is tissue
  std::int64_t tissue_pixels = 0;
  [[nodiscard]] double share_of(const Plane& part) const;  // of tissue
};

// Saturation (HSV), median, Otsu held within bounds over what is no pen, closing, area rules.
[[nodiscard]] TissueMap find_tissue(const Overview& overview, const TissueRules& rules);

}  // namespace hepar::pathology
