// SPDX-License-Identifier: Apache-2.0
// One DICOM image as a scanner and its archive write it. Internal to the room.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hepar::synthetic {

enum class Syntax : std::uint8_t { explicit_little, implicit_little, jpeg_lossless, rle };

// A grey image of 16 bits, or (no position) a screen capture of 8.
struct DicomImage {
  std::string study, series, instance, frame_of_reference;           // UIDs
  std::string patient, institution, study_date, series_description;  // dates YYYYMMDD; texts in `character_set`
  std::string character_set;                                         // "": ASCII
  std::string image_type = "ORIGINAL\\PRIMARY\\AXIAL";
  int series_number = 1, instance_number = 1, acquisition_number = 1;
  double acquired_s = 0;             // second of the day
  std::optional<double> injected_s;  // contrast agent, if any
  int columns = 0, rows = 0;
  double pixel_mm = 1, thickness_mm = 5;
  std::optional<std::array<double, 3>> position;  // of the first pixel, LPS mm; axial images
  double intercept = -1024;
  std::optional<int> padding;  // stored values are signed then
  std::vector<std::uint16_t> pixels;
};

// Keeps DCMTK's encoders registered; needed for the compressed syntaxes.
class DicomEncoders {
 public:
  DicomEncoders();
  ~DicomEncoders();
  DicomEncoders(const DicomEncoders&) = delete;
};

void write_dicom(const std::filesystem::path& path, const DicomImage& image, Syntax syntax);  // disk_error

// A UID below 2.25 from a key.
[[nodiscard]] std::string uid_of(std::initializer_list<std::uint64_t> key);

}  // namespace hepar::synthetic
