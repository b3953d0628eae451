// SPDX-License-Identifier: Apache-2.0
// Planes in space to stacks: which belong together, in which order, on which grid, and what is wrong with them.
// Pure geometry: no file is opened. The answer depends on the planes alone, not on the order in which they come.
#pragma once

#include "data/imaging/dicom_file.hpp"
#include "data/imaging/image.hpp"

#include <span>
#include <string>
#include <vector>

namespace hepar::imaging {

struct Stack {
  std::vector<Plane> planes;           // by position along the normal, then as given
  std::array<std::int64_t, 3> size{};  // columns, rows, positions
  Vec3 spacing_mm{};                   // z along the normal; NaN where unknown
  std::array<double, 9> direction{};   // rows of the matrix whose columns are the x, y and normal directions
  Affine affine{};                     // third column is the step from slice to slice, sheared where the gantry was tilted
  Reason reason = Reason::present;     // why it is no regular volume
  std::string detail;
  std::vector<Note> notes;  // codes of `inspect --json`
};

// Planes of one size that may still differ in orientation and time. Tolerances: cosines 1e-4, positions 0.01 mm, gaps
// 5 % of their median (at least 0.01 mm), a step more than acos(0.9999) off the normal is sheared.
// Orientations are separate stacks (`mixed_orientation`). Where positions repeat, the first of RepeatKey that gives
// parts with every position once splits them (`split_code`); nothing does: one stack that is refused.
[[nodiscard]] std::vector<Stack> stacks_of(std::span<const Plane> planes, const PixelFormat& format, const std::string& split_code);

}  // namespace hepar::imaging
