// SPDX-License-Identifier: Apache-2.0
// A small picture by which a person judges what was read; never a feature.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hepar {

struct Picture {
  std::string name;               // unique within its modality; empty where there is one
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgb;  // row-major
};
using Pictures = std::vector<Picture>;

}  // namespace hepar
