// SPDX-License-Identifier: Apache-2.0
// The thumbnail of a slide: its pixels are means of the overview, and lines lie where the masks end.
#include "data/pathology/thumbnail.hpp"

#include <gtest/gtest.h>

#include <cstdio>

#include <jpeglib.h>

#include <array>
#include <cmath>

namespace hepar::pathology {
namespace {

using Rgb = std::array<int, 3>;
constexpr Rgb kGreen{0, 140, 70}, kBlue{30, 80, 230}, kRed{220, 30, 30};

Rgb at(const Picture& picture, int x, int y) {
  const std::uint8_t* p = picture.rgb.data() + 3 * (y * picture.width + x);
  return {p[0], p[1], p[2]};
}

Overview overview_of(int width, int height) {
  Overview overview;
  overview.width = width;
  overview.height = height;
  overview.rgb.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  for (std::size_t i = 0; i < overview.rgb.size(); ++i) overview.rgb[i] = static_cast<std::uint8_t>((i * 2654435761u) >> 24);
  overview.corrupt = Plane(width, height);
  return overview;
}

TissueMap nothing_on(const Overview& overview) {
  TissueMap map;
  map.tissue = map.pen = map.fold = Plane(overview.width, overview.height);
  return map;
}

void fill(Plane& plane, int x0, int y0, int x1, int y1) {
  for (int y = y0; y < y1; ++y)
    for (int x = x0; x < x1; ++x) plane(x, y) = 1;
}

TEST(Thumbnail, OfASmallSlideIsTheOverviewItself) {
  const Overview overview = overview_of(320, 77);
  const Picture picture = thumbnail_of(overview, nothing_on(overview));
  EXPECT_EQ(picture.width, 320);
  EXPECT_EQ(picture.height, 77);
  EXPECT_EQ(picture.rgb, overview.rgb);
}

TEST(Thumbnail, OfALargeSlideIsMadeOfMeans) {
  const Overview overview = overview_of(961, 500);  // cells of 4 x 4, the last column of one pixel
  const Picture picture = thumbnail_of(overview, nothing_on(overview));
  ASSERT_EQ(picture.width, 241);
  ASSERT_EQ(picture.height, 125);
  for (const auto& [x, y] : {std::pair{0, 0}, {17, 101}, {240, 124}})
    for (int c = 0; c < 3; ++c) {
      int sum = 0, count = 0;
      for (int v = 4 * y; v < std::min(4 * y + 4, 500); ++v)
        for (int u = 4 * x; u < std::min(4 * x + 4, 961); ++u, ++count) sum += overview.rgb[static_cast<std::size_t>(3 * (v * 961 + u) + c)];
      EXPECT_EQ(at(picture, x, y)[static_cast<std::size_t>(c)], sum / count);
    }
}

TEST(Thumbnail, OutlinesTissuePenAndDamageAndNothingElse) {
  Overview overview = overview_of(100, 80);
  TissueMap map = nothing_on(overview);
  fill(map.tissue, 10, 10, 50, 60);
  fill(map.pen, 60, 5, 90, 20);
  fill(overview.corrupt, 70, 40, 80, 80);  // reaches the edge
  const Picture picture = thumbnail_of(overview, map);
  for (int y = 0; y < 80; ++y)
    for (int x = 0; x < 100; ++x) {
      const auto border = [&](int x0, int y0, int x1, int y1) {
        return x >= x0 && x < x1 && y >= y0 && y < y1 && (x == x0 || x == x1 - 1 || y == y0 || y == y1 - 1);
      };
      const std::uint8_t* p = overview.rgb.data() + 3 * (y * 100 + x);
      const Rgb expected = border(10, 10, 50, 60) ? kGreen : border(60, 5, 90, 20) ? kBlue : border(70, 40, 80, 80) ? kRed : Rgb{p[0], p[1], p[2]};
      ASSERT_EQ(at(picture, x, y), expected) << x << " " << y;
    }
}

TEST(Jpeg, GivesBackThePictureAndTheSameBytes) {
  Picture picture{{}, 61, 33, {}};
  for (int y = 0; y < 33; ++y)
    for (int x = 0; x < 61; ++x) picture.rgb.insert(picture.rgb.end(), {static_cast<std::uint8_t>(3 * x), static_cast<std::uint8_t>(6 * y), 90});
  const std::string bytes = jpeg_of(picture);
  EXPECT_EQ(bytes, jpeg_of(picture));
  jpeg_error_mgr errors{};
  jpeg_decompress_struct info{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  ASSERT_EQ(jpeg_read_header(&info, TRUE), JPEG_HEADER_OK);
  jpeg_start_decompress(&info);
  ASSERT_EQ(info.output_width, 61u);
  ASSERT_EQ(info.output_height, 33u);
  std::vector<std::uint8_t> row(61 * 3);
  double worst = 0;
  for (std::size_t y = 0; y < 33; ++y) {
    JSAMPROW rows = row.data();
    jpeg_read_scanlines(&info, &rows, 1);
    for (std::size_t i = 0; i < row.size(); ++i) worst = std::max(worst, std::abs(static_cast<double>(row[i]) - picture.rgb[y * row.size() + i]));
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  EXPECT_LT(worst, 8);
}

}  // namespace
}  // namespace hepar::pathology
