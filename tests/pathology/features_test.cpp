// SPDX-License-Identifier: Apache-2.0
// From a slide to features: the built-in encoder, batches, damage, several slides.
#include "data/base/error.hpp"
#include "data/pathology/bag.hpp"
#include "data/pathology/batches.hpp"
#include "data/pathology/builtin_encoder.hpp"
#include "data/pathology/slide_features.hpp"
#include "tests/pathology/slide_maker.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <numeric>
#include <thread>

namespace hepar::pathology {
namespace {

namespace fs = std::filesystem;

std::vector<float> encode(int edge, const std::function<std::array<std::uint8_t, 3>(int, int)>& colour) {
  std::vector<std::uint8_t> rgb;
  for (int y = 0; y < edge; ++y)
    for (int x = 0; x < edge; ++x)
      for (const std::uint8_t c : colour(x, y)) rgb.push_back(c);
  std::vector<float> features(BuiltinEncoder::kWidth);
  BuiltinEncoder(edge).encode(rgb, 1, features);
  return features;
}

std::array<std::uint8_t, 3> at_density(double h, double e) {
  const auto unit = [](std::array<double, 3> v) {
    const double length = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    return std::array<double, 3>{v[0] / length, v[1] / length, v[2] / length};
  };
  const auto hv = unit({0.650, 0.704, 0.286}), ev = unit({0.072, 0.990, 0.105});
  std::array<std::uint8_t, 3> rgb{};
  for (std::size_t c = 0; c < 3; ++c) rgb[c] = static_cast<std::uint8_t>(std::lround(256 * std::pow(10, -(h * hv[c] + e * ev[c])) - 1));
  return rgb;
}

TEST(Builtin, AFlatTileIsItsColourAndNothingElse) {
  const std::vector<float> f = encode(64, [](int, int) { return std::array<std::uint8_t, 3>{51, 102, 204}; });
  EXPECT_NEAR(f[0], 0.2, 1e-6);
  EXPECT_NEAR(f[1], 0.4, 1e-6);
  EXPECT_NEAR(f[2], 0.8, 1e-6);
  for (const int i : {3, 4, 5, 9, 10, 11, 48, 49, 50, 51, 52, 53, 54, 55, 56, 60}) EXPECT_NEAR(f[static_cast<std::size_t>(i)], 0, 1e-3) << i;
  EXPECT_NEAR(f[47], 0.75, 0.005);
  EXPECT_NEAR(f[58], 1, 1e-6) << "one pair of grey levels";
}

TEST(Builtin, StainsAreUnmixedIntoWhatWasMixed) {
  for (const auto& [h, e] : std::vector<std::pair<double, double>>{{0.6, 0.1}, {0.1, 0.4}, {0.3, 0.3}}) {
    const std::vector<float> f = encode(32, [&](int, int) { return at_density(h, e); });
    EXPECT_NEAR(f[6], h, 0.02);
    EXPECT_NEAR(f[7], e, 0.02);
    EXPECT_NEAR(f[8], 0, 0.02);
    EXPECT_EQ(f[static_cast<std::size_t>(12 + static_cast<int>(h * 10))] + f[static_cast<std::size_t>(12 + static_cast<int>(h * 10 - 0.3))] > 0.99f, true) << h;
    EXPECT_EQ(f[45], h >= 0.45 ? 1.0f : 0.0f);
  }
}

TEST(Builtin, TextureFeelsScaleAndDirection) {
  const auto stripes = [](int period, bool across) { return [=](int x, int y) { const auto v = static_cast<std::uint8_t>((across ? x : y) / period % 2 == 0 ? 40 : 200); return std::array<std::uint8_t, 3>{v, v, v}; }; };
  const std::vector<float> fine = encode(64, stripes(1, true)), coarse = encode(64, stripes(8, true)), turned = encode(64, stripes(8, false));
  EXPECT_GT(fine[48], coarse[48]);
  EXPECT_GT(coarse[51], fine[51]) << "stripes of one pixel are gone on the coarse scale";
  EXPECT_GT(coarse[56], turned[56] + 0.1) << "contrast lies across the stripes";
  EXPECT_NEAR(coarse[56], turned[60], 1e-6);
  EXPECT_NEAR(coarse[48], turned[48], 1e-6);
}

TEST(Builtin, HistogramsAreSharesAndMomentsMatchADoubleTwin) {
  std::vector<std::array<std::uint8_t, 3>> pixels;
  const auto noise = [&](int x, int y) {
    const std::uint32_t h = made::hash(static_cast<std::uint32_t>(y * 97 + x));
    return std::array<std::uint8_t, 3>{static_cast<std::uint8_t>(h), static_cast<std::uint8_t>(h >> 8), static_cast<std::uint8_t>(h >> 16)};
  };
  const std::vector<float> f = encode(48, noise);
  EXPECT_NEAR(std::accumulate(f.begin() + 12, f.begin() + 28, 0.0), 1, 1e-5);
  EXPECT_NEAR(std::accumulate(f.begin() + 28, f.begin() + 44, 0.0), 1, 1e-5);
  double sum = 0, squares = 0;
  for (int y = 0; y < 48; ++y)
    for (int x = 0; x < 48; ++x) {
      sum += noise(x, y)[1] / 255.0;
      squares += noise(x, y)[1] / 255.0 * (noise(x, y)[1] / 255.0);
    }
  EXPECT_NEAR(f[1], sum / 2304, 1e-6);
  EXPECT_NEAR(f[4], std::sqrt(squares / 2304 - sum * sum / 2304 / 2304), 1e-5);
  EXPECT_THROW(BuiltinEncoder(8), Error);
}

TEST(Batches, ComeInOrderAndNeverFarAhead) {
  for (const std::size_t ahead : {std::size_t{0}, std::size_t{2}}) {
    std::atomic<int> made_count{0}, used_count{0};
    std::vector<std::size_t> seen;
    run_batches(ahead,
                [&](TileBatch& batch) {
                  EXPECT_LE(made_count - used_count, static_cast<int>(ahead) + 2);
                  batch.index.push_back(static_cast<std::size_t>(made_count++));
                  return made_count < 40;
                },
                [&](TileBatch& batch) {
                  seen.push_back(batch.index.front());
                  ++used_count;
                });
    std::vector<std::size_t> expected(40);
    std::iota(expected.begin(), expected.end(), std::size_t{0});
    EXPECT_EQ(seen, expected);
  }
}

TEST(Batches, AnErrorOnEitherSideEndsBoth) {
  const auto forever = [](TileBatch& batch) { batch.index.push_back(0); return true; };
  EXPECT_THROW(run_batches(2, forever, [](TileBatch&) { throw usage_error("the network"); }), Error);
  int n = 0;
  EXPECT_THROW(run_batches(2, [&](TileBatch& batch) -> bool { batch.index.push_back(0); if (++n > 5) throw input_error("the disk"); return true; }, [](TileBatch&) {}), Error);
}

// Remembers what it is asked: the mean colour of each tile.
class Recorder final : public TileEncoder {
 public:
  Recorder(int edge, std::size_t batch, bool overlaps) : edge_(edge), batch_(batch), overlaps_(overlaps) {}
  std::int64_t width() const override { return 3; }
  int tile_pixels() const override { return edge_; }
  std::string identity() const override { return "recorder"; }
  std::size_t batch() const override { return batch_; }
  bool overlaps() const override { return overlaps_; }
  void encode(std::span<const std::uint8_t> rgb, std::size_t tiles, std::span<float> features) override {
    EXPECT_LE(tiles, batch_);
    const std::size_t bytes = static_cast<std::size_t>(edge_ * edge_ * 3);
    for (std::size_t t = 0; t < tiles; ++t)
      for (std::size_t c = 0; c < 3; ++c) {
        double sum = 0;
        for (std::size_t i = c; i < bytes; i += 3) sum += rgb[t * bytes + i];
        features[3 * t + c] = static_cast<float>(sum / static_cast<double>(edge_ * edge_));
      }
  }

 private:
  int edge_;
  std::size_t batch_;
  bool overlaps_;
};

class SlideBags : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("hepar_bags_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    modality_.name = "slide";
    modality_.kind = Kind::bag;
    modality_.tile = 128;
  }
  void TearDown() override { fs::remove_all(folder_); }
  SlideRow make(const std::string& name, int edge = 2560, double um = 0.25) const {
    made::Picture picture(edge, edge);
    made::stain(picture, made::ellipse(edge / 2.0, edge / 2.0, edge * 0.45, edge * 0.4));
    made::Format format;
    format.um_per_pixel = um;
    SlideRow row;
    row.path = made::write_slide(folder_ / name, std::move(picture), format);
    return row;
  }
  fs::path folder_;
  ModalitySpec modality_;
};

TEST_F(SlideBags, BytesDoNotDependOnBatchesOrThreads) {
  const SlideRow row = make("a.tif");
  Recorder one(128, 1, false), many(128, 7, false), threads(128, 5, true);
  const TileFeatures a = read_slide_features(row, modality_, one).tiles, b = read_slide_features(row, modality_, many).tiles, c = read_slide_features(row, modality_, threads).tiles;
  ASSERT_EQ(a.reason, Reason::present) << a.detail;
  EXPECT_GT(a.count, 40);
  EXPECT_EQ(a.values, b.values);
  EXPECT_EQ(a.values, c.values);
  EXPECT_EQ(a.coords, c.coords);
  EXPECT_TRUE(std::is_sorted(a.coords.begin(), a.coords.end(), [](const auto& p, const auto& q) { return std::tie(p[1], p[0]) < std::tie(q[1], q[0]); }));
  // Each feature stands at its own place: the mean colour there, read by itself.
  const Slide::Opened slide = Slide::open(row.path);
  std::vector<std::uint8_t> rgb(256 * 256 * 3);
  for (const std::size_t t : {std::size_t{0}, static_cast<std::size_t>(a.count / 2), static_cast<std::size_t>(a.count - 1)}) {
    ASSERT_TRUE(slide.slide->read(0, {a.coords[t][0], a.coords[t][1], 256, 256}, rgb));
    double sum = 0;
    for (std::size_t i = 0; i < rgb.size(); i += 3) sum += rgb[i];
    std::uint16_t half = 0;
    std::memcpy(&half, a.values.data() + t * 6, 2);
    EXPECT_NEAR(from_half(half), sum / 65536, 0.6);
  }
}

TEST_F(SlideBags, ADamagedTileIsLeftOutAndCounted) {
  const SlideRow row = make("a.tif");
  BuiltinEncoder encoder(128);
  const TileFeatures whole = read_slide_features(row, modality_, encoder).tiles;
  made::damage_tile(row.path, 55);  // of 10 tiles a row: level-0 (1280, 1280), one tile of the grid
  const SlideFeatures damaged = read_slide_features(row, modality_, encoder);
  ASSERT_EQ(damaged.tiles.reason, Reason::present);
  EXPECT_LT(damaged.tiles.count, whole.count);
  EXPECT_GT(damaged.quality->corrupt_mm2, 0);
  for (const auto& tile : damaged.tiles.coords) EXPECT_FALSE(tile[0] == 1280 && tile[1] == 1280);
}

TEST_F(SlideBags, ASlideOfWhichNothingCanBeDecodedIsNotReadable) {
  const SlideRow row = make("a.tif", 1024);
  for (std::uint32_t tile = 0; tile < 15; ++tile) made::damage_tile(row.path, tile);
  EXPECT_TRUE(look_at_slide(row, modality_, false).slide) << "one tile is left";
  made::damage_tile(row.path, 15);
  const SlideLook look = look_at_slide(row, modality_, false);
  EXPECT_FALSE(look.slide);
  EXPECT_EQ(look.reason, Reason::unreadable);
  BuiltinEncoder encoder(128);
  EXPECT_EQ(read_slide_features(row, modality_, encoder).tiles.reason, Reason::unreadable);
}

TEST_F(SlideBags, SlidesAndImportedFactsComeTogether) {
  PatientRecord patient;
  patient.slides = {make("a.tif"), make("b.tif", 1500)};
  BuiltinEncoder encoder(128);
  const std::optional<Layout> layout = layout_of({patient}, encoder);
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->item, std::vector<std::int64_t>{BuiltinEncoder::kWidth});
  EXPECT_EQ(layout->meaning, "builtin/2");
  Facts facts;
  Pictures pictures;
  const Feature bag = read_bag(patient, modality_, *layout, encoder, facts, pictures);
  ASSERT_TRUE(bag.present()) << bag.detail;
  EXPECT_EQ(bag.coords.front()[0], 0);
  EXPECT_EQ(bag.coords.back()[0], 1);
  ASSERT_EQ(pictures.size(), 2u);
  EXPECT_EQ(pictures[1].name, "2");
  EXPECT_LE(std::max(pictures[0].width, pictures[0].height), 320);
  EXPECT_EQ(facts.at("slide.1.state").text, "present");
  EXPECT_EQ(facts.at("slide.1.um_per_pixel_source").text, "tiff");
  const auto number = [&](const std::string& name) { return std::stod(facts.at(name).text); };
  EXPECT_NEAR(number("slide.tissue_mm2"), number("slide.1.tissue_mm2") + number("slide.2.tissue_mm2"), 1e-5);
  EXPECT_EQ(number("slide.tiles"), static_cast<double>(bag.items));
  EXPECT_EQ(facts.at("slide.tissue_mm2").state, Fact::State::known);
  // A slide without a scale says why, and nothing is said over all slides.
  patient.slides.push_back(make("c.tif", 600, 0));
  Facts part;
  const Feature rest = read_bag(patient, modality_, *layout, encoder, part, pictures);
  EXPECT_EQ(rest.items, bag.items);
  EXPECT_NE(rest.detail.find("slide 3: the file says no um per pixel"), std::string::npos) << rest.detail;
  EXPECT_FALSE(part.contains("slide.tissue_mm2"));
  EXPECT_TRUE(part.contains("slide.2.tissue_mm2"));
  EXPECT_EQ(part.at("slide.3.state").text, "no_scale");
}

TEST_F(SlideBags, DctLevelsServeWhenTheCohortSaysSo) {
  const SlideRow row = make("a.tif");
  BuiltinEncoder encoder(128);
  const TileFeatures exact = read_slide_features(row, modality_, encoder).tiles;
  modality_.resample = Resample::dct;
  const TileFeatures fast = read_slide_features(row, modality_, encoder).tiles;
  EXPECT_EQ(fast.coords, exact.coords);
  EXPECT_NE(fast.values, exact.values) << "another way of making tiles smaller gives other features";
}

}  // namespace
}  // namespace hepar::pathology
