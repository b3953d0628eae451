// SPDX-License-Identifier: Apache-2.0
// Masks: what is inside stays where it was drawn, in millimetres, whatever the grid of the drawing.
#include "data/imaging/mask.hpp"

#include <gtest/gtest.h>
#include <nifti/nifti1_io.h>

#include <filesystem>

namespace hepar::imaging {
namespace {

namespace fs = std::filesystem;

Image image_of(std::array<std::int64_t, 3> size, std::array<double, 12> affine) {
  Image image;
  image.size = size;
  image.affine = affine;
  image.spacing_mm = {1, 1, 1};
  image.values.assign(static_cast<std::size_t>(size[0] * size[1] * size[2]), 0.0f);
  return image;
}

class Masks : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("hepar_masks_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // One byte a voxel; `lps` as in Image::affine.
  fs::path write(std::array<std::int64_t, 3> size, const std::array<double, 12>& lps, const std::vector<std::uint8_t>& values) const {
    const std::array<int, 8> dims{3, static_cast<int>(size[0]), static_cast<int>(size[1]), static_cast<int>(size[2]), 1, 1, 1, 1};
    nifti_image* nim = nifti_make_new_nim(dims.data(), DT_UINT8, 1);
    for (std::size_t r = 0; r < 3; ++r)
      for (std::size_t c = 0; c < 4; ++c) nim->sto_xyz.m[r][c] = static_cast<float>((r < 2 ? -1 : 1) * lps[4 * r + c]);
    nim->sform_code = NIFTI_XFORM_SCANNER_ANAT;
    std::copy(values.begin(), values.end(), static_cast<std::uint8_t*>(nim->data));
    const fs::path path = folder_ / "mask.nii";
    nifti_set_filenames(nim, path.c_str(), 0, 1);
    nifti_image_write(nim);
    nifti_image_free(nim);
    return path;
  }
  fs::path folder_;
};

constexpr std::array<double, 12> kUnit{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};

TEST_F(Masks, OnTheSameGridEveryVoxelIsKept) {
  const Image image = image_of({4, 3, 2}, kUnit);
  std::vector<std::uint8_t> values(24);
  for (std::size_t i = 0; i < 24; ++i) values[i] = i % 5 == 0 ? 2 : 0;
  const ReadMask read = read_mask(image, write({4, 3, 2}, kUnit, values));
  ASSERT_TRUE(read.mask) << read.detail;
  EXPECT_EQ(read.mask->voxels, 5);
  EXPECT_TRUE(read.mask->notes.empty());
  for (std::size_t i = 0; i < 24; ++i) EXPECT_EQ(read.mask->inside[i], i % 5 == 0 ? 1 : 0);
}

TEST_F(Masks, ADrawingWithFlippedAxesLiesAtTheSamePlace) {
  const Image image = image_of({4, 3, 2}, kUnit);
  std::vector<std::uint8_t> values(24, 0);
  values[0] = 1;  // its voxel (0,0,0) is the image's (3,2,1)
  const ReadMask read = read_mask(image, write({4, 3, 2}, {-1, 0, 0, 3, 0, -1, 0, 2, 0, 0, -1, 1}, values));
  ASSERT_TRUE(read.mask) << read.detail;
  EXPECT_EQ(read.mask->voxels, 1);
  EXPECT_EQ(read.mask->inside.back(), 1);
  EXPECT_EQ(read.mask->notes.size(), 1u);
}

TEST_F(Masks, ACoarseDrawingCoversTheFineVoxelsInIt) {
  const Image image = image_of({4, 4, 4}, kUnit);
  std::vector<std::uint8_t> values(8, 0);
  values[7] = 1;  // 2 mm voxels: the upper half of each axis
  const ReadMask read = read_mask(image, write({2, 2, 2}, {2, 0, 0, 0.5, 0, 2, 0, 0.5, 0, 0, 2, 0.5}, values));
  ASSERT_TRUE(read.mask) << read.detail;
  EXPECT_EQ(read.mask->voxels, 8);
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(read.mask->inside[i], (i % 4 >= 2 && i / 4 % 4 >= 2 && i / 16 >= 2) ? 1 : 0) << i;
}

TEST_F(Masks, AMaskBesideTheImageAndOtherFilesAreRefused) {
  const Image image = image_of({4, 3, 2}, kUnit);
  EXPECT_EQ(read_mask(image, write({4, 3, 2}, {1, 0, 0, 100, 0, 1, 0, 0, 0, 0, 1, 0}, std::vector<std::uint8_t>(24, 1))).reason, Reason::too_few);
  EXPECT_EQ(read_mask(image, folder_ / "absent.nii").reason, Reason::missing_file);
  EXPECT_EQ(read_mask(image, folder_).reason, Reason::unsupported);
}

}  // namespace
}  // namespace hepar::imaging
