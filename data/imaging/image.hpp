// SPDX-License-Identifier: Apache-2.0
// What an image path holds, before and after its pixels are read, and the table of readers. A new format is one file and
// one line of `readers()`.
#pragma once

#include "data/cohort/feature.hpp"

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hepar::imaging {

// A code of `inspect --json` and what it means here. No identifier of the file, nor its path, is in the text.
struct Note {
  std::string code, text;
};

// Values are rescaled (HU for CT), x fastest. `affine` maps voxel (x, y, z) to LPS millimetres, rows of 3x4.
// Stored padding is -1024 in CT, 0 elsewhere; low, high and mean are those of the values as stored, padding included.
struct Image {
  std::array<std::int64_t, 3> size{};
  std::array<double, 3> spacing_mm{};
  std::array<double, 12> affine{};
  std::vector<float> values;
  double low = 0, high = 0, mean = 0;
  std::string frame_of_reference;  // images with the same one share their millimetres; empty: not known
};

struct ReadImage {
  std::optional<Image> image;
  Reason reason = Reason::present;  // why there is none
  std::string detail;
};

// One volume that a path offers, as its headers tell it.
struct Series {
  std::string modality, phase, phase_rule, transfer_syntax;  // empty: not known
  std::array<std::int64_t, 3> size{};
  std::array<double, 3> spacing_mm{};  // z along the slices' normal; NaN: not known
  std::array<double, 9> direction{};   // rows of the matrix whose columns are the axes' directions
  std::int64_t frames = 0;
  Reason reason = Reason::present;  // why it cannot be used as it is
  std::string detail;
  std::vector<Note> notes;
  std::optional<long> study_date;            // days since 1970-01-01; never leaves ingest
  bool original = true, soft_kernel = true;  // not derived from other images; no sharp (bone, lung) kernel
};

struct Study;  // the reader's own: files and planes
struct Scan {
  std::filesystem::path path;
  std::vector<Series> series;       // in an order that no file name decides
  std::vector<Note> notes;          // what was left out, counted
  Reason reason = Reason::present;  // why there is no series
  std::string detail;
  std::shared_ptr<const Study> study;
};

// What the pixels of a series say, whether or not it makes a regular volume.
struct Measured {
  std::int64_t frames_read = 0, frames_failed = 0;
  std::optional<std::array<double, 3>> values;  // lowest, highest, mean after rescale, padding as stored; nullopt: colour
  std::string problem;                          // of the first frame that could not be decoded
  std::string doubt;                            // decoded, but not to be relied on
};

struct Reader {
  const char* name;
  bool (*takes)(const std::filesystem::path& path);
  Scan (*scan)(const std::filesystem::path& path);
  ReadImage (*read)(const Scan& scan, std::size_t series);
  Measured (*measure)(const Scan& scan, std::size_t series);
};
[[nodiscard]] std::span<const Reader> readers();

// Headers only. Never throws for a bad file: `reason` and `detail` say why nothing is there.
[[nodiscard]] Scan scan_images(const std::filesystem::path& path);
[[nodiscard]] ReadImage read_series(const Scan& scan, std::size_t series);
[[nodiscard]] Measured measure_series(const Scan& scan, std::size_t series);

// Usable before unusable, then: the study nearer to `day` where given, original before derived, soft before sharp kernel,
// the longer stretch along z (in steps of 10 mm), thinner slices, more pixels; equal in all: the first.
[[nodiscard]] std::vector<std::size_t> by_preference(const Scan& scan, std::optional<long> day = std::nullopt);
// The preferred series of a path; never throws for a bad file.
[[nodiscard]] ReadImage read_image(const std::filesystem::path& path);

// LPS millimetres of the middle of an image.
[[nodiscard]] std::array<double, 3> centre_of(const Image& image);
// HU on a grid of `size` voxels of `spacing_mm` along LPS, centred on `centre`, or else on the image's. Trilinear; where a
// grid voxel is larger than the image's, the mean over ceil(ratio) samples an axis (a box filter), so that nothing
// aliases. Outside: -1024.
[[nodiscard]] std::vector<float> resample(const Image& image, const std::array<int, 3>& size, const std::array<double, 3>& spacing_mm,
                                          const std::optional<std::array<double, 3>>& centre = std::nullopt);

}  // namespace hepar::imaging
