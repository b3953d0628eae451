// SPDX-License-Identifier: Apache-2.0
// How a region is prepared before its radiomics features are computed: the keys of `radiomics --config` and of
// `radiomics:` in cohort.yaml, every one optional.
#pragma once

#include "data/base/options.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hepar {

// Grey levels: of a fixed width in the image's unit, a fixed number of them, or not said.
struct Bins {
  double width = 0;
  long long number = 0;
  [[nodiscard]] bool said() const { return width > 0 || number > 0; }
};

struct RadiomicsSettings {
  enum class Interpolation : std::uint8_t { none, linear, cubic };
  bool by_slice = false;                    // 2D and 2.5D aggregations, slices never interpolated between; else 3D
  Interpolation interpolation = Interpolation::none;
  std::array<double, 3> spacing_mm{};       // of the new grid (x, y, z); z is not used by slice
  std::optional<bool> round;                // to whole numbers; not said: when all values of the image are whole (CT)
  std::optional<std::array<double, 2>> resegment_range;
  std::optional<double> resegment_sigma;    // voxels further than this many standard deviations from the mean leave
  Bins discretise;                          // not said: whole numbers from 1 are levels as they are, else 25 wide
  Bins ivh;                                 // not said: steps of 1 for whole numbers, else 1000 bins
};

// The keys as they are written. `rows` binds them under `prefix` ("" or "radiomics."); `settings` checks what they say
// together: usage_error at `place`.
struct RadiomicsKeys {
  std::string by = "volume", interpolation = "auto", round = "auto";
  std::vector<std::string> spacing_mm, resegment_range;
  double resegment_sigma = 0;
  Bins discretise, ivh;

  [[nodiscard]] std::vector<Row> rows(const std::string& prefix = {});
  [[nodiscard]] RadiomicsSettings settings(const Place& place = {}) const;
};

// The settings in one line, equal for equal settings: for a store's settings.
[[nodiscard]] std::string text_of(const RadiomicsSettings& settings);

}  // namespace hepar
