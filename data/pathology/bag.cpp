// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/bag.hpp"

#include "data/pathology/tile_features.hpp"

#include <array>

namespace hepar::pathology {

namespace {

// A reader of slide rows. Whole slides join here; today's rows are tile features that another tool extracted.
struct Reader {
  const char* name;
  bool (*takes)(const std::filesystem::path& path);
  TileFeatures (*read)(const std::filesystem::path& path);
};
constexpr std::array<Reader, 1> kReaders{{{"tile features", &takes_tile_features, &read_tile_features}}};

TileFeatures read_slide(const std::filesystem::path& path) {
  TileFeatures tiles;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    tiles.reason = Reason::missing_file;
    tiles.detail = "no such file";
    return tiles;
  }
  for (const Reader& reader : kReaders)
    if (reader.takes(path)) return reader.read(path);
  tiles.reason = Reason::unsupported;
  tiles.detail = "no reader takes this format; give tile features as .h5";
  return tiles;
}

}  // namespace

std::optional<std::int64_t> feature_width(const std::filesystem::path& file) {
  const TileFeatures tiles = read_slide(file);
  return tiles.reason == Reason::present ? std::optional(tiles.width) : std::nullopt;
}

Layout layout_of(const ModalitySpec&, std::int64_t width) { return {Kind::bag, DType::float16, {width}, "tile feature", "imported tile features"}; }

Feature read_bag(const PatientRecord& patient, const Layout& layout) {
  Feature feature;
  for (std::size_t slide = 0; slide < patient.slides.size(); ++slide) {
    TileFeatures tiles = read_slide(patient.slides[slide].path);
    if (tiles.reason == Reason::present && tiles.width != layout.item.front()) {
      tiles.reason = Reason::odd_shape;
      tiles.detail = "features of width " + std::to_string(tiles.width) + " where the cohort's first slide has " + std::to_string(layout.item.front());
    }
    if (tiles.reason != Reason::present) {
      feature.detail += (feature.detail.empty() ? "" : "; ") + std::string("slide ") + std::to_string(slide + 1) + ": " + tiles.detail;
      if (feature.reason == Reason::not_recorded) feature.reason = tiles.reason;
      continue;
    }
    feature.values.insert(feature.values.end(), tiles.values.begin(), tiles.values.end());
    for (const auto& [x, y] : tiles.coords) feature.coords.push_back({static_cast<std::int32_t>(slide), x, y});
    feature.items += tiles.count;
  }
  if (feature.items > 0) feature.reason = Reason::present;
  return feature;
}

}  // namespace hepar::pathology
