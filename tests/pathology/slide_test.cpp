// SPDX-License-Identifier: Apache-2.0
// Pixels of slides: the direct path against OpenSlide, edges, damage, levels that are never used.
#include "data/pathology/resample.hpp"
#include "data/pathology/slide.hpp"
#include "tests/pathology/slide_maker.hpp"

#include <gtest/gtest.h>
#include <openslide.h>

#include <array>
#include <cstring>

namespace hepar::pathology {
namespace {

namespace fs = std::filesystem;

class Slides : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("hepar_slides_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path make(const made::Format& format, int width = 1100, int height = 900) const {
    made::Picture picture(width, height);
    made::stain(picture, made::ellipse(width / 2.0, height / 2.0, width / 2.6, height / 2.6));
    return made::write_slide(folder_ / "slide.tif", std::move(picture), format);
  }
  fs::path folder_;
};

// What OpenSlide shows there, over white.
std::vector<std::uint8_t> openslide_pixels(openslide_t* slide, int level, std::int64_t x0, std::int64_t y0, std::int64_t width, std::int64_t height) {
  std::vector<std::uint32_t> argb(static_cast<std::size_t>(width * height));
  openslide_read_region(slide, argb.data(), x0, y0, level, width, height);
  std::vector<std::uint8_t> rgb;
  for (const std::uint32_t pixel : argb)
    for (int c = 0; c < 3; ++c) rgb.push_back(static_cast<std::uint8_t>(((pixel >> (16 - 8 * c)) & 255u) + (255u - (pixel >> 24))));
  return rgb;
}

TEST_F(Slides, DirectTilesAreBitIdenticalToOpenSlide) {
  std::vector<made::Format> formats(4);
  for (made::Format& format : formats) format.levels = 3;
  formats[1].subsampling = 1;
  formats[2].ycbcr = false;
  formats[3].description = "Aperio Image Library v1\r\n1100x900 [0,0 1100x900] (256x256) JPEG/RGB Q=85|AppMag = 40|MPP = 0.2500";
  for (std::size_t f = 0; f < formats.size(); ++f) {
    const fs::path path = make(formats[f]);
    const Slide::Opened opened = Slide::open(path);
    ASSERT_TRUE(opened.slide) << f << ": " << opened.detail;
    ASSERT_EQ(opened.slide->file_levels(), 3u) << f;
    openslide_t* theirs = openslide_open(path.c_str());
    for (std::size_t level = 0; level < 3; ++level) {
      const SlideLevel& one = opened.slide->levels()[level];
      EXPECT_TRUE(one.direct) << f << " level " << level;
      const auto scale = static_cast<std::int64_t>(one.downsample_x);
      // Whole tiles, and rectangles across their borders and beyond the edges.
      for (const PixelRect& rect : {PixelRect{0, 0, 256, 256}, PixelRect{256, 0, 256, 256}, PixelRect{100, 77, 300, 200}, PixelRect{one.width - 60, one.height - 60, 200, 120}, PixelRect{-30, -30, 90, 90}}) {
        std::vector<std::uint8_t> ours(static_cast<std::size_t>(rect.width * rect.height * 3));
        ASSERT_TRUE(opened.slide->read(level, rect, ours));
        EXPECT_EQ(ours, openslide_pixels(theirs, static_cast<int>(level), rect.x * scale, rect.y * scale, rect.width, rect.height)) << f << " level " << level << " at " << rect.x << ", " << rect.y;
      }
    }
    openslide_close(theirs);
  }
}

TEST_F(Slides, ReducedLevelsAreNearTheMeanOfPixels) {
  const Slide::Opened opened = Slide::open(make({}));
  ASSERT_TRUE(opened.slide);
  ASSERT_EQ(opened.slide->levels().size(), 4u) << "one of the file, and 1/2, 1/4, 1/8";
  for (std::size_t level = 1; level < 4; ++level) {
    const int d = opened.slide->levels()[level].denominator;
    std::vector<std::uint8_t> reduced(128 * 128 * 3 / static_cast<std::size_t>(d * d)), mean(reduced.size());
    const std::int64_t edge = 128 / d;
    ASSERT_TRUE(opened.slide->read(level, {256 / d, 256 / d, edge, edge}, reduced));
    ResampleBuffers buffers;
    ASSERT_TRUE(read_scaled(*opened.slide, 0, {256, 256, 128, 128}, static_cast<int>(edge), static_cast<int>(edge), mean, buffers));
    double difference = 0;
    for (std::size_t i = 0; i < mean.size(); ++i) difference += std::abs(static_cast<int>(mean[i]) - reduced[i]);
    EXPECT_LT(difference / static_cast<double>(mean.size()), 2.5) << d;
  }
}

TEST_F(Slides, ADamagedTileIsListedOnceAndTheOthersStayRight) {
  for (const std::uint16_t compression : {COMPRESSION_JPEG, COMPRESSION_ADOBE_DEFLATE}) {  // the direct path, and OpenSlide's
    made::Format format;
    format.compression = compression;
    const fs::path path = make(format);
    std::vector<std::uint8_t> before(256 * 256 * 3), after(before.size());
    ASSERT_TRUE(Slide::open(path).slide->read(0, {512, 256, 256, 256}, before));
    made::damage_tile(path, 6);  // of 5 tiles a row: (256, 256)
    const Slide::Opened opened = Slide::open(path);
    ASSERT_TRUE(opened.slide);
    EXPECT_EQ(opened.slide->levels().front().direct, compression == COMPRESSION_JPEG);
    for (int again = 0; again < 2; ++again) {
      EXPECT_FALSE(opened.slide->read(0, {256, 256, 256, 256}, after));
      EXPECT_FALSE(opened.slide->read(0, {200, 200, 100, 100}, after));
      ASSERT_TRUE(opened.slide->read(0, {512, 256, 256, 256}, after)) << "OpenSlide's error stays with its handle: a new one is needed";
      EXPECT_EQ(after, before);
    }
    ASSERT_EQ(opened.slide->corrupt().size(), 1u);
    EXPECT_EQ(opened.slide->corrupt().front().rect.x, 256);
    EXPECT_EQ(opened.slide->corrupt().front().rect.y, 256);
  }
}

TEST_F(Slides, AFileThatEndsEarlyLosesOnlyTheTilesBeyondItsEnd) {
  const fs::path path = make({});
  const auto [at, count] = made::place_of_tile(path, 12);
  // The directory lies at the end: a copy of the data in front of it is cut by moving the tile's place beyond the file.
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at + 2));
  const std::string zeros(count - 2, '\0');
  file.write(zeros.data(), static_cast<std::streamsize>(zeros.size()));
  file.close();
  const Slide::Opened opened = Slide::open(path);
  std::vector<std::uint8_t> rgb(256 * 256 * 3);
  EXPECT_FALSE(opened.slide->read(0, {512, 512, 256, 256}, rgb));
  EXPECT_TRUE(opened.slide->read(0, {256, 512, 256, 256}, rgb));
}

TEST_F(Slides, ALevelSmallerThanItsTileIsNeverUsedUnlessJpeg) {
  made::Format format;
  format.levels = 4;  // 1100, 550, 275, 137 wide: the last is smaller than a tile
  format.compression = COMPRESSION_ADOBE_DEFLATE;
  const Slide::Opened deflated = Slide::open(make(format));
  ASSERT_TRUE(deflated.slide);
  EXPECT_TRUE(deflated.slide->levels()[1].trouble.empty());
  EXPECT_FALSE(deflated.slide->levels()[2].trouble.empty()) << "275 x 225 is lower than a tile of 256";
  EXPECT_FALSE(deflated.slide->levels()[3].trouble.empty());
  EXPECT_EQ(choose_level(*deflated.slide, 0.25, 0.25, 8, true).level, 1u);
  format.compression = COMPRESSION_JPEG;
  const Slide::Opened jpeg = Slide::open(make(format));
  EXPECT_TRUE(jpeg.slide->levels()[3].trouble.empty());
  format.levels = 1;
  format.compression = COMPRESSION_ADOBE_DEFLATE;
  const Slide::Opened nothing = Slide::open(make(format, 200, 300));
  EXPECT_FALSE(nothing.slide);
  EXPECT_EQ(nothing.reason, Reason::unreadable);
}

// 100 x 100 tiles of 4096 px, none of them there: 80 kB that would be read for hours.
TEST_F(Slides, ALevelOfMorePixelsThanTheFileCanHoldIsNeverUsed) {
  constexpr std::uint32_t kTiles = 100 * 100, kTile = 4096, kEdge = 100 * kTile, kTags = 11, kBits = 8 + 2 + 12 * kTags + 4, kOffsets = kBits + 8;
  std::string bytes("II*\0\x08\0\0\0", 8);
  const auto put = [&bytes](auto value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); };
  put(std::uint16_t{kTags});
  using Tag = std::array<std::uint32_t, 4>;  // number, type, count, value
  for (const Tag& tag : {Tag{256, 4, 1, kEdge}, Tag{257, 4, 1, kEdge}, Tag{258, 3, 3, kBits}, Tag{259, 3, 1, 7}, Tag{262, 3, 1, 6}, Tag{277, 3, 1, 3}, Tag{284, 3, 1, 1},
                         Tag{322, 4, 1, kTile}, Tag{323, 4, 1, kTile}, Tag{324, 4, kTiles, kOffsets}, Tag{325, 4, kTiles, kOffsets + 4 * kTiles}}) {
    put(static_cast<std::uint16_t>(tag[0]));
    put(static_cast<std::uint16_t>(tag[1]));
    put(tag[2]);
    put(tag[3]);
  }
  put(std::uint32_t{0});
  for (const std::uint16_t bits : {8, 8, 8, 0}) put(bits);
  bytes += std::string(8 * kTiles, '\0');
  std::ofstream(folder_ / "vast.tif", std::ios::binary) << bytes;
  const Slide::Opened opened = Slide::open(folder_ / "vast.tif");
  EXPECT_FALSE(opened.slide);
  EXPECT_NE(opened.detail.find("more pixels than the file can hold"), std::string::npos) << opened.detail;
}

TEST_F(Slides, WhatIsNoSlideIsRefusedWithAdvice) {
  std::ofstream(folder_ / "a.svs") << "no pixels";
  EXPECT_EQ(Slide::open(folder_ / "a.svs").reason, Reason::unsupported);
  std::ofstream(folder_ / "b.kfb") << "KFB";
  EXPECT_NE(Slide::open(folder_ / "b.kfb").detail.find("export"), std::string::npos);
  std::string dicom(128, '\0');
  dicom += "DICM and later 1.2.840.10008.5.1.4.1.1.77.1.6";
  std::ofstream(folder_ / "c") << dicom;
  EXPECT_TRUE(takes_slide(folder_ / "c"));
  std::ofstream(folder_ / "d.dcm") << std::string(128, '\0') + "DICM 1.2.840.10008.5.1.4.1.1.2";
  EXPECT_FALSE(takes_slide(folder_ / "d.dcm")) << "a CT image";
}

TEST_F(Slides, AnyWindowIsTheAreaMeanOfItsPixels) {
  const fs::path path = make({});
  const Slide::Opened opened = Slide::open(path);
  std::vector<std::uint8_t> source(1100 * 900 * 3), out(16 * 9 * 3);
  ASSERT_TRUE(opened.slide->read(0, {0, 0, 1100, 900}, source));
  ResampleBuffers buffers;
  const Window window{301.3, 222.7, 16 * 3.7, 9 * 5.1};
  ASSERT_TRUE(read_scaled(*opened.slide, 0, window, 16, 9, out, buffers));
  // Twin: every source pixel weighs as much as it overlaps the sample.
  for (int y = 0; y < 9; ++y)
    for (int x = 0; x < 16; ++x) {
      const double x0 = window.x + x * 3.7, x1 = x0 + 3.7, y0 = window.y + y * 5.1, y1 = y0 + 5.1;
      double sum = 0;
      for (int v = static_cast<int>(y0); v <= static_cast<int>(y1); ++v)
        for (int u = static_cast<int>(x0); u <= static_cast<int>(x1); ++u)
          sum += std::max(0.0, std::min(x1, u + 1.0) - std::max(x0, static_cast<double>(u))) * std::max(0.0, std::min(y1, v + 1.0) - std::max(y0, static_cast<double>(v))) * source[static_cast<std::size_t>((v * 1100 + u) * 3)];
      EXPECT_NEAR(out[static_cast<std::size_t>((y * 16 + x) * 3)], sum / (3.7 * 5.1), 0.51) << x << ", " << y;
    }
}

TEST_F(Slides, AFinerWindowIsBilinear) {
  const Slide::Opened opened = Slide::open(make({}));
  std::vector<std::uint8_t> four(4 * 4 * 3), out(8 * 8 * 3);
  ASSERT_TRUE(opened.slide->read(0, {400, 400, 4, 4}, four));
  ResampleBuffers buffers;
  ASSERT_TRUE(read_scaled(*opened.slide, 0, {400, 400, 4, 4}, 8, 8, out, buffers));
  const auto at = [&](int x, int y) { return static_cast<double>(four[static_cast<std::size_t>((y * 4 + x) * 3)]); };
  EXPECT_NEAR(out[(3 * 8 + 3) * 3], (at(1, 1) * 9 + at(2, 1) * 3 + at(1, 2) * 3 + at(2, 2)) / 16, 0.51);
}

}  // namespace
}  // namespace hepar::pathology
