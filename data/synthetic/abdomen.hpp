// SPDX-License-Identifier: Apache-2.0
// What a CT of the abdomen shows of one patient, as HU anywhere in space. Internal to the room.
#pragma once

#include "data/synthetic/person.hpp"

#include <array>

namespace hepar::synthetic {

enum Phase : std::size_t { plain, arterial, portal, delayed, phases };

inline constexpr double kAir = -1000;

// HU of what is seen, by phase; the lesion's over the liver's.
struct Tissue {
  std::array<double, phases> liver{55, 75, 110, 95}, lesion{-12, 35, -18, -22}, spleen{48, 110, 120, 100}, aorta{42, 290, 165, 130}, muscle{52, 58, 64, 64};
};

// Positions are mm from the middle of the scan: x to the left, y to the back, z upwards.
class Abdomen {
 public:
  // The lesion lies whole within `half_height` of the middle; after resection it is gone and the liver smaller.
  Abdomen(const Options& options, const Person& person, double half_height, bool resected);
  [[nodiscard]] bool in_lesion(double x, double y, double z) const;
  [[nodiscard]] double hu(Phase phase, double x, double y, double z) const;

 private:
  static constexpr std::array<double, 3> kLiver{-48, -5, 0};
  bool resected_;
  double radius_ = 20;
  std::array<double, 3> lesion_{}, bumps_{}, liver_half_{};
  Tissue tissue_;
};

}  // namespace hepar::synthetic
