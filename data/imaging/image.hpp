// SPDX-License-Identifier: Apache-2.0
// One image as its file states it, and the table of readers. A new format is one file and one line of `readers()`.
#pragma once

#include "data/cohort/feature.hpp"

#include <array>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hepar::imaging {

// Values are rescaled (HU for CT), x fastest. `affine` maps voxel (x, y, z) to LPS millimetres, rows of 3x4.
struct Image {
  std::array<std::int64_t, 3> size{};
  std::array<double, 3> spacing_mm{};
  std::array<double, 12> affine{};
  std::vector<float> values;
  double low = 0, high = 0, mean = 0;
};

struct ReadImage {
  std::optional<Image> image;
  Reason reason = Reason::present;   // why there is none
  std::string detail;
};

struct Reader {
  const char* name;
  bool (*takes)(const std::filesystem::path& path);
  ReadImage (*read)(const std::filesystem::path& path);
};
[[nodiscard]] std::span<const Reader> readers();
// The first reader that takes the path; never throws for a bad file.
[[nodiscard]] ReadImage read_image(const std::filesystem::path& path);

// HU on a grid of `size` voxels of `spacing_mm` along LPS, centred on the image's centre. Trilinear; where a grid voxel is
// larger than the image's, the mean over ceil(ratio) samples an axis (a box filter), so that nothing aliases. Outside: -1024.
[[nodiscard]] std::vector<float> resample(const Image& image, const std::array<int, 3>& size, const std::array<double, 3>& spacing_mm);

}  // namespace hepar::imaging
