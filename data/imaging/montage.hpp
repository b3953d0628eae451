// SPDX-License-Identifier: Apache-2.0
// What was taken for each phase, side by side, for a person to judge.
#pragma once

#include "data/cohort/picture.hpp"
#include "data/cohort/spec.hpp"
#include "data/imaging/image.hpp"
#include "data/imaging/mask.hpp"

#include <array>

namespace hepar::imaging {

// One column a phase: an axial slice above a coronal one, both through the middle of the kept part; patient's right on the left.
// The kept part (the modality's grid) is framed yellow, the mask outlined orange. Phases without an image stay dark and crossed.
class Montage {
 public:
  explicit Montage(const ModalitySpec& modality);
  // `about`: the middle of the kept part, LPS mm.
  void add(std::size_t phase, const Image& image, const Mask* mask, const std::array<double, 3>& about);
  [[nodiscard]] Picture picture() const;

 private:
  void draw(std::size_t phase, int row, const Image& image, const Mask* mask, const std::array<double, 3>& about, double side);

  std::array<double, 3> kept_mm_{};  // edges of the kept part
  std::size_t phases_;
  int edge_ = 0;  // px of a panel; 0 until the first image is there
  Picture picture_;
};

}  // namespace hepar::imaging
