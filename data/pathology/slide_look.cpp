// SPDX-License-Identifier: Apache-2.0
// Looking at a slide: scale, tissue, tiles, quality.
#include "data/base/error.hpp"
#include "data/base/files.hpp"
#include "data/pathology/contours.hpp"
#include "data/pathology/geojson.hpp"
#include "data/pathology/slide_features.hpp"
#include "data/pathology/tile_sample.hpp"

#include <array>
#include <cmath>

namespace hepar::pathology {

namespace {

void refuse(SlideLook& look, Reason reason, std::string detail) {
  look.reason = reason;
  look.detail = std::move(detail);
}

// Whether any of 16 places of the coarsest level can be decoded: a header alone is no slide.
bool decodes_anything(Slide& slide) {
  const std::size_t index = choose_level(slide, 1, 1, 1e9, false).level;
  const SlideLevel& level = slide.levels()[index];
  constexpr std::int64_t kEdge = 16, kPlaces = 4;
  std::array<std::uint8_t, kEdge * kEdge * 3> rgb{};
  for (std::int64_t j = 0; j < kPlaces; ++j)
    for (std::int64_t i = 0; i < kPlaces; ++i)
      if (slide.read(index, {(2 * i + 1) * level.width / (2 * kPlaces) - kEdge / 2, (2 * j + 1) * level.height / (2 * kPlaces) - kEdge / 2, kEdge, kEdge}, rgb)) return true;
  return false;
}

void judge_overview(const Overview& overview, const TissueMap& map, SlideQuality& quality) {
  std::int64_t pen = 0, corrupt = 0, faded = 0, empty = 0;
  double grey = 0;
  for (std::size_t i = 0; i < map.tissue.at.size(); ++i) {
    const std::uint8_t* rgb = overview.rgb.data() + 3 * i;
    pen += map.pen.at[i];
    corrupt += overview.corrupt.at[i];
    if (map.tissue.at[i] != 0) {
      const double density = -(std::log10((rgb[0] + 1) / 256.0) + std::log10((rgb[1] + 1) / 256.0) + std::log10((rgb[2] + 1) / 256.0)) / 3;
      faded += density < kFaded ? 1 : 0;
    } else if (map.pen.at[i] == 0 && overview.corrupt.at[i] == 0) {
      grey += (rgb[0] + rgb[1] + rgb[2]) / 3.0;
      ++empty;
    }
  }
  quality.tissue_mm2 = overview.area_mm2(map.tissue_pixels);
  quality.corrupt_mm2 = overview.area_mm2(corrupt);
  quality.pen = static_cast<double>(pen) / static_cast<double>(map.tissue.at.size());
  quality.fold = map.share_of(map.fold);
  quality.fading = map.tissue_pixels == 0 ? 0 : static_cast<double>(faded) / static_cast<double>(map.tissue_pixels);
  quality.background = empty == 0 ? 0 : grey / static_cast<double>(empty);
}

// A mask drawn by a person takes the place of the one found; false when it cannot be read.
bool take_mask(SlideLook& look, const fs::path& mask) {
  if (mask.empty()) return true;
  try {
    look.map.tissue = mask_of_geojson(read_file(mask), look.overview);
  } catch (const Error&) {
    refuse(look, Reason::unreadable, "its mask is no GeoJSON of polygons");
    return false;
  }
  look.map.tissue_pixels = 0;
  for (std::size_t i = 0; i < look.map.tissue.at.size(); ++i) {
    if (look.overview.corrupt.at[i] != 0) look.map.tissue.at[i] = 0;
    look.map.tissue_pixels += look.map.tissue.at[i];
  }
  return true;
}

TileGrid plan_clam(const SlideLook& look, int pixels) {
  TileGrid grid;
  grid.factor = 1;
  grid.level0_width = grid.level0_height = pixels;
  // CLAM's area rules at its defaults: 100 and 16 squares of 512 level-0 px.
  const double square = 512.0 * 512.0 / (look.overview.step_x * look.overview.step_y);
  ClamRules rules{pixels, pixels, look.overview.step_x, look.overview.step_y, 100 * square, 16 * square, 8};
  grid.tiles = clam_tiles(look.map.tissue, rules);
  for (auto& [x, y] : grid.tiles) {
    x += static_cast<std::int32_t>(std::llround(look.overview.left));
    y += static_cast<std::int32_t>(std::llround(look.overview.top));
  }
  return grid;
}

}  // namespace

SlideLook look_at_slide(const SlideRow& row, const ModalitySpec& modality, bool sample) {
  SlideLook look;
  Slide::Opened opened = Slide::open(row.path);
  if (!opened.slide) {
    refuse(look, opened.reason, opened.detail);
    return look;
  }
  look.slide = std::move(opened.slide);
  Slide& slide = *look.slide;
  if (!decodes_anything(slide)) {
    refuse(look, Reason::unreadable, "not one of its tiles can be decoded");
    look.slide.reset();
    return look;
  }
  for (std::size_t i = 0; i < slide.file_levels(); ++i)
    if (!slide.levels()[i].trouble.empty()) look.notes.push_back({"bad_level", slide.levels()[i].trouble + "; it is never used"});
  look.scale = scale_of(slide, row.um_per_pixel);
  if (!look.scale.usable()) {
    look.notes.push_back({look.scale.code, look.scale.text});
    refuse(look, Reason::no_scale, look.scale.text);
    return look;
  }
  look.quality.scale = look.scale;
  look.overview = read_overview(slide, look.scale);
  look.map = find_tissue(look.overview, TissueRules{});
  if (!take_mask(look, row.mask)) return look;
  judge_overview(look.overview, look.map, look.quality);
  look.grid = modality.tiling == Tiling::clam ? plan_clam(look, modality.tile)
                                              : plan_tiles(slide, look.scale, look.overview, look.map.tissue, {modality.um_per_pixel, modality.tile, 0.25, modality.resample == Resample::dct});
  if (const std::string& trouble = slide.levels()[look.grid.level].trouble; !trouble.empty()) {
    refuse(look, Reason::unreadable, trouble);
    return look;
  }
  look.quality.tiles = static_cast<std::int64_t>(look.grid.tiles.size());
  if (look.grid.enlarged) look.notes.push_back({"enlarged", "the slide is coarser than " + std::to_string(modality.um_per_pixel) + " um/px: its tiles are enlarged"});
  if (look.grid.tiles.empty()) {
    const std::string text = look.map.tissue_pixels == 0 ? "no tissue was found" : "no tile holds enough tissue";
    look.notes.push_back({"too_few", text});
    refuse(look, Reason::too_few, text);
  }
  if (sample) sample_tiles(look, modality.tile);
  if (!slide.corrupt().empty()) look.notes.push_back({"corrupt", std::to_string(slide.corrupt().size()) + " of its tiles cannot be decoded; they are left out"});
  return look;
}

}  // namespace hepar::pathology
