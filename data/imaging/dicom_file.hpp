// SPDX-License-Identifier: Apache-2.0
// What the header of one DICOM file says. Pixels are never touched: DCMTK leaves them on disk.
// These records hold identifiers (UIDs, descriptions); they stay inside this room.
#pragma once

#include "data/cohort/feature.hpp"
#include "data/imaging/affine.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hepar::imaging {

// How the pixels are packed, from the transfer syntax.
enum class Coding : std::uint8_t { native, dcmtk, rle, jpeg_ls, jpeg_2000 };

struct PixelFormat {
  int rows = 0, columns = 0, samples = 1, frames = 1;
  int bits_allocated = 16, bits_stored = 16, high_bit = 15;
  bool is_signed = false;
  bool floating = false;  // Float or Double Float Pixel Data of 32 or 64 bits
  bool palette = false;
  Coding coding = Coding::native;
  std::uint64_t most_bytes = 0;                        // that the file can hold, decoded: more than that is a header that lies
  std::int64_t offset = -1;                            // of little-endian native pixels in the file; -1: ask DCMTK
  std::optional<std::array<std::int64_t, 2>> padding;  // stored values from low to high that are no measurement
  [[nodiscard]] bool colour() const { return samples != 1 || palette; }
  [[nodiscard]] std::size_t pixels() const { return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns); }
};

// What tells planes of the same position apart, in the order in which it is tried.
enum RepeatKey : std::size_t { b_value, acquisition_number, temporal_position, trigger_time, acquisition_time, content_time, repeat_keys };

// One frame. Absent: the file does not say.
struct Plane {
  int file = 0, frame = 0;                           // index into Study::files; 0-based frame
  std::optional<Vec3> position;                      // ImagePositionPatient, LPS mm
  std::optional<std::array<double, 6>> orientation;  // cosines of a row, then of a column
  std::optional<std::array<double, 2>> spacing;      // between columns (x), between rows (y), mm
  double thickness = 0;                              // 0: not stated
  std::optional<double> slope, intercept;
  double echo = 0;
  std::array<std::optional<double>, repeat_keys> repeat{};
};

struct DicomFile {
  std::filesystem::path path;
  std::string patient, study, series, instance, frame_of_reference;
  std::string modality, sop_class, transfer_syntax, kernel;
  std::string description;  // series, protocol and contrast texts, UTF-8
  std::vector<std::string> image_type;
  bool contrast = false, burned_in = false;
  std::optional<double> injection_s;  // ContrastBolusStartTime, seconds of the day
  std::optional<long> study_date;     // days since 1970-01-01
  PixelFormat format;
  std::vector<Plane> planes;

  [[nodiscard]] bool is_type(std::string_view value) const;
};

enum class Verdict : std::uint8_t { image, no_dicom, no_pixels, refused };
struct HeaderScan {
  Verdict verdict = Verdict::no_dicom;
  std::optional<DicomFile> file;  // also for `refused` where the header was whole
  Reason reason = Reason::present;
  std::string detail;  // holds no value of the file but codes
};

// "DICM" at byte 128, or a data set without preamble.
[[nodiscard]] bool looks_like_dicom(const std::filesystem::path& path);
[[nodiscard]] HeaderScan scan_header(const std::filesystem::path& path);

}  // namespace hepar::imaging
