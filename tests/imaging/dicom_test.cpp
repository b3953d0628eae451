// SPDX-License-Identifier: Apache-2.0
// DICOM as hospitals send it, from files that the test writes: every syntax gives the same values, every order of files the
// same volume, every irregularity its code, and nothing that identifies comes out.
#include "data/base/random.hpp"
#include "data/imaging/image.hpp"
#include "data/imaging/volume.hpp"
#include "tests/imaging/made_dicom.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>

namespace hepar::imaging {
namespace {

Feature read_volume(const PatientRecord& patient, const ModalitySpec& modality) {
  Facts facts;
  Pictures pictures;
  return imaging::read_volume(patient, modality, facts, pictures);
}

namespace fs = std::filesystem;

class Dicom : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("hepar_dicom_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Slices of noise, 2.5 mm apart along z, the k-th changed by `each`.
  static std::vector<MadeSlice> series(
      std::size_t count, const std::function<void(MadeSlice&, std::size_t)>& each = [](MadeSlice&, std::size_t) {}) {
    Stream random({11, count});
    std::vector<MadeSlice> slices(count);
    for (std::size_t k = 0; k < count; ++k) {
      slices[k].position = {-10, 5, 100 + 2.5 * static_cast<double>(k)};
      each(slices[k], k);
      if (slices[k].instance.empty()) slices[k].instance = slices[k].series + "." + std::to_string(k + 1);
      slices[k].stored.resize(static_cast<std::size_t>(slices[k].rows * slices[k].columns));
      // DCMTK's JPEG-LS encoder overruns its buffer when a picture does not shrink: a ramp instead of noise for it.
      std::size_t i = 0;
      for (std::uint16_t& value : slices[k].stored)
        value = slices[k].syntax == EXS_JPEGLSLossless
                    ? static_cast<std::uint16_t>(37 * k + 5 * i++)
                    : static_cast<std::uint16_t>(static_cast<std::uint64_t>(random.uniform() * 65536) & ((1u << slices[k].bits_stored) - 1));
    }
    return slices;
  }
  fs::path write(const std::string& name, const std::vector<MadeSlice>& slices) const {
    const fs::path folder = folder_ / name;
    fs::create_directories(folder);
    for (std::size_t k = 0; k < slices.size(); ++k) EXPECT_TRUE(write_slice(folder / ("IM" + std::to_string(k)), slices[k])) << name;
    return folder;
  }
  // The value by its definition: bits, sign, slope, intercept.
  static float twin(const MadeSlice& slice, std::size_t i) {
    long value = slice.stored[i] & ((1u << slice.bits_stored) - 1);
    if (slice.is_signed && (value >> (slice.bits_stored - 1)) != 0) value -= 1l << slice.bits_stored;
    return static_cast<float>(static_cast<double>(value) * slice.slope + slice.intercept);
  }
  static std::set<std::string> codes(const Scan& scan) {
    std::set<std::string> found;
    for (const Note& note : scan.notes) found.insert(note.code);
    for (const Series& series : scan.series)
      for (const Note& note : series.notes) found.insert(note.code);
    return found;
  }
  std::set<std::string> codes_of(const std::string& name, const std::vector<MadeSlice>& slices) const { return codes(scan_images(write(name, slices))); }

  Codecs codecs_;
  fs::path folder_;
};

using Codes = std::set<std::string>;

TEST_F(Dicom, EverySyntaxThatDcmtkWritesGivesTheSameValues) {
  for (const bool is_signed : {true, false})
    for (const E_TransferSyntax syntax : {EXS_LittleEndianImplicit, EXS_LittleEndianExplicit, EXS_BigEndianExplicit, EXS_DeflatedLittleEndianExplicit,
                                          EXS_RLELossless, EXS_JPEGProcess14, EXS_JPEGProcess14SV1, EXS_JPEGLSLossless}) {
      const std::string name = std::string(DcmXfer(syntax).getXferID()) + (is_signed ? "s" : "u");
      const std::vector<MadeSlice> slices = series(4, [&](MadeSlice& s, std::size_t k) {
        s.syntax = syntax;
        s.is_signed = is_signed;
        s.rows = s.columns = 24;
        s.bits_stored = is_signed && syntax != EXS_JPEGLSLossless ? 16 : 12;
        if (is_signed && syntax == EXS_JPEGLSLossless) s.is_signed = false;
        s.slope = 1 + 0.25 * static_cast<double>(k);  // a slice's own
        s.intercept = -1000 - static_cast<double>(k);
      });
      const ReadImage read = read_image(write(name, slices));
      ASSERT_TRUE(read.image) << name << ": " << read.detail;
      const std::size_t n = slices[0].stored.size();
      for (std::size_t k = 0; k < slices.size(); ++k)
        for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(read.image->values[k * n + i], twin(slices[k], i)) << name << " slice " << k << " pixel " << i;
    }
}

TEST_F(Dicom, BitsAboveTheStoredOnesAreIgnoredAndPaddingIsAir) {
  std::vector<MadeSlice> slices = series(
      3, [](MadeSlice& s, std::size_t) { s.change = [](DcmDataset& data) { data.putAndInsertUint16(DCM_PixelPaddingValue, static_cast<Uint16>(-2000)); }; });
  for (MadeSlice& slice : slices) {
    slice.stored[0] = static_cast<std::uint16_t>(0xf000 | 0x123);  // an old overlay in the upper bits
    slice.stored[1] = static_cast<std::uint16_t>(-2000 & 0x0fff);
  }
  const fs::path path = write("padded", slices);
  const ReadImage read = read_image(path);
  ASSERT_TRUE(read.image) << read.detail;
  EXPECT_EQ(read.image->values[0], 0x123 - 1024);
  EXPECT_EQ(read.image->values[1], -1024) << "padding is no tissue of -3024 HU";
  double low = 1e9, high = -1e9, sum = 0;
  for (const MadeSlice& slice : slices)
    for (std::size_t i = 0; i < slice.stored.size(); ++i) {
      const double value = twin(slice, i);
      low = std::min(low, value);
      high = std::max(high, value);
      sum += value;
    }
  const Measured measured = measure_series(scan_images(path), 0);
  ASSERT_TRUE(measured.values);
  EXPECT_DOUBLE_EQ((*measured.values)[0], low);
  EXPECT_DOUBLE_EQ((*measured.values)[1], high);
  EXPECT_NEAR((*measured.values)[2], sum / (3.0 * static_cast<double>(slices[0].stored.size())), 1e-9);
}

TEST_F(Dicom, EveryVoxelLiesWhereItsSliceSays) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Stream random({seed, 5});
    // A random rotation from two random vectors; the slices step along its normal.
    std::array<double, 3> x{random.normal(), random.normal(), random.normal()}, y{random.normal(), random.normal(), random.normal()};
    const auto scale = [](std::array<double, 3>& v) {
      const double size = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
      for (double& part : v) part /= size;
    };
    scale(x);
    const double along = x[0] * y[0] + x[1] * y[1] + x[2] * y[2];
    for (std::size_t a = 0; a < 3; ++a) y[a] -= along * x[a];
    scale(y);
    const std::array<double, 3> n{x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]};
    const std::vector<MadeSlice> slices = series(5, [&](MadeSlice& s, std::size_t k) {
      s.orientation = {x[0], x[1], x[2], y[0], y[1], y[2]};
      for (std::size_t a = 0; a < 3; ++a) s.position[a] = 30 - 3.25 * static_cast<double>(k) * n[a];  // against the normal: order must not matter
    });
    const ReadImage read = read_image(write("oblique" + std::to_string(seed), slices));
    ASSERT_TRUE(read.image) << read.detail;
    EXPECT_NEAR(read.image->spacing_mm[2], 3.25, 1e-6);
    const auto& m = read.image->affine;
    for (std::size_t k = 0; k < slices.size(); ++k) {
      const MadeSlice& slice = slices[slices.size() - 1 - k];
      for (int j = 0; j < slice.rows; ++j)
        for (int i = 0; i < slice.columns; ++i) {
          for (std::size_t a = 0; a < 3; ++a) {
            const double truth = slice.position[a] + i * slice.spacing[1] * slice.orientation[a] + j * slice.spacing[0] * slice.orientation[3 + a];
            ASSERT_NEAR(m[4 * a] * i + m[4 * a + 1] * j + m[4 * a + 2] * static_cast<double>(k) + m[4 * a + 3], truth, 1e-5);
          }
          const auto at = static_cast<std::size_t>(j * slice.columns + i);
          ASSERT_EQ(read.image->values[k * slice.stored.size() + at], twin(slice, at));
        }
    }
  }
}

TEST_F(Dicom, NoFileNameDecidesAnything) {
  std::vector<MadeSlice> slices = series(7);
  const ReadImage first = read_image(write("ordered", slices));
  ASSERT_TRUE(first.image);
  for (int round = 0; round < 5; ++round) {
    Stream random({static_cast<std::uint64_t>(round), 3});
    for (std::size_t i = slices.size() - 1; i > 0; --i) std::swap(slices[i], slices[static_cast<std::size_t>(random.uniform() * static_cast<double>(i + 1))]);
    const ReadImage again = read_image(write("shuffled" + std::to_string(round), slices));
    ASSERT_TRUE(again.image);
    EXPECT_EQ(again.image->values, first.image->values);
    EXPECT_EQ(again.image->affine, first.image->affine);
  }
}

TEST_F(Dicom, EveryIrregularityHasItsCode) {
  EXPECT_EQ(codes_of("regular", series(5)), Codes{});
  EXPECT_EQ(codes_of("two", series(2)), Codes{"too_few"});
  const auto missing = [](MadeSlice& s, std::size_t k) { s.position[2] = 2.5 * static_cast<double>(k < 3 ? k : k + 2); };
  EXPECT_EQ(codes_of("missing", series(6, missing)), Codes{"missing_slice"});
  EXPECT_EQ(codes_of("uneven", series(6, [](MadeSlice& s, std::size_t k) { s.position[2] = 2.5 * static_cast<double>(k) + (k > 2 ? 0.9 : 0); })),
            Codes{"uneven_spacing"});
  EXPECT_EQ(codes_of("noise", series(6, [](MadeSlice& s, std::size_t k) { s.position[2] += k % 2 == 0 ? 1e-4 : 0; })), Codes{});
  EXPECT_EQ(codes_of("bent", series(6, [](MadeSlice& s, std::size_t k) { s.position[1] += k == 3 ? 4 : 0; })), Codes{"uneven_spacing"});
  EXPECT_EQ(codes_of("tilted", series(6, [](MadeSlice& s, std::size_t k) { s.position[1] += 0.9 * static_cast<double>(k); })), Codes{"sheared"});
  EXPECT_EQ(codes_of("no_scale", series(4, [](MadeSlice& s, std::size_t) { s.change = [](DcmDataset& d) { d.findAndDeleteElement(DCM_PixelSpacing); }; })),
            Codes{"no_scale"});
  EXPECT_EQ(codes_of("odd_scale", series(4, [](MadeSlice& s, std::size_t) { s.spacing = {352, 352}; })), Codes{"odd_scale"});
  const auto turned = [](MadeSlice& s, std::size_t k) {
    if (k >= 4) s.orientation = {0, 1, 0, 0, 0, -1};
    if (k >= 4) s.position = {3.0 * static_cast<double>(k), 0, 0};
  };
  const Scan two_planes = scan_images(write("turned", series(8, turned)));
  EXPECT_EQ(codes(two_planes), Codes{"mixed_orientation"});
  ASSERT_EQ(two_planes.series.size(), 2u);
  for (const Series& one : two_planes.series) EXPECT_EQ(one.reason, Reason::present) << "each orientation is a volume of its own";
  std::vector<MadeSlice> copies = series(4);
  copies.push_back(copies[1]);
  const Scan copied = scan_images(write("copies", copies));
  EXPECT_EQ(codes(copied), Codes{"duplicate"});
  EXPECT_EQ(copied.series.at(0).frames, 4);
  for (const char* refused : {"two", "missing", "uneven", "bent", "no_scale", "odd_scale"}) EXPECT_FALSE(read_image(folder_ / refused).image) << refused;
  EXPECT_TRUE(read_image(folder_ / "tilted").image);
}

TEST_F(Dicom, AShearedSeriesIsCorrectedByItsAffine) {
  // A ramp along y in millimetres: correct only if every slice is put where its position says.
  std::vector<MadeSlice> slices = series(9, [](MadeSlice& s, std::size_t k) {
    s.rows = 40;
    s.bits_stored = 16;
    s.intercept = 0;
    s.position = {0, 1.4 * static_cast<double>(k), 2.5 * static_cast<double>(k)};
  });
  for (MadeSlice& slice : slices)
    for (int j = 0; j < slice.rows; ++j)
      for (int i = 0; i < slice.columns; ++i)
        slice.stored[static_cast<std::size_t>(j * slice.columns + i)] = static_cast<std::uint16_t>(std::lround(100 * (slice.position[1] + 0.8 * j)));
  const ReadImage read = read_image(write("sheared", slices));
  ASSERT_TRUE(read.image) << read.detail;
  const std::vector<float> grid = resample(*read.image, {3, 3, 3}, {0.7, 0.8, 2.5});
  const std::array<double, 3> centre = centre_of(*read.image);
  for (int z = 0; z < 3; ++z)
    for (int y = 0; y < 3; ++y) EXPECT_NEAR(grid[static_cast<std::size_t>((z * 3 + y) * 3 + 1)], 100 * (centre[1] + 0.8 * (y - 1)), 1.0) << y << " " << z;
}

TEST_F(Dicom, PhasesInOneSeriesAreSplitWhereTimeTellsThemApart) {
  const auto phases = [](MadeSlice& s, std::size_t k) {
    s.position[2] = 2.5 * static_cast<double>(k % 4);
    s.acquisition_time = k < 4 ? "10153" + std::to_string(k) : "10170" + std::to_string(k - 4);
    s.change = [](DcmDataset& d) { d.putAndInsertString(DCM_ContrastBolusAgent, "agent"); };
  };
  const Scan scan = scan_images(write("two_phases", series(8, phases)));
  EXPECT_EQ(codes(scan), Codes{"several_phases"});
  ASSERT_EQ(scan.series.size(), 2u);
  EXPECT_EQ(scan.series[0].phase, "arterial");
  EXPECT_EQ(scan.series[1].phase, "portal");
  EXPECT_EQ(scan.series[0].phase_rule, "order: 1 of 2 contrast scans");
  const Scan lost = scan_images(write("lost", series(8, [](MadeSlice& s, std::size_t k) { s.position[2] = 2.5 * static_cast<double>(k % 4); })));
  ASSERT_EQ(lost.series.size(), 1u);
  EXPECT_NE(lost.series[0].reason, Reason::present) << "nothing tells the volumes apart";
  EXPECT_EQ(codes(lost), Codes{"several_phases"});
}

TEST_F(Dicom, AHospitalFolderGivesItsSeriesAndCountsTheRest) {
  const fs::path root = folder_ / "export";
  fs::create_directories(root / "A" / "B");
  const std::vector<MadeSlice> slices = series(5);
  for (std::size_t k = 0; k < slices.size(); ++k)
    ASSERT_TRUE(write_slice((k % 2 == 0 ? root / "A" : root / "A" / "B") / ("00000" + std::to_string(k)), slices[k]));
  std::ofstream(root / "README.txt") << "burned on Monday";
  std::ofstream(root / "thumb.jpg", std::ios::binary) << "\xff\xd8\xff\xe0 no picture";
  std::vector<MadeSlice> other = series(1, [](MadeSlice& s, std::size_t) { s.series = "1.2.3.7"; });
  ASSERT_TRUE(write_slice(folder_ / "whole", other[0]));
  fs::copy(folder_ / "whole", root / "cut");
  fs::resize_file(root / "cut", fs::file_size(folder_ / "whole") - 40);
  const Scan scan = scan_images(root);
  ASSERT_EQ(scan.series.size(), 1u);
  EXPECT_EQ(scan.series[0].frames, 5);
  ASSERT_EQ(scan.notes.size(), 2u);
  EXPECT_EQ(scan.notes[0].text, "2 files without DICOM");
  EXPECT_EQ(scan.notes[1].text, "1 file: the file is cut short or damaged");
  EXPECT_TRUE(read_image(root).image);
  EXPECT_EQ(scan_images(root / "cut").reason, Reason::unreadable);
}

TEST_F(Dicom, EveryCutFileIsRefusedAndNoneStopsTheProgram) {
  for (const E_TransferSyntax syntax : {EXS_LittleEndianImplicit, EXS_LittleEndianExplicit, EXS_RLELossless, EXS_JPEGProcess14SV1, EXS_JPEGLSLossless}) {
    const std::vector<MadeSlice> slices = series(1, [&](MadeSlice& s, std::size_t) {
      s.syntax = syntax;
      s.is_signed = false;
      s.rows = s.columns = 24;
    });
    const fs::path whole = folder_ / "whole.dcm", cut = folder_ / "cut.dcm";
    ASSERT_TRUE(write_slice(whole, slices[0]));
    const std::uintmax_t size = fs::file_size(whole);
    for (std::uintmax_t keep = 0; keep < size; keep += 1 + size / 50) {
      fs::copy_file(whole, cut, fs::copy_options::overwrite_existing);
      fs::resize_file(cut, keep);
      EXPECT_FALSE(read_image(cut).image) << keep << " of " << size;
    }
  }
}

// Where the segments of an RLE frame begin is no more than what its file says.
TEST_F(Dicom, RleSegmentsOutsideTheirFrameAreRefused) {
  const std::vector<MadeSlice> slices = series(1, [](MadeSlice& s, std::size_t) { s.syntax = EXS_RLELossless; });
  const fs::path whole = write("whole", slices) / "IM0";
  EXPECT_EQ(measure_series(scan_images(whole), 0).frames_failed, 0);
  std::ifstream in(whole, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const std::size_t head = bytes.find(std::string("\x02\0\0\0\x40\0\0\0", 8));
  ASSERT_NE(head, std::string::npos);
  for (const std::uint32_t begin : {0u, 63u, 1000u, 0x40000000u, 0xfffffff0u})
    for (const std::size_t segment : {std::size_t{1}, std::size_t{2}}) {
      std::string moved = bytes;
      std::memcpy(moved.data() + head + 4 * segment, &begin, 4);
      std::ofstream(folder_ / "moved", std::ios::binary) << moved;
      EXPECT_EQ(measure_series(scan_images(folder_ / "moved"), 0).frames_failed, 1) << begin << " of " << segment;
    }
}

// A few hundred bytes that state gigabytes: refused for their length, before memory is asked for.
TEST_F(Dicom, HeadersThatStateMoreThanTheirFilesHoldAreRefused) {
  const std::vector<MadeSlice> vast = series(3, [](MadeSlice& s, std::size_t) {
    s.change = [](DcmDataset& data) {
      for (const DcmTagKey& tag : {DCM_Rows, DCM_Columns}) data.putAndInsertUint16(tag, 12000);
    };
  });
  const ReadImage read = read_image(write("vast", vast));
  EXPECT_EQ(read.reason, Reason::unreadable);
  EXPECT_NE(read.detail.find("too short for the pixels"), std::string::npos) << read.detail;
  EXPECT_EQ(measure_series(scan_images(folder_ / "vast"), 0).frames_failed, 3);
  const std::vector<MadeSlice> deep = series(3, [](MadeSlice& s, std::size_t) { s.change = [](DcmDataset& data) { data.putAndInsertUint16(DCM_SamplesPerPixel, 60000); }; });
  const Scan scan = scan_images(write("deep", deep));
  EXPECT_TRUE(scan.series.empty());
  EXPECT_NE(scan.detail.find("samples a pixel"), std::string::npos) << scan.detail;
  const std::vector<MadeSlice> steep = series(3, [](MadeSlice& s, std::size_t) { s.slope = 1e300; });
  EXPECT_EQ(read_image(write("steep", steep)).reason, Reason::not_finite);
}

PatientRecord patient_with(const std::vector<ImagingRow>& rows) {
  PatientRecord patient;
  patient.imaging = rows;
  return patient;
}

ImagingRow row_of(const fs::path& path, const std::string& timing = "pre_op", const std::string& phase = {}) {
  ImagingRow row;
  row.path = path;
  row.timing = timing;
  row.phase = phase;
  return row;
}

ModalitySpec phases_spec(std::vector<std::string> phases) {
  ModalitySpec ct;
  ct.name = "ct";
  ct.kind = Kind::volume;
  ct.source = "imaging";
  ct.phases = std::move(phases);
  ct.grid = {4, 3, 2};
  ct.spacing_mm = {1, 1, 1};
  return ct;
}

TEST_F(Dicom, TheSeriesOfAPhaseIsFoundInAStudyAndTheOthersAreOnRecord) {
  const fs::path root = folder_ / "study";
  fs::create_directories(root);
  const auto add = [&](const std::string& uid, const std::string& description, std::size_t count, std::uint16_t value) {
    std::vector<MadeSlice> slices = series(count, [&](MadeSlice& s, std::size_t) {
      s.series = uid;
      s.description = description;
    });
    for (std::size_t k = 0; k < slices.size(); ++k) {
      std::fill(slices[k].stored.begin(), slices[k].stored.end(), value);
      ASSERT_TRUE(write_slice(root / (uid + "_" + std::to_string(k)), slices[k]));
    }
  };
  add("1.2.3.1", "腹部 平扫 5mm", 4, 1034);
  add("1.2.3.2", "Liver late arterial 2.5", 4, 1124);
  add("1.2.3.3", "门静脉期", 4, 1194);
  add("1.2.3.4", "门静脉期 薄层", 8, 1204);
  const Feature feature = read_volume(patient_with({row_of(root)}), phases_spec({"arterial", "portal"}));
  ASSERT_TRUE(feature.present()) << feature.detail;
  EXPECT_EQ(feature.phase_present, (std::vector<std::uint8_t>{1, 1}));
  std::uint16_t bits = 0;
  std::memcpy(&bits, feature.values.data(), 2);
  EXPECT_EQ(from_half(bits), 100);
  std::memcpy(&bits, feature.values.data() + 2 * 24, 2);
  EXPECT_EQ(from_half(bits), 180) << "the portal series of the longer stretch";
  EXPECT_NE(feature.detail.find("preferred to 1 other"), std::string::npos) << feature.detail;
  EXPECT_EQ(read_volume(patient_with({row_of(root)}), phases_spec({"delayed"})).reason, Reason::missing_phase);
}

TEST_F(Dicom, AStudyAfterSurgeryIsNeverPreoperative) {
  const fs::path later = write("later", series(4, [](MadeSlice& s, std::size_t) { s.description = "portal"; }));
  PatientRecord patient = patient_with({row_of(later)});
  patient.surgery_date = 19786;  // 2024-03-04; the study is of 2024-03-10
  const Feature left_out = read_volume(patient, phases_spec({"portal"}));
  EXPECT_FALSE(left_out.present());
  EXPECT_NE(left_out.detail.find("other side of surgery"), std::string::npos) << left_out.detail;
  patient.surgery_date = 19800;
  EXPECT_TRUE(read_volume(patient, phases_spec({"portal"})).present());
  patient.imaging[0].timing = "post_op";
  ModalitySpec after = phases_spec({"portal"});
  after.timing = "post_op";
  EXPECT_FALSE(read_volume(patient, after).present());
}

TEST_F(Dicom, NothingThatIdentifiesComesOut) {
  std::vector<MadeSlice> slices = series(6, [](MadeSlice& s, std::size_t k) {
    s.description = std::string(kSalt) + " arterial 19610203";
    s.position[2] = 2.5 * static_cast<double>(k < 3 ? k : k + 1);
  });
  const Scan scan = scan_images(write(kSalt, slices));
  std::string said = scan.detail;
  for (const Note& note : scan.notes) said += note.code + note.text;
  for (const Series& one : scan.series) {
    said += one.modality + one.phase + one.phase_rule + one.detail;
    for (const Note& note : one.notes) said += note.code + note.text;
  }
  const Feature feature = read_volume(patient_with({row_of(folder_ / kSalt)}), phases_spec({"arterial"}));
  said += feature.detail;
  EXPECT_FALSE(said.empty());
  for (const char* secret : {kSalt, "19610203", "20240310", "1.2.3", "101500"}) EXPECT_EQ(said.find(secret), std::string::npos) << said;
}

}  // namespace
}  // namespace hepar::imaging
