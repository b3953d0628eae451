// SPDX-License-Identifier: Apache-2.0
// Regions drawn in DICOM lie on the image where they were drawn: bits packed across frames, frames in any order, contours
// with holes.
#include "data/base/random.hpp"
#include "data/imaging/mask.hpp"
#include "tests/imaging/made_dicom.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

namespace hepar::imaging {
namespace {

namespace fs = std::filesystem;

// 9 x 7 pixels (63 bits a frame: frames begin inside bytes) of 2 x 1.5 mm, slices 4 mm apart.
constexpr std::array<std::int64_t, 3> kSize{9, 7, 5};
constexpr std::size_t kPixels = 63;

Image image() {
  Image made;
  made.size = kSize;
  made.spacing_mm = {2, 1.5, 4};
  made.affine = {2, 0, 0, -20, 0, 1.5, 0, 30, 0, 0, 4, 100};
  made.values.assign(kPixels * 5, 0.0f);
  return made;
}

struct Frame {
  int slice;
  int segment;
  std::vector<std::uint8_t> bits;
};

class DicomMasks : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("hepar_dicom_masks_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static DcmItem* item(DcmItem& in, const DcmTagKey& sequence, long index) {
    DcmItem* made = nullptr;
    EXPECT_TRUE(in.findOrCreateSequenceItem(sequence, made, index).good());
    return made;
  }

  static void put_frame(DcmDataset& data, long index, const Frame& frame) {
    DcmItem& groups = *item(data, DCM_PerFrameFunctionalGroupsSequence, index);
    const std::string position = joined(std::array<double, 3>{-20, 30, 100 + 4.0 * frame.slice});
    item(groups, DCM_PlanePositionSequence, 0)->putAndInsertString(DCM_ImagePositionPatient, position.c_str());
    item(groups, DCM_SegmentIdentificationSequence, 0)->putAndInsertUint16(DCM_ReferencedSegmentNumber, static_cast<Uint16>(frame.segment));
  }

  fs::path segmentation(const std::vector<Frame>& frames) const {
    DcmFileFormat whole;
    DcmDataset& data = *whole.getDataset();
    data.putAndInsertString(DCM_SOPClassUID, UID_SegmentationStorage);
    data.putAndInsertString(DCM_SOPInstanceUID, "1.2.3.4");
    data.putAndInsertString(DCM_Modality, "SEG");
    data.putAndInsertString(DCM_SegmentationType, "BINARY");
    data.putAndInsertString(DCM_NumberOfFrames, std::to_string(frames.size()).c_str());
    for (const auto& [tag, value] : std::vector<std::pair<DcmTagKey, Uint16>>{{DCM_Rows, 7},
                                                                              {DCM_Columns, 9},
                                                                              {DCM_SamplesPerPixel, 1},
                                                                              {DCM_BitsAllocated, 1},
                                                                              {DCM_BitsStored, 1},
                                                                              {DCM_HighBit, 0},
                                                                              {DCM_PixelRepresentation, 0}})
      data.putAndInsertUint16(tag, value);
    data.putAndInsertString(DCM_PhotometricInterpretation, "MONOCHROME2");
    const std::array<const char*, 2> names{"Liver", "Tumor 1"};
    for (std::size_t s = 0; s < names.size(); ++s) {
      DcmItem& segment = *item(data, DCM_SegmentSequence, static_cast<long>(s));
      segment.putAndInsertUint16(DCM_SegmentNumber, static_cast<Uint16>(s + 1));
      segment.putAndInsertString(DCM_SegmentLabel, names[s]);
    }
    DcmItem& shared = *item(data, DCM_SharedFunctionalGroupsSequence, 0);
    item(shared, DCM_PlaneOrientationSequence, 0)->putAndInsertString(DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0");
    DcmItem& measures = *item(shared, DCM_PixelMeasuresSequence, 0);
    measures.putAndInsertString(DCM_PixelSpacing, "1.5\\2");
    measures.putAndInsertString(DCM_SliceThickness, "4");
    std::vector<std::uint8_t> packed((kPixels * frames.size() + 7) / 8 + 1, 0);
    packed.resize(packed.size() - packed.size() % 2);
    for (std::size_t f = 0; f < frames.size(); ++f) {
      put_frame(data, static_cast<long>(f), frames[f]);
      for (std::size_t i = 0; i < kPixels; ++i)
        if (frames[f].bits[i] != 0) packed[(f * kPixels + i) / 8] |= static_cast<std::uint8_t>(1u << ((f * kPixels + i) % 8));
    }
    data.putAndInsertUint8Array(DCM_PixelData, packed.data(), static_cast<unsigned long>(packed.size()));
    EXPECT_TRUE(whole.saveFile((folder_ / "seg.dcm").c_str(), EXS_LittleEndianExplicit).good());
    return folder_ / "seg.dcm";
  }

  struct Contour {
    std::string name;
    std::vector<std::array<double, 2>> corners;
    double z;
  };
  fs::path structures(const std::vector<Contour>& contours) const {
    DcmFileFormat whole;
    DcmDataset& data = *whole.getDataset();
    data.putAndInsertString(DCM_SOPClassUID, UID_RTStructureSetStorage);
    data.putAndInsertString(DCM_SOPInstanceUID, "1.2.3.5");
    std::vector<std::string> names;
    for (const Contour& contour : contours) {
      auto at = std::find(names.begin(), names.end(), contour.name);
      if (at == names.end()) at = names.insert(names.end(), contour.name);
      const long number = at - names.begin();
      DcmItem& roi = *item(data, DCM_StructureSetROISequence, number);
      roi.putAndInsertString(DCM_ROINumber, std::to_string(number + 1).c_str());
      roi.putAndInsertString(DCM_ROIName, contour.name.c_str());
      DcmItem& drawn = *item(data, DCM_ROIContourSequence, number);
      drawn.putAndInsertString(DCM_ReferencedROINumber, std::to_string(number + 1).c_str());
      DcmItem& one = *item(drawn, DCM_ContourSequence, -2);
      one.putAndInsertString(DCM_ContourGeometricType, "CLOSED_PLANAR");
      std::vector<double> points;
      for (const auto& corner : contour.corners) points.insert(points.end(), {corner[0], corner[1], contour.z});
      one.putAndInsertString(DCM_ContourData, joined(points).c_str());
    }
    EXPECT_TRUE(whole.saveFile((folder_ / "rt.dcm").c_str(), EXS_LittleEndianExplicit).good());
    return folder_ / "rt.dcm";
  }

  DicomLibrary library_;
  fs::path folder_;
};

std::vector<std::uint8_t> random_bits(std::uint64_t seed) {
  Stream random({seed, 77});
  std::vector<std::uint8_t> bits(kPixels);
  for (std::uint8_t& bit : bits) bit = random.uniform() < 0.4 ? 1 : 0;
  return bits;
}

TEST_F(DicomMasks, FramesGoToTheirSlicesWhateverTheirOrderAndPacking) {
  const std::vector<Frame> frames{{3, 2, random_bits(1)}, {1, 1, random_bits(2)}, {0, 2, random_bits(3)}, {1, 2, random_bits(4)}};
  const fs::path path = segmentation(frames);
  const auto drawn = [&](int segment) {
    std::vector<std::uint8_t> inside(kPixels * 5, 0);
    for (const Frame& frame : frames)
      for (std::size_t i = 0; i < kPixels; ++i)
        if (segment == 0 || frame.segment == segment) inside[static_cast<std::size_t>(frame.slice) * kPixels + i] |= frame.bits[i];
    return inside;
  };
  for (const auto& [label, segment] : std::vector<std::pair<std::string, int>>{{"", 0}, {"liver", 1}, {"肝", 1}, {"肿瘤", 2}, {"tumour", 2}}) {
    const ReadMask read = read_mask(image(), path, label);
    ASSERT_TRUE(read.mask) << label << ": " << read.detail;
    EXPECT_EQ(read.mask->inside, drawn(segment)) << label;
    EXPECT_EQ(read.mask->notes.size(), label.empty() ? 1u : 0u) << label;
  }
  EXPECT_FALSE(read_mask(image(), path, "spleen").mask);
}

TEST_F(DicomMasks, ContoursAreFilledByTheCentresOfVoxelsAndInnerOnesAreHoles) {
  const std::vector<Contour> contours{{"GTV-1", {{-21, 29}, {-5, 29}, {-6, 38.4}, {-20.5, 37}}, 104},
                                      {"GTV-1", {{-15, 31}, {-11, 31}, {-11, 35}, {-15, 35}}, 104},
                                      {"Liver", {{-19, 30}, {-9, 31}, {-12, 38}}, 112}};
  const fs::path path = structures(contours);
  const auto in_polygon = [](const Contour& contour, double x, double y) {
    bool inside = false;
    for (std::size_t p = 0; p < contour.corners.size(); ++p) {
      const auto &a = contour.corners[p], &b = contour.corners[(p + 1) % contour.corners.size()];
      if ((a[1] <= y) != (b[1] <= y) && a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) <= x) inside = !inside;
    }
    return inside;
  };
  const ReadMask read = read_mask(image(), path, "gtv");
  ASSERT_TRUE(read.mask) << read.detail;
  for (std::int64_t z = 0; z < 5; ++z)
    for (std::int64_t y = 0; y < 7; ++y)
      for (std::int64_t x = 0; x < 9; ++x) {
        const double mm_x = -20 + 2.0 * static_cast<double>(x), mm_y = 30 + 1.5 * static_cast<double>(y);
        const bool truth = z == 1 && in_polygon(contours[0], mm_x, mm_y) != in_polygon(contours[1], mm_x, mm_y);
        EXPECT_EQ(read.mask->inside[static_cast<std::size_t>((z * 7 + y) * 9 + x)], truth ? 1 : 0) << x << " " << y << " " << z;
      }
  const ReadMask all = read_mask(image(), path);
  ASSERT_TRUE(all.mask);
  EXPECT_GT(all.mask->voxels, read.mask->voxels);
  EXPECT_EQ(all.mask->notes.front(), "2 structures taken together");
}

TEST_F(DicomMasks, AContourWithoutAPlaceIsLeftOut) {
  const std::vector<Contour> contours{{"GTV", {{-19, 30}, {-9, 31}, {-12, 38}}, 104},
                                      {"GTV", {{-19, 30}, {NAN, 31}, {-12, 38}}, 104},
                                      {"GTV", {{-19, 30}, {INFINITY, INFINITY}, {-12, 38}}, 104}};
  const ReadMask read = read_mask(image(), structures(contours)), drawn = read_mask(image(), structures({contours[0]}));
  ASSERT_TRUE(read.mask && drawn.mask);
  EXPECT_EQ(read.mask->inside, drawn.mask->inside);
}

TEST_F(DicomMasks, WhatIsNoMaskOrCannotLieOnTheImageIsRefused) {
  MadeSlice slice;
  slice.instance = "1.2.3.1.1";
  slice.stored.assign(48, 0);
  ASSERT_TRUE(write_slice(folder_ / "image.dcm", slice));
  EXPECT_EQ(read_mask(image(), folder_ / "image.dcm").reason, Reason::unsupported);
  Image turned = image();
  turned.affine = {0, 0, 4, -20, 0, 1.5, 0, 30, -2, 0, 0, 100};
  EXPECT_EQ(read_mask(turned, segmentation({{1, 1, random_bits(5)}})).reason, Reason::odd_shape);
  EXPECT_EQ(read_mask(turned, structures({{"GTV", {{-20, 30}, {-10, 30}, {-10, 36}}, 100}})).reason, Reason::odd_shape);
  std::ofstream(folder_ / "seg.dcm", std::ios::binary | std::ios::trunc) << std::string(128, '\0') << "DICM";
  EXPECT_FALSE(read_mask(image(), folder_ / "seg.dcm").mask);
}

}  // namespace
}  // namespace hepar::imaging
