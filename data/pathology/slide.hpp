// SPDX-License-Identifier: Apache-2.0
// A whole slide open for reading: its levels, properties and pixels. Label and macro images are never touched.
#pragma once

#include "data/cohort/feature.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hepar::pathology {

struct SlideLevel {
  std::int64_t width = 0, height = 0;             // px of this level
  double downsample_x = 1, downsample_y = 1;      // level-0 px per px of this level
  std::int32_t tile_width = 512, tile_height = 512;  // decoded at once
  int denominator = 1;    // above 1: no level of the file, one averaged in the DCT domain from a JPEG level
  bool direct = false;    // decoded without OpenSlide
  std::string trouble;    // not empty: never read, for this reason
};

struct PixelRect { std::int64_t x = 0, y = 0, width = 0, height = 0; };

// One thread at a time. A tile that cannot be decoded is read as background, listed in `corrupt()`, and never tried again
// (after an error OpenSlide's handle answers nothing more: it is opened anew).
class Slide {
 public:
  struct Opened;
  // Never throws for what the file holds. `reason` says why there is no slide; the detail names no path.
  [[nodiscard]] static Opened open(const std::filesystem::path& path);
  ~Slide();

  [[nodiscard]] const std::vector<SlideLevel>& levels() const { return levels_; }  // those of the file first, then reduced ones
  [[nodiscard]] std::size_t file_levels() const { return file_levels_; }
  [[nodiscard]] const std::string& vendor() const { return vendor_; }
  [[nodiscard]] std::optional<std::string> property(const std::string& name) const;
  [[nodiscard]] PixelRect bounds() const { return bounds_; }  // of the scanned area, level-0 px

  // width x height x 3 bytes, row-major, from (x, y) of a level; outside the scan and under transparent pixels the slide's
  // background colour. False when a corrupt tile lies in the rectangle.
  [[nodiscard]] bool read(std::size_t level, const PixelRect& rect, std::span<std::uint8_t> rgb);

  struct Corrupt { std::size_t level; PixelRect rect; };
  [[nodiscard]] const std::vector<Corrupt>& corrupt() const { return corrupt_; }

 private:
  struct Native;
  struct Tile;
  explicit Slide(std::unique_ptr<Native> native);
  void find_levels(const std::filesystem::path& path);
  void add_reduced_levels();
  [[nodiscard]] bool decode(std::size_t level, std::int64_t tx, std::int64_t ty, std::span<std::uint8_t> rgb);
  [[nodiscard]] bool decode_direct(const SlideLevel& level, std::size_t source, std::size_t index, std::span<std::uint8_t> rgb);
  [[nodiscard]] bool decode_openslide(std::size_t level, std::int64_t tx, std::int64_t ty, std::span<std::uint8_t> rgb);
  [[nodiscard]] const Tile& tile(std::size_t level, std::int64_t tx, std::int64_t ty);

  std::unique_ptr<Native> native_;
  std::vector<SlideLevel> levels_;
  std::size_t file_levels_ = 0;
  std::string vendor_;
  PixelRect bounds_;
  std::vector<Corrupt> corrupt_;
};

struct Slide::Opened {
  std::unique_ptr<Slide> slide;
  Reason reason = Reason::present;
  std::string detail;
};

// Whether a path looks like a slide: by extension, or a DICOM file that says it is whole-slide microscopy.
[[nodiscard]] bool takes_slide(const std::filesystem::path& path);
// The files that belong to a slide: itself, and MIRAX's folder.
[[nodiscard]] std::vector<std::filesystem::path> files_of_slide(const std::filesystem::path& path);

}  // namespace hepar::pathology
