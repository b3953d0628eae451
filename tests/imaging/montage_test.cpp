// SPDX-License-Identifier: Apache-2.0
// The montage: each phase in its column, anterior and superior upwards, patient's right on the left, frame and mask where they are.
#include "data/imaging/montage.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace hepar::imaging {
namespace {

constexpr int kEdge = 40;  // voxels and millimetres of the image along each axis, and pixels of a panel

ModalitySpec two_phases() {
  ModalitySpec spec;
  spec.phases = {"arterial", "portal"};
  spec.grid = {10, 8, 6};
  spec.spacing_mm = {2, 2, 2};
  return spec;
}

// CT of 0 HU with one bright block; voxel (x, y, z) lies at LPS (x, y, z) mm.
Image image_with(std::array<int, 3> low, std::array<int, 3> high) {
  Image image;
  image.size = {kEdge, kEdge, kEdge};
  image.spacing_mm = {1, 1, 1};
  image.affine = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
  image.values.assign(static_cast<std::size_t>(kEdge) * kEdge * kEdge, 40.0f);
  image.low = -1000;
  for (int z = low[2]; z < high[2]; ++z)
    for (int y = low[1]; y < high[1]; ++y)
      for (int x = low[0]; x < high[0]; ++x) image.values[static_cast<std::size_t>((z * kEdge + y) * kEdge + x)] = 400.0f;
  return image;
}

std::array<int, 3> at(const Picture& picture, int x, int y) {
  const std::uint8_t* p = picture.rgb.data() + 3 * (y * picture.width + x);
  return {p[0], p[1], p[2]};
}

TEST(Montage, ShowsWhatLiesWhere) {
  // Bright: to the patient's left (x large), anterior (y small), superior (z large).
  const Image image = image_with({30, 2, 18}, {38, 22, 39});
  Montage montage(two_phases());
  montage.add(0, image, nullptr, {19.5, 19.5, 19.5});
  const Picture picture = montage.picture();
  ASSERT_EQ(picture.width, 2 * kEdge);
  ASSERT_EQ(picture.height, 2 * kEdge);
  const std::array<int, 3> white{255, 255, 255}, grey{127, 127, 127};
  EXPECT_EQ(at(picture, 34, 5), white) << "axial: left of the patient on the right, anterior above";
  EXPECT_EQ(at(picture, 5, 5), grey);
  EXPECT_EQ(at(picture, 34, 35), grey);
  EXPECT_EQ(at(picture, 34, kEdge + 5), white) << "coronal: superior above";
  EXPECT_EQ(at(picture, 34, kEdge + 35), grey);
  EXPECT_EQ(at(picture, kEdge + 20, 5), (std::array<int, 3>{0, 0, 0})) << "the other phase is dark";
  EXPECT_EQ(at(picture, kEdge + 7, 7), (std::array<int, 3>{70, 70, 70})) << "and crossed";
}

TEST(Montage, FramesTheKeptPartAndOutlinesTheMask) {
  const Image image = image_with({0, 0, 0}, {0, 0, 0});
  Mask mask{image.size, std::vector<std::uint8_t>(image.values.size(), 0), 0, {}};
  for (int z = 10; z < 30; ++z)
    for (int y = 4; y < 9; ++y)
      for (int x = 2; x < 8; ++x) mask.inside[static_cast<std::size_t>((z * kEdge + y) * kEdge + x)] = 1;
  Montage montage(two_phases());
  montage.add(1, image, &mask, {19.5, 19.5, 19.5});
  const Picture picture = montage.picture();
  const std::array<int, 3> yellow{240, 210, 40}, orange{255, 120, 30}, grey{127, 127, 127};
  // The kept part is 20 x 16 x 12 mm about (19.5, 19.5, 19.5).
  for (int y = 0; y < kEdge; ++y)
    for (int x = 0; x < kEdge; ++x) {
      const bool on_mask = x >= 2 && x < 8 && y >= 4 && y < 9 && (x == 2 || x == 7 || y == 4 || y == 8);
      const bool on_frame = x >= 10 && x < 30 && y >= 12 && y < 28 && (x == 10 || x == 29 || y == 12 || y == 27);
      ASSERT_EQ(at(picture, kEdge + x, y), on_mask ? orange : on_frame ? yellow : grey) << x << " " << y;
      const bool below = x >= 10 && x < 30 && y >= 14 && y < 26 && (x == 10 || x == 29 || y == 14 || y == 25);
      ASSERT_EQ(at(picture, kEdge + x, kEdge + y), below ? yellow : grey) << "coronal " << x << " " << y;
    }
}

TEST(Montage, OfValuesWhereFloatsEndIsDrawn) {
  for (const float bright : {1e30f, std::numeric_limits<float>::max()}) {
    Image image = image_with({0, 0, 0}, {0, 0, 0});
    image.low = 0;
    for (std::size_t i = 0; i < image.values.size(); ++i) image.values[i] = i % 2 == 0 ? bright : -bright;
    Montage montage(two_phases());
    montage.add(0, image, nullptr, {19.5, 19.5, 19.5});
    EXPECT_FALSE(montage.picture().rgb.empty());
  }
}

TEST(Montage, OfALargeImageStaysSmall) {
  Image image = image_with({0, 0, 0}, {0, 0, 0});
  image.spacing_mm = {0.1, 0.1, 0.1};
  image.affine = {0.1, 0, 0, 0, 0, 10, 0, 0, 0, 0, 1, 0};
  Montage montage(two_phases());
  montage.add(0, image, nullptr, {2, 200, 20});
  EXPECT_EQ(montage.picture().height, 320);
  EXPECT_TRUE(Montage(two_phases()).picture().rgb.empty()) << "nothing to show";
}

}  // namespace
}  // namespace hepar::imaging
