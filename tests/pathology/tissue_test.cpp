// SPDX-License-Identifier: Apache-2.0
// Tissue, tiles, contours and masks.
#include "data/base/error.hpp"
#include "data/base/files.hpp"
#include "data/pathology/contours.hpp"
#include "data/pathology/geojson.hpp"
#include "data/pathology/slide_features.hpp"
#include "tests/pathology/slide_maker.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <numbers>
#include <numeric>
#include <set>

namespace hepar::pathology {
namespace {

namespace fs = std::filesystem;

class Tissue : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("hepar_tissue_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  // A slide of `edge` px at `um` with an ellipse of tissue of half axes 0.35 and 0.25 of its edge; `paint` adds to it.
  SlideRow make(const std::string& name, int edge, double um, const std::function<void(made::Picture&)>& paint = {}) const {
    made::Picture picture(edge, edge);
    made::stain(picture, made::ellipse(edge / 2.0, edge / 2.0, edge * 0.35, edge * 0.25));
    if (paint) paint(picture);
    made::Format format;
    format.um_per_pixel = um;
    format.levels = 3;
    SlideRow row;
    row.path = made::write_slide(folder_ / name, std::move(picture), format);
    return row;
  }
  static ModalitySpec modality(int tile = 64) {
    ModalitySpec spec;
    spec.name = "slide";
    spec.kind = Kind::bag;
    spec.tile = tile;
    return spec;
  }
  fs::path folder_;
};

void paint_box(made::Picture& picture, int x0, int y0, int x1, int y1, std::array<std::uint8_t, 3> colour) {
  for (int y = y0; y < y1; ++y)
    for (int x = x0; x < x1; ++x) std::copy(colour.begin(), colour.end(), picture.at(x, y));
}

TEST_F(Tissue, TheAreaIsThatOfTheEllipseAtAnyScanResolution) {
  const SlideLook coarse = look_at_slide(make("coarse.tif", 2000, 0.5), modality(), false), fine = look_at_slide(make("fine.tif", 4000, 0.25), modality(), false);
  ASSERT_EQ(coarse.reason, Reason::present) << coarse.detail;
  const double expected = std::numbers::pi * 0.35 * 0.25 * 1.0;  // of 1 mm2
  EXPECT_NEAR(coarse.quality.tissue_mm2, expected, 0.03 * expected);
  EXPECT_NEAR(fine.quality.tissue_mm2, coarse.quality.tissue_mm2, 0.02 * expected);
  EXPECT_EQ(coarse.scale.source, "tiff");
  EXPECT_NEAR(static_cast<double>(fine.quality.tiles), static_cast<double>(coarse.quality.tiles), 0.05 * static_cast<double>(coarse.quality.tiles));
}

TEST_F(Tissue, HolesAreFilledUpToTheirRuleAndDebrisIsDropped) {
  // 100 um of nothing inside (10,000 um2: filled), 400 um (160,000 um2: stays), and a crumb of 100 um outside.
  const SlideLook look = look_at_slide(make("holes.tif", 3000, 0.5, [](made::Picture& p) {
    paint_box(p, 1000, 1450, 1200, 1650, {244, 244, 244});
    paint_box(p, 1500, 1200, 2300, 2000, {244, 244, 244});
    paint_box(p, 200, 200, 400, 400, {222, 142, 186});
  }), modality(), false);
  const auto at = [&](double um_x, double um_y) { return look.map.tissue(static_cast<int>(um_x / 8), static_cast<int>(um_y / 8)); };
  EXPECT_EQ(at(550, 775), 1);
  EXPECT_EQ(at(950, 800), 0);
  EXPECT_EQ(at(150, 150), 0);
}

TEST_F(Tissue, PenIsNoTissueAndDoesNotMoveTheThreshold) {
  const SlideLook clean = look_at_slide(make("clean.tif", 2000, 0.5), modality(), false);
  const SlideLook marked = look_at_slide(make("pen.tif", 2000, 0.5, [](made::Picture& p) {
    paint_box(p, 0, 0, 2000, 220, {30, 160, 60});
    paint_box(p, 0, 1800, 2000, 2000, {40, 60, 190});
  }), modality(), false);
  EXPECT_EQ(clean.quality.pen, 0);
  EXPECT_NEAR(marked.quality.pen, 0.21, 0.01);
  EXPECT_NEAR(marked.quality.tissue_mm2, clean.quality.tissue_mm2, 0.02 * clean.quality.tissue_mm2);
  EXPECT_LE(marked.map.threshold, 20);
}

TEST_F(Tissue, BlurFoldsAndFadingAreSeenWhereTheyAre) {
  const SlideLook sharp = look_at_slide(make("sharp.tif", 2000, 0.5), modality(), true);
  EXPECT_LT(sharp.quality.blur, 0.1);
  EXPECT_EQ(sharp.quality.fold, 0);
  EXPECT_LT(sharp.quality.fading, 0.02) << "only pixels on the rim, half background";
  EXPECT_NEAR(sharp.quality.background, 244, 3);
  ASSERT_TRUE(sharp.quality.stain);
  EXPECT_GT(sharp.quality.stain->hematoxylin[0], sharp.quality.stain->eosin[0]);
  const SlideLook blurred = look_at_slide(make("blurred.tif", 2000, 0.5, [](made::Picture& p) {
    for (int y = 0; y < p.height; ++y)
      for (int x = 0; x < p.width; ++x)
        if (p.at(x, y)[1] < 230) std::copy_n(std::array<std::uint8_t, 3>{200, 130, 180}.begin(), 3, p.at(x, y));
  }), modality(), true);
  EXPECT_GT(blurred.quality.blur, 0.8);
  const SlideLook folded = look_at_slide(make("folded.tif", 2000, 0.5, [](made::Picture& p) { paint_box(p, 700, 900, 1300, 1100, {110, 20, 90}); }), modality(), false);
  EXPECT_NEAR(folded.quality.fold * folded.quality.tissue_mm2, 0.03, 0.004);
  const SlideLook faded = look_at_slide(make("faded.tif", 2000, 0.5, [](made::Picture& p) {
    for (int y = 0; y < p.height; ++y)
      for (int x = 0; x < p.width; ++x)
        if (p.at(x, y)[1] < 230) std::copy_n(std::array<std::uint8_t, 3>{240, 216, 230}.begin(), 3, p.at(x, y));
  }), modality(), false);
  EXPECT_GT(faded.quality.fading, 0.9);
}

TEST_F(Tissue, TheGridIsTrueInMicrometresAndNeverDrifts) {
  SlideRow row = make("grid.tif", 3000, 0);
  row.um_per_pixel = 0.2637;  // no level fits
  const SlideLook look = look_at_slide(row, modality(), false);
  EXPECT_EQ(look.scale.source, "manifest");
  const double edge = 64 * 0.5 / 0.2637;
  ASSERT_GT(look.grid.tiles.size(), 50u);
  std::array<std::int32_t, 2> before{-1, -1};
  for (const auto& tile : look.grid.tiles) {
    for (std::size_t a = 0; a < 2; ++a) {
      const double k = std::round(tile[a] / edge);
      EXPECT_EQ(tile[a], std::llround(k * edge));
      EXPECT_LE((k + 1) * edge, 3000.5);
    }
    EXPECT_TRUE(tile[1] > before[1] || (tile[1] == before[1] && tile[0] > before[0])) << "row by row";
    before = tile;
  }
}

TEST_F(Tissue, ATileStaysWhenAQuarterOfItIsTissue) {
  const SlideLook look = look_at_slide(make("share.tif", 2000, 0.5), modality(), false);
  const std::set<std::array<std::int32_t, 2>> kept(look.grid.tiles.begin(), look.grid.tiles.end());
  for (int j = 0; j < 2000 / 64; ++j)
    for (int i = 0; i < 2000 / 64; ++i) {
      int inside = 0;  // twin: every mask pixel of 8 um by itself; a tile is 4 x 4 of them
      for (int v = 0; v < 4; ++v)
        for (int u = 0; u < 4; ++u) inside += look.map.tissue(4 * i + u, 4 * j + v);
      EXPECT_EQ(kept.contains({64 * i, 64 * j}), inside >= 4) << i << ", " << j;
    }
}

TEST_F(Tissue, AMaskFromQuPathTakesThePlaceOfTheOneFound) {
  SlideRow row = make("mask.tif", 2000, 0.5);
  row.mask = folder_ / "mask.geojson";
  std::ofstream(row.mask) << R"({"type":"FeatureCollection","features":[
    {"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[800,800],[1312,800],[1312,1184],[800,1184],[800,800]]]},"properties":{"classification":{"name":"Tumor"}}},
    {"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[800,800],[928,800],[928,928],[800,928],[800,800]]]},"properties":{"classification":{"name":"Ignore*"}}}]})";
  const SlideLook look = look_at_slide(row, modality(), false);
  EXPECT_NEAR(look.quality.tissue_mm2, (512 * 384 - 128 * 128) * 0.25e-6, 1e-9);
  std::ofstream(row.mask) << "{}";
  EXPECT_EQ(look_at_slide(row, modality(), false).reason, Reason::unreadable);
}

Plane random_mask(int width, int height, std::uint32_t seed, std::uint32_t of_hundred) {
  Plane mask(width, height);
  for (std::size_t i = 0; i < mask.at.size(); ++i) mask.at[i] = made::hash(seed * 7919u + static_cast<std::uint32_t>(i)) % 100 < of_hundred ? 1 : 0;
  return mask;
}

TEST(Masks, OutlinesFilledAgainAreTheMask) {
  Overview overview;
  overview.left = 13;
  overview.top = 7;
  overview.step_x = 31.7;
  overview.step_y = 30.3;
  for (std::uint32_t seed = 1; seed < 25; ++seed) {
    const Plane mask = random_mask(37, 29, seed, 20 + 3 * seed);
    overview.width = mask.width;
    overview.height = mask.height;
    EXPECT_EQ(mask_of_geojson(geojson_of(mask, overview), overview).at, mask.at) << seed;
  }
}

TEST(Masks, ClamsCoordinatesComeBackInItsOrder) {
  const auto json = nlohmann::json::parse(read_file(fs::path(HEPAR_SOURCE_DIR) / "tests/pathology/clam_reference.json"));  // OpenCV and CLAM's rules
  const auto rows = json.at("mask").get<std::vector<std::string>>();
  Plane mask(static_cast<int>(rows.front().size()), static_cast<int>(rows.size()));
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x) mask(x, y) = rows[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] == '#' ? 1 : 0;
  using Tiles = std::vector<std::array<std::int32_t, 2>>;
  EXPECT_EQ(clam_tiles(mask, {96, 96, 16, 16, 20, 4, 8}), json.at("patch_96").get<Tiles>());
  EXPECT_EQ(clam_tiles(mask, {130, 130, 15.7, 16.3, 0, 0, 8}), json.at("patch_130").get<Tiles>());
}

TEST(Masks, TheMedianIsThatOfSortedNeighbours) {
  Plane plane(23, 17);
  for (std::size_t i = 0; i < plane.at.size(); ++i) plane.at[i] = static_cast<std::uint8_t>(made::hash(static_cast<std::uint32_t>(i)));
  const Plane out = median(plane, 7);
  for (int y = 0; y < 17; ++y)
    for (int x = 0; x < 23; ++x) {
      std::vector<std::uint8_t> near;
      for (int v = -3; v <= 3; ++v)
        for (int u = -3; u <= 3; ++u) near.push_back(plane(std::clamp(x + u, 0, 22), std::clamp(y + v, 0, 16)));
      std::sort(near.begin(), near.end());
      ASSERT_EQ(out(x, y), near[24]) << x << ", " << y;
    }
}

TEST(Masks, OtsuPartsTwoHeaps) {
  std::vector<std::int64_t> histogram(256, 0);
  for (int i = -5; i <= 5; ++i) {
    histogram[static_cast<std::size_t>(20 + i)] = 100 - 10 * std::abs(i);
    histogram[static_cast<std::size_t>(90 + i)] = 40 - 5 * std::abs(i);
  }
  EXPECT_GE(otsu(histogram), 25);
  EXPECT_LT(otsu(histogram), 85);
}

TEST(Masks, ClosingJoinsWhatIsNear) {
  Plane mask(20, 5);
  for (const int x : {4, 7, 14}) mask(x, 2) = 1;
  const Plane closed = close_gaps(mask, 4);
  EXPECT_EQ(closed(5, 2), 1);
  EXPECT_EQ(closed(6, 2), 1);
  EXPECT_EQ(closed(10, 2), 0);
  EXPECT_EQ(closed(14, 2), 1);
  EXPECT_EQ(closed(14, 1), 0) << "nothing grows";
}

}  // namespace
}  // namespace hepar::pathology
