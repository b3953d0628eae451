// SPDX-License-Identifier: Apache-2.0
// Tile features as other tools write them, and files that are none.
#include "data/pathology/bag.hpp"
#include "data/pathology/tile_features.hpp"

#include <gtest/gtest.h>
#include <hdf5.h>

#include <cstring>
#include <fstream>
#include <limits>

namespace hepar::pathology {
namespace {

namespace fs = std::filesystem;

class TileFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("hepar_tiles_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  struct Part {
    std::string name;
    std::vector<hsize_t> shape;
    hid_t stored, given;
    const void* data;
    bool chunked = false;
  };
  fs::path write(const std::string& name, const std::vector<Part>& parts) const {
    const hid_t file = H5Fcreate((folder_ / name).c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    for (const Part& part : parts) {
      const hid_t space = H5Screate_simple(static_cast<int>(part.shape.size()), part.shape.data(), nullptr), how = H5Pcreate(H5P_DATASET_CREATE);
      if (part.chunked) {
        H5Pset_chunk(how, static_cast<int>(part.shape.size()), part.shape.data());
        H5Pset_deflate(how, 4);
      }
      const hid_t dataset = H5Dcreate2(file, part.name.c_str(), part.stored, space, H5P_DEFAULT, how, H5P_DEFAULT);
      if (part.data != nullptr) H5Dwrite(dataset, part.given, H5S_ALL, H5S_ALL, H5P_DEFAULT, part.data);
      H5Dclose(dataset);
      H5Pclose(how);
      H5Sclose(space);
    }
    H5Fclose(file);
    return folder_ / name;
  }
  static hid_t half(bool little = true) {
    const hid_t type = H5Tcopy(little ? H5T_IEEE_F32LE : H5T_IEEE_F32BE);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    return type;
  }
  fs::path folder_;
};

// Values that a half holds exactly: conversions must not change them.
std::vector<float> exact(std::size_t n) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<float>(static_cast<int>(i) - 5) * 0.25f;
  return values;
}

std::vector<float> floats_of(const std::vector<std::byte>& halfs) {
  std::vector<float> out(halfs.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, halfs.data() + 2 * i, 2);
    out[i] = from_half(bits);
  }
  return out;
}

const std::vector<std::int64_t> kCoords{0, 10, 512, 20, 1024, 30, 1536, 40, 2048, 50, 2560, 60};

TEST_F(TileFiles, EveryWriterAndTypeGivesTheSameHalfs) {
  const std::vector<float> values = exact(24);
  const std::vector<double> wide(values.begin(), values.end());
  const std::vector<std::vector<Part>> habits{
      {{"features", {6, 4}, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, values.data()}, {"coords", {6, 2}, H5T_STD_I64LE, H5T_NATIVE_INT64, kCoords.data()}},
      {{"features", {6, 4}, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, values.data(), true}, {"coords", {6, 2}, H5T_STD_I32LE, H5T_NATIVE_INT64, kCoords.data(), true}},
      {{"features", {6, 4}, H5T_IEEE_F64BE, H5T_NATIVE_DOUBLE, wide.data()}, {"coords", {6, 2}, H5T_STD_U16BE, H5T_NATIVE_INT64, kCoords.data()}},
      {{"features", {6, 4}, half(), H5T_NATIVE_FLOAT, values.data()}, {"coords", {6, 2}, H5T_STD_I64LE, H5T_NATIVE_INT64, kCoords.data()}},
      {{"features", {6, 4}, half(false), H5T_NATIVE_FLOAT, values.data()}, {"coords", {6, 2}, H5T_STD_I64LE, H5T_NATIVE_INT64, kCoords.data()}},
      {{"features", {1, 6, 4}, half(), H5T_NATIVE_FLOAT, values.data()}, {"coords", {1, 6, 2}, H5T_STD_I64LE, H5T_NATIVE_INT64, kCoords.data()}},   // TRIDENT
      {{"feats", {6, 4}, half(), H5T_NATIVE_FLOAT, values.data()}, {"coords", {6, 2}, H5T_STD_I64LE, H5T_NATIVE_INT64, kCoords.data()}},             // STAMP
  };
  for (std::size_t h = 0; h < habits.size(); ++h) {
    const TileFeatures tiles = read_tile_features(write("habit.h5", habits[h]));
    ASSERT_EQ(tiles.reason, Reason::present) << h << ": " << tiles.detail;
    EXPECT_EQ(tiles.count, 6);
    EXPECT_EQ(tiles.width, 4);
    EXPECT_EQ(floats_of(tiles.values), values) << h;
    EXPECT_EQ(tiles.coords[2], (std::array<std::int32_t, 2>{1024, 30})) << h;
  }
}

TEST_F(TileFiles, EveryRefusalHasItsReason) {
  const std::vector<float> values = exact(24);
  std::vector<float> broken = values, large = values;
  broken[3] = std::numeric_limits<float>::infinity();
  large[3] = 1e6f;
  const auto reason = [&](const std::vector<Part>& parts) { return read_tile_features(write("x.h5", parts)).reason; };
  EXPECT_EQ(reason({{"coords", {6, 2}, H5T_STD_I64LE, H5T_NATIVE_INT64, kCoords.data()}}), Reason::unreadable);
  EXPECT_EQ(reason({{"features", {0, 4}, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, nullptr}}), Reason::too_few);
  EXPECT_EQ(reason({{"features", {24}, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, values.data()}}), Reason::odd_shape);
  EXPECT_EQ(reason({{"features", {2, 3, 4}, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, values.data()}}), Reason::odd_shape);
  EXPECT_EQ(reason({{"features", {6, 4}, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, values.data()}, {"coords", {5, 2}, H5T_STD_I64LE, H5T_NATIVE_INT64, kCoords.data()}}), Reason::odd_shape);
  EXPECT_EQ(reason({{"features", {6, 4}, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, broken.data()}}), Reason::not_finite);
  EXPECT_EQ(reason({{"features", {6, 4}, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, large.data()}}), Reason::not_finite);
  EXPECT_EQ(reason({{"features", {6, 4}, H5T_STD_I32LE, H5T_NATIVE_FLOAT, values.data()}}), Reason::unreadable);
}

TEST_F(TileFiles, ATruncatedFileIsRefusedWhereverItIsCut) {
  const std::vector<float> values = exact(2400);
  const fs::path path = write("whole.h5", {{"features", {600, 4}, half(), H5T_NATIVE_FLOAT, values.data()}});
  std::ifstream in(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  for (std::size_t keep = 0; keep < bytes.size(); keep += 1 + bytes.size() / 25) {
    std::ofstream(folder_ / "cut.h5", std::ios::binary) << bytes.substr(0, keep);
    EXPECT_EQ(read_tile_features(folder_ / "cut.h5").reason, Reason::unreadable) << keep << " of " << bytes.size();
  }
}

PatientRecord with_slides(const std::vector<fs::path>& paths) {
  PatientRecord patient;
  for (const fs::path& path : paths) {
    SlideRow row;
    row.path = path;
    patient.slides.push_back(row);
  }
  return patient;
}

ModalitySpec slide_modality() {
  ModalitySpec modality;
  modality.name = "slide";
  modality.kind = Kind::bag;
  return modality;
}

Layout layout_of_width(std::int64_t width) { return {Kind::bag, DType::float16, {width}, "tile feature", "imported tile features"}; }

TEST_F(TileFiles, SeveralSlidesAreOneBagInTableOrder) {
  const std::vector<float> first = exact(8), second(12, 3.5f);
  const fs::path a = write("a.h5", {{"features", {2, 4}, half(), H5T_NATIVE_FLOAT, first.data()}, {"coords", {2, 2}, H5T_STD_I64LE, H5T_NATIVE_INT64, kCoords.data()}});
  const fs::path b = write("b.h5", {{"features", {3, 4}, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, second.data()}, {"coords", {3, 2}, H5T_STD_I64LE, H5T_NATIVE_INT64, kCoords.data()}});
  const ModalitySpec modality = slide_modality();
  const auto encoder = builtin_encoder(modality);
  EXPECT_EQ(layout_of({with_slides({a})}, *encoder)->item, std::vector<std::int64_t>{4});
  const Layout layout = layout_of_width(4);
  Facts facts;
  Pictures pictures;
  const Feature bag = read_bag(with_slides({b, a}), modality, layout, *encoder, facts, pictures);
  ASSERT_TRUE(bag.present());
  EXPECT_TRUE(bag.detail.empty());
  EXPECT_EQ(bag.items, 5);
  const std::vector<float> values = floats_of(bag.values);
  EXPECT_EQ(values.front(), 3.5f);
  EXPECT_EQ(std::vector<float>(values.begin() + 12, values.end()), first);
  EXPECT_EQ(bag.coords[2], (std::array<std::int32_t, 3>{0, 1024, 30}));
  EXPECT_EQ(bag.coords[4], (std::array<std::int32_t, 3>{1, 512, 20}));
}

TEST_F(TileFiles, TheCohortHasTheWidthOfMostFilesThatCanBeRead) {
  const std::vector<float> values = exact(8);
  const float infinite = std::numeric_limits<float>::infinity();
  const std::vector<float> endless(8, infinite);
  const fs::path odd = write("odd.h5", {{"features", {1, 8}, half(), H5T_NATIVE_FLOAT, values.data()}});
  const fs::path one = write("one.h5", {{"features", {2, 4}, half(), H5T_NATIVE_FLOAT, values.data()}}), two = write("two.h5", {{"feats", {2, 4}, half(), H5T_NATIVE_FLOAT, values.data()}});
  const fs::path bad = write("bad.h5", {{"features", {8, 1}, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, endless.data()}});
  const auto encoder = builtin_encoder(slide_modality());
  const auto width = [&](const std::vector<fs::path>& first, const std::vector<fs::path>& second) {
    const std::optional<Layout> layout = layout_of({with_slides(first), with_slides(second)}, *encoder);
    return layout ? layout->item.front() : 0;
  };
  EXPECT_EQ(width({odd}, {one, two}), 4);
  EXPECT_EQ(width({one, two}, {odd}), 4);
  EXPECT_EQ(width({odd}, {one}), 8) << "equally common: that of the earlier patient";
  EXPECT_EQ(width({folder_ / "absent.h5", bad, bad}, {two}), 4) << "of a width that no file gives, nothing can be stored";
  EXPECT_EQ(width({bad}, {folder_ / "absent.h5"}), 0);
}

TEST_F(TileFiles, ABadSlideLeavesTheOthersAndIsCounted) {
  const std::vector<float> values = exact(8);
  const fs::path good = write("good.h5", {{"features", {2, 4}, half(), H5T_NATIVE_FLOAT, values.data()}}), odd = write("odd.h5", {{"features", {4, 2}, half(), H5T_NATIVE_FLOAT, values.data()}});
  const Layout layout = layout_of_width(4);
  const ModalitySpec modality = slide_modality();
  const auto encoder = builtin_encoder(modality);
  Facts facts;
  Pictures pictures;
  const Feature some = read_bag(with_slides({odd, good, folder_ / "absent.h5"}), modality, layout, *encoder, facts, pictures);
  ASSERT_TRUE(some.present());
  EXPECT_EQ(some.items, 2);
  EXPECT_EQ(some.coords.front()[0], 1) << "the slide's number is that of its row";
  EXPECT_NE(some.detail.find("slide 1: width 2, the cohort's slides have 4"), std::string::npos) << some.detail;
  EXPECT_NE(some.detail.find("slide 3: no such file"), std::string::npos) << some.detail;
  EXPECT_EQ(read_bag(with_slides({odd}), modality, layout, *encoder, facts, pictures).reason, Reason::odd_shape);
  EXPECT_EQ(read_bag(with_slides({folder_ / "absent.h5"}), modality, layout, *encoder, facts, pictures).reason, Reason::missing_file);
  EXPECT_EQ(read_bag(with_slides({}), modality, layout, *encoder, facts, pictures).reason, Reason::not_recorded);
  std::ofstream(folder_ / "slide.unknown") << "pixels";
  EXPECT_EQ(read_bag(with_slides({folder_ / "slide.unknown"}), modality, layout, *encoder, facts, pictures).reason, Reason::unsupported);
}

}  // namespace
}  // namespace hepar::pathology
