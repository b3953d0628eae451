// SPDX-License-Identifier: Apache-2.0
// One whole slide: what can be said of it, and its tiles as features.
#pragma once

#include "data/cohort/cohort.hpp"
#include "data/cohort/picture.hpp"
#include "data/pathology/stain.hpp"
#include "data/pathology/tile_encoder.hpp"
#include "data/pathology/tile_features.hpp"
#include "data/pathology/tile_grid.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hepar::pathology {

struct SlideNote { std::string code, text; };  // codes of CONTRACTS.md: no_scale, odd_scale, bad_level, too_few, corrupt

// Quality of a slide as numbers; nothing is dropped because of them. Shares lie in [0, 1].
struct SlideQuality {
  Scale scale;
  double tissue_mm2 = 0;
  std::int64_t tiles = 0;
  std::int64_t corrupt_tiles = 0;     // left out because a part of them cannot be decoded
  double corrupt_mm2 = 0;             // of the scanned area, seen on the overview
  double blur = 0;                    // share of sampled tiles whose Laplacian variance is below kBlurred
  double sharpness = 0;               // median Laplacian variance of sampled tiles
  double pen = 0;                     // share of the scanned area under felt pen
  double fold = 0, fading = 0;        // shares of tissue: folded; paler than kFaded
  double background = 255;            // mean grey of what is neither tissue nor pen
  std::optional<StainVectors> stain;
};
inline constexpr double kBlurred = 40;   // of grey in 0..255, at the modality's um per pixel
inline constexpr double kFaded = 0.08;   // mean optical density (log10)

// A slide that has been looked at: where its tissue and tiles are.
struct SlideLook {
  std::unique_ptr<Slide> slide;       // empty: not readable
  Reason reason = Reason::present;    // why no features can be made of it
  std::string detail;
  std::vector<SlideNote> notes;
  Scale scale;
  Overview overview;
  TissueMap map;
  TileGrid grid;
  SlideQuality quality;
};

// Never throws for what the files hold. With `sample`, some tiles are decoded for blur and stain colours.
[[nodiscard]] SlideLook look_at_slide(const SlideRow& row, const ModalitySpec& modality, bool sample);

struct SlideFeatures {
  TileFeatures tiles;
  std::optional<SlideQuality> quality;  // of whole slides
  std::optional<Picture> picture;       // likewise
};
// Every tile of the plan through the encoder, in the plan's order. Throws only what the encoder throws.
[[nodiscard]] SlideFeatures read_slide_features(const SlideRow& row, const ModalitySpec& modality, TileEncoder& encoder);

}  // namespace hepar::pathology
