// SPDX-License-Identifier: Apache-2.0
// NIfTI files of every habit, read and resampled; held to a brute-force twin that knows nothing of the code.
#include "data/base/random.hpp"
#include "data/imaging/image.hpp"
#include "data/imaging/volume.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

namespace hepar::imaging {
namespace {

Feature read_volume(const PatientRecord& patient, const ModalitySpec& modality) {
  Facts facts;
  Pictures pictures;
  return imaging::read_volume(patient, modality, facts, pictures);
}

namespace fs = std::filesystem;

// A NIfTI-1 header written byte by byte (offsets of the standard), so that the reader's library is not its own judge.
struct Nifti {
  std::array<std::int16_t, 3> size{5, 4, 3};
  std::array<float, 3> spacing{1, 1, 1};
  std::int16_t type = 16, bits = 32, sform = 1;
  float slope = 1, intercept = 0;
  std::array<float, 12> ras{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
  std::int16_t frames = 1;

  template <class T>
  std::string bytes(const std::vector<T>& values) const {
    std::string out(352, '\0');
    const auto put = [&](std::size_t at, const auto& value) { std::memcpy(out.data() + at, &value, sizeof(value)); };
    put(0, std::int32_t{348});
    const std::array<std::int16_t, 8> dim{static_cast<std::int16_t>(frames > 1 ? 4 : 3), size[0], size[1], size[2], frames, 1, 1, 1};
    put(40, dim);
    put(70, type);
    put(72, bits);
    const std::array<float, 8> pixdim{1, spacing[0], spacing[1], spacing[2], 0, 0, 0, 0};
    put(76, pixdim);
    put(108, 352.0f);
    put(112, slope);
    put(116, intercept);
    out[123] = 2;
    put(254, sform);
    put(280, ras);
    std::memcpy(out.data() + 344, "n+1", 4);
    out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    return out;
  }
};

class Volumes : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("hepar_volumes_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  static std::string zipped(const fs::path& path, const std::string& bytes) {
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  fs::path folder_;
};

std::vector<float> noise(std::size_t n) {
  Stream s({7, n});
  std::vector<float> values(n);
  for (float& v : values) v = static_cast<float>(100 * s.normal());
  return values;
}

ModalitySpec two_phases() {
  ModalitySpec ct;
  ct.name = "ct";
  ct.kind = Kind::volume;
  ct.source = "imaging";
  ct.phases = {"arterial", "portal"};
  ct.grid = {4, 3, 2};
  ct.spacing_mm = {1, 1, 1};
  return ct;
}

PatientRecord with_images(const std::vector<std::pair<fs::path, std::string>>& images) {
  PatientRecord patient;
  for (const auto& [path, phase] : images) {
    ImagingRow row;
    row.path = path;
    row.timing = "pre_op";
    row.phase = phase;
    patient.imaging.push_back(row);
  }
  return patient;
}

float half_at(const Feature& feature, std::size_t index) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, feature.values.data() + 2 * index, 2);
  return from_half(bits);
}

TEST_F(Volumes, ValuesAreRescaledAndTheAffineIsInLps) {
  Nifti nifti;
  nifti.type = 4;
  nifti.bits = 16;
  nifti.slope = 2;
  nifti.intercept = -1000;
  nifti.ras = {0, -2, 0, 10, 1, 0, 0, 20, 0, 0, 3, 30};
  std::vector<std::int16_t> stored(60);
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<std::int16_t>(i);
  const ReadImage read = read_image(write("a.nii", nifti.bytes(stored)));
  ASSERT_TRUE(read.image) << read.detail;
  EXPECT_EQ(read.image->size, (std::array<std::int64_t, 3>{5, 4, 3}));
  EXPECT_EQ(read.image->values[7], -986);
  EXPECT_EQ(read.image->low, -1000);
  EXPECT_EQ(read.image->high, -882);
  EXPECT_DOUBLE_EQ(read.image->mean, -941);
  EXPECT_EQ(read.image->affine, (std::array<double, 12>{0, 2, 0, -10, -1, 0, 0, -20, 0, 0, 3, 30}));
  EXPECT_EQ(read.image->spacing_mm, (std::array<double, 3>{1, 2, 3}));
}

TEST_F(Volumes, OtherByteOrderAndGzipGiveTheSameValues) {
  Nifti nifti;
  nifti.type = 4;
  nifti.bits = 16;
  std::vector<std::int16_t> stored(60);
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<std::int16_t>(300 - 7 * static_cast<int>(i));
  const std::string plain = nifti.bytes(stored);
  std::string swapped = plain;
  const auto swap = [&](std::size_t at, std::size_t width, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) std::reverse(swapped.begin() + static_cast<long>(at + i * width), swapped.begin() + static_cast<long>(at + (i + 1) * width));
  };
  swap(0, 4, 1);
  swap(40, 2, 8);
  swap(70, 2, 2);
  swap(76, 4, 11);
  swap(252, 2, 2);
  swap(256, 4, 18);
  swap(352, 2, 60);
  const ReadImage a = read_image(write("a.nii", plain)), b = read_image(write("b.nii", swapped));
  zipped(folder_ / "c.nii.gz", plain);
  const ReadImage c = read_image(folder_ / "c.nii.gz");
  ASSERT_TRUE(a.image && b.image && c.image) << a.detail << b.detail << c.detail;
  EXPECT_EQ(a.image->values, b.image->values);
  EXPECT_EQ(a.image->affine, b.image->affine);
  EXPECT_EQ(a.image->values, c.image->values);
}

// The truth of resampling: for every grid voxel a mean of point samples; the point sample by its definition.
float twin_sample(const Image& image, const std::array<double, 3>& v) {
  double sum = 0, weights = 0;
  std::array<double, 3> inside{};
  for (std::size_t a = 0; a < 3; ++a) {
    if (v[a] < -0.5 || v[a] > static_cast<double>(image.size[a]) - 0.5) return -1024;
    inside[a] = std::clamp(v[a], 0.0, static_cast<double>(image.size[a] - 1));
  }
  for (std::int64_t z = 0; z < image.size[2]; ++z)
    for (std::int64_t y = 0; y < image.size[1]; ++y)
      for (std::int64_t x = 0; x < image.size[0]; ++x) {
        const double w = std::max(0.0, 1 - std::abs(inside[0] - static_cast<double>(x))) * std::max(0.0, 1 - std::abs(inside[1] - static_cast<double>(y))) * std::max(0.0, 1 - std::abs(inside[2] - static_cast<double>(z)));
        sum += w * static_cast<double>(image.values[static_cast<std::size_t>((z * image.size[1] + y) * image.size[0] + x)]);
        weights += w;
      }
  EXPECT_NEAR(weights, 1, 1e-9);
  return static_cast<float>(sum);
}

TEST_F(Volumes, ObliqueImagesAreResampledAsTheBruteForceTwinSays) {
  // Rotated about z by 30 degrees and about x by 20, voxels of 1.5 x 0.8 x 2.
  const double a = 0.5235987755982988, b = 0.3490658503988659;
  const std::array<std::array<double, 3>, 3> rotation{{{std::cos(a), -std::sin(a), 0}, {std::cos(b) * std::sin(a), std::cos(b) * std::cos(a), -std::sin(b)}, {std::sin(b) * std::sin(a), std::sin(b) * std::cos(a), std::cos(b)}}};
  const std::array<double, 3> spacing{1.5, 0.8, 2};
  Nifti nifti;
  nifti.size = {9, 11, 7};
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t c = 0; c < 3; ++c) nifti.ras[4 * r + c] = static_cast<float>(rotation[r][c] * spacing[c]);
  const ReadImage read = read_image(write("oblique.nii", nifti.bytes(noise(9 * 11 * 7))));
  ASSERT_TRUE(read.image) << read.detail;
  const Image& image = *read.image;
  const std::vector<float> got = resample(image, {5, 4, 3}, {1, 1, 1});
  // LPS of a RAS rotation: the inverse of the 3x3 part is its transpose over the spacing, with L and P negated.
  std::size_t at = 0;
  for (int z = 0; z < 3; ++z)
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 5; ++x, ++at) {
        // Finest voxel 0.8 mm along a rotated axis: two samples along LPS axes whose step exceeds one voxel.
        std::array<int, 3> samples{};
        for (std::size_t axis = 0; axis < 3; ++axis) {
          double step = 0;
          for (std::size_t c = 0; c < 3; ++c) step = std::max(step, std::abs(rotation[axis][c] / spacing[c]));
          samples[axis] = static_cast<int>(std::ceil(step - 1e-6));
        }
        double sum = 0;
        for (int k = 0; k < samples[2]; ++k)
          for (int j = 0; j < samples[1]; ++j)
            for (int i = 0; i < samples[0]; ++i) {
              const std::array<double, 3> lps{x - 2.0 + (i + 0.5) / samples[0] - 0.5, y - 1.5 + (j + 0.5) / samples[1] - 0.5, z - 1.0 + (k + 0.5) / samples[2] - 0.5};
              const std::array<double, 3> ras{-lps[0], -lps[1], lps[2]};
              std::array<double, 3> voxel{4, 5, 3};
              for (std::size_t c = 0; c < 3; ++c)
                for (std::size_t r = 0; r < 3; ++r) voxel[c] += rotation[r][c] * ras[r] / spacing[c];
              sum += static_cast<double>(twin_sample(image, voxel));
            }
        EXPECT_NEAR(got[at], sum / (samples[0] * samples[1] * samples[2]), 2e-3) << x << " " << y << " " << z;
      }
}

TEST_F(Volumes, AConstantStaysConstantAndARampStaysLinear) {
  Nifti nifti;
  nifti.size = {40, 40, 40};
  nifti.ras = {-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0};  // LPS with 1 mm
  std::vector<float> flat(64000, 42), ramp(64000);
  for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<float>(i % 40);
  const ReadImage a = read_image(write("flat.nii", nifti.bytes(flat))), b = read_image(write("ramp.nii", nifti.bytes(ramp)));
  ASSERT_TRUE(a.image && b.image);
  for (const float v : resample(*a.image, {6, 6, 6}, {5, 5, 5})) EXPECT_FLOAT_EQ(v, 42);
  const std::vector<float> out = resample(*b.image, {6, 6, 6}, {5, 5, 5});
  for (std::size_t x = 0; x < 6; ++x) EXPECT_NEAR(out[x], 19.5 + 5 * (static_cast<double>(x) - 2.5), 1e-3);
}

TEST_F(Volumes, AFinePatternIsAveragedAndDoesNotAlias) {
  Nifti nifti;
  nifti.size = {64, 8, 8};
  std::vector<float> stripes(64 * 64);
  for (std::size_t i = 0; i < stripes.size(); ++i) stripes[i] = i % 2 == 0 ? 1000.0f : -1000.0f;
  const ReadImage read = read_image(write("stripes.nii", nifti.bytes(stripes)));
  ASSERT_TRUE(read.image);
  for (const float v : resample(*read.image, {12, 2, 2}, {4, 2, 2})) EXPECT_NEAR(v, 0, 1e-3);
}

TEST_F(Volumes, OutsideTheImageIsAir) {
  const ReadImage read = read_image(write("small.nii", Nifti().bytes(noise(60))));
  ASSERT_TRUE(read.image);
  const std::vector<float> out = resample(*read.image, {20, 20, 20}, {1, 1, 1});
  EXPECT_EQ(out.front(), -1024);
  EXPECT_EQ(out.back(), -1024);
}

TEST_F(Volumes, ABrokenFileIsNeverHalfAVolume) {
  const std::string whole = Nifti().bytes(noise(60));
  const std::string packed = zipped(folder_ / "whole.nii.gz", whole);
  ASSERT_TRUE(read_image(folder_ / "whole.nii.gz").image);
  for (const std::size_t keep : {std::size_t{0}, std::size_t{100}, std::size_t{348}, std::size_t{352}, whole.size() / 2, whole.size() - 1}) {
    const ReadImage read = read_image(write("cut.nii", whole.substr(0, keep)));
    EXPECT_FALSE(read.image) << keep;
    EXPECT_EQ(read.reason, Reason::unreadable) << keep;
  }
  for (std::size_t keep = 0; keep < packed.size(); keep += 1 + packed.size() / 40) {
    const ReadImage read = read_image(write("cut.nii.gz", packed.substr(0, keep)));
    EXPECT_FALSE(read.image) << keep << " of " << packed.size() << " bytes";
    EXPECT_EQ(read.reason, Reason::unreadable);
  }
  std::string flipped = packed;
  flipped[flipped.size() - 6] = static_cast<char>(flipped[flipped.size() - 6] ^ 1);  // the checksum
  EXPECT_FALSE(read_image(write("flipped.nii.gz", flipped)).image);
  std::string huge = whole;
  for (const std::size_t at : {42u, 44u, 46u}) {
    const std::int16_t big = 30000;
    std::memcpy(huge.data() + at, &big, 2);
  }
  EXPECT_FALSE(read_image(write("huge.nii", huge)).image) << "a header that lies must not be believed";
}

TEST_F(Volumes, EveryRefusalHasItsReason) {
  std::vector<float> with_nan = noise(60);
  with_nan[31] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(read_image(write("nan.nii", Nifti().bytes(with_nan))).reason, Reason::not_finite);
  EXPECT_EQ(read_image(folder_ / "absent.nii").reason, Reason::missing_file);
  EXPECT_EQ(read_image(write("note.doc", "hello")).reason, Reason::unsupported);
  Nifti colour;
  colour.type = 128;
  colour.bits = 24;
  EXPECT_EQ(read_image(write("colour.nii", colour.bytes(std::vector<std::uint8_t>(180)))).reason, Reason::unsupported);
  Nifti several;
  several.frames = 2;
  EXPECT_EQ(read_image(write("several.nii", several.bytes(noise(120)))).reason, Reason::odd_shape);
  Nifti flat;
  flat.ras = {};
  EXPECT_EQ(read_image(write("flat.nii", flat.bytes(noise(60)))).reason, Reason::no_scale);
  for (const float place : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e9f}) {
    Nifti nowhere;
    nowhere.ras[7] = place;
    EXPECT_EQ(read_image(write("nowhere.nii", nowhere.bytes(noise(60)))).reason, Reason::no_scale) << place;
  }
}

TEST_F(Volumes, ABrokenHeaderIsOurErrorAndNoLineOfTheLibrary) {
  Nifti header;
  header.type = 0;
  for (const std::string& bytes : {std::string(400, '\0'), header.bytes(noise(60)), "<nifti_image\n  nifti_type = 'NIFTI-1+'\n" + std::string(400, ' ')}) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(read_image(write("broken.nii", bytes)).reason, Reason::unreadable);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  }
}

TEST_F(Volumes, PhasesFindTheirPlaceAndMissingOnesAreMarked) {
  const fs::path arterial = write("a.nii", Nifti().bytes(std::vector<float>(60, 10))), portal = write("p.nii", Nifti().bytes(std::vector<float>(60, 20)));
  const ModalitySpec ct = two_phases();
  EXPECT_EQ(layout_of(ct).item, (std::vector<std::int64_t>{2, 2, 3, 4}));
  const Feature both = read_volume(with_images({{portal, "portal"}, {arterial, "arterial"}}), ct);
  ASSERT_TRUE(both.present()) << both.detail;
  EXPECT_EQ(half_at(both, 0), 10);
  EXPECT_EQ(half_at(both, 24), 20);
  EXPECT_EQ(both.values.size(), 2u * 48);
  const Feature one = read_volume(with_images({{portal, "portal"}}), ct);
  ASSERT_TRUE(one.present());
  EXPECT_EQ(one.phase_present, (std::vector<std::uint8_t>{0, 1}));
  EXPECT_EQ(half_at(one, 0), -1024);
  EXPECT_EQ(read_volume(with_images({{portal, "delayed"}}), ct).reason, Reason::missing_phase);
  EXPECT_EQ(read_volume(with_images({}), ct).reason, Reason::not_recorded);
  PatientRecord later = with_images({{portal, "portal"}});
  later.imaging.front().timing = "post_op";
  EXPECT_EQ(read_volume(later, ct).reason, Reason::not_recorded);
}

TEST_F(Volumes, ABadImageLeavesTheOtherPhaseAndIsNamedByNumber) {
  const fs::path bad = write("bad.nii", "no NIfTI at all"), good = write("good.nii", Nifti().bytes(std::vector<float>(60, 20)));
  const Feature feature = read_volume(with_images({{bad, "arterial"}, {good, "portal"}}), two_phases());
  ASSERT_TRUE(feature.present());
  EXPECT_NE(feature.detail.find("image 1"), std::string::npos);
  EXPECT_EQ(feature.detail.find("bad.nii"), std::string::npos) << "file names may carry accession numbers";
  const Feature none = read_volume(with_images({{bad, "arterial"}}), two_phases());
  EXPECT_EQ(none.reason, Reason::unreadable);
  EXPECT_TRUE(none.values.empty());
}

TEST_F(Volumes, AnImageWithoutPhaseServesASinglePhase) {
  ModalitySpec ct = two_phases();
  ct.phases = {"portal"};
  const fs::path path = write("x.nii", Nifti().bytes(std::vector<float>(60, 5)));
  EXPECT_TRUE(read_volume(with_images({{path, ""}}), ct).present());
}

TEST_F(Volumes, TheGridIsCentredOnTheImage) {
  Nifti nifti;
  nifti.ras = {-1, 0, 0, -7, 0, -1, 0, 3, 0, 0, 1, 100};
  const Feature feature = read_volume(with_images({{write("x.nii", nifti.bytes(noise(60))), "portal"}}), two_phases());
  ASSERT_TRUE(feature.present());
  const std::array<double, 3> image_centre{7 + 2.0, -3 + 1.5, 100 + 1.0};
  for (std::size_t r = 0; r < 3; ++r) {
    const auto& a = feature.affine;
    EXPECT_DOUBLE_EQ(a[4 * r] * 1.5 + a[4 * r + 1] * 1.0 + a[4 * r + 2] * 0.5 + a[4 * r + 3], image_centre[r]);
  }
}

}  // namespace
}  // namespace hepar::imaging
