// SPDX-License-Identifier: Apache-2.0
// Tile features as files of other tools, so that their pipelines can go on from ours.
#pragma once

#include "data/pathology/tile_features.hpp"

#include <filesystem>
#include <string>

namespace hepar::pathology {

struct ExportNote {
  std::string name;      // of the slide: a study key, never a file name
  int tile_pixels = 0;   // 0: unknown (imported features)
  double um_per_pixel = 0;
};

// Whole or absent. `clam`: features (n, d) float32 and coords (n, 2) int64. `trident`: features (1, n, d) float32, coords
// (1, n, 2) int64. Halfs fit float32 exactly: imported again they are the same bytes. Throws disk_error; usage_error for
// another layout.
void export_features(const std::filesystem::path& path, const TileFeatures& tiles, const std::string& layout, const ExportNote& note);

}  // namespace hepar::pathology
