// SPDX-License-Identifier: Apache-2.0
// Tile features of one slide in HDF5 as CLAM and TRIDENT (features, coords) or STAMP (feats, coords) write them.
#pragma once

#include "data/cohort/feature.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hepar::pathology {

struct TileFeatures {
  Reason reason = Reason::present;
  std::string detail;
  std::int64_t count = 0, width = 0;
  std::vector<std::byte> values;                        // count x width, float16
  std::vector<std::array<std::int32_t, 2>> coords;      // x, y at level 0; zeros when the file has none
  double um_per_pixel = 0;                              // of the pixels that became features; 0: an imported file does not say
  std::string um_per_pixel_source;                      // the attribute that says it
};

[[nodiscard]] bool takes_tile_features(const std::filesystem::path& path);
// By the header alone; nullopt when it tells of no features.
[[nodiscard]] std::optional<std::int64_t> width_of_tile_features(const std::filesystem::path& path);
// `features` or `feats`: n x d or 1 x n x d of any float type; `coords` n x 2. Never throws for a bad file. A file of coordinates
// alone is `unreadable`, with its count.
[[nodiscard]] TileFeatures read_tile_features(const std::filesystem::path& path);

}  // namespace hepar::pathology
