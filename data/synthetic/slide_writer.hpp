// SPDX-License-Identifier: Apache-2.0
// Tiled pyramidal JPEG TIFF, as scanners write it. Internal to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hepar::synthetic {

struct Picture {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgb;
  [[nodiscard]] std::uint8_t* row(int y) { return rgb.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width) * 3; }
  [[nodiscard]] const std::uint8_t* row(int y) const { return rgb.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width) * 3; }
};

struct Scanner {
  bool aperio = false;  // scale, thumbnail, label and macro the way of SVS; else the TIFF's own resolution
  double um_per_pixel = 0.5;
  bool states_scale = true;
  std::string slide_name;  // in the description and on the label, as scanners write it
};

void write_slide(const std::filesystem::path& path, const Picture& picture, const Scanner& scanner);  // three levels; disk_error

}  // namespace hepar::synthetic
