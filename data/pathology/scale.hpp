// SPDX-License-Identifier: Apache-2.0
// How many micrometres a level-0 pixel is, and who says so. Nothing is assumed: no magnification, no default.
#pragma once

#include "data/pathology/slide.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hepar::pathology {

struct Scale {
  double x = 0, y = 0;   // um per level-0 pixel; 0: unknown
  std::string source;    // the rung of the ladder: manifest, vendor, aperio.MPP, tiff, ome
  std::string code;      // "" usable, else no_scale or odd_scale
  std::string text;      // for a person: what was found, what to do
  [[nodiscard]] bool usable() const { return code.empty(); }
};

// In order: the manifest, OpenSlide's per-axis value, Aperio's MPP, TIFF resolution tags, OME in the description. A value
// outside 0.1 to 2.5 um/px (print resolutions) is passed over; if no rung below has a better one it is reported as odd.
[[nodiscard]] Scale scale_of(const Slide& slide, std::optional<double> manifest_um_per_pixel);

// The same from properties, for tests. `get` gives a property or nullopt.
using PropertyOf = std::optional<std::string> (*)(const void* context, const std::string& name);
[[nodiscard]] Scale scale_from(const void* context, PropertyOf get, std::optional<double> manifest_um_per_pixel);

}  // namespace hepar::pathology
