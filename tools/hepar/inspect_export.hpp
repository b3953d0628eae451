// SPDX-License-Identifier: Apache-2.0
// The part of `hepar inspect --export`: what Hepar holds, as files of other tools.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace hepar::program {

struct ExportRequest {
  std::filesystem::path folder;
  std::string layout = "clam";         // or trident
  std::string patient;                 // of a store; empty: all
  std::optional<double> um_per_pixel;  // of a slide
};

// Each gives the number of files written. A store: one feature file a slide, KEY_1.h5, KEY_2.h5, ... A feature file: the same
// features in the layout asked for. A slide: its tissue mask as GeoJSON.
[[nodiscard]] std::size_t export_store(const std::filesystem::path& store, const ExportRequest& request);
[[nodiscard]] std::size_t export_feature_file(const std::filesystem::path& file, const ExportRequest& request);
[[nodiscard]] std::size_t export_mask(const std::filesystem::path& slide, const ExportRequest& request);

}  // namespace hepar::program
