// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/tiff_levels.hpp"

#include <tiffio.h>

#include <algorithm>
#include <memory>

namespace hepar::pathology {

namespace {

struct Close {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};
using Tiff = std::unique_ptr<TIFF, Close>;

constexpr int kMostDirectories = 64;
constexpr std::int32_t kLargestTile = 4096;
constexpr tmsize_t kLargestArray = tmsize_t{256} << 20;  // a damaged header must not be believed before memory is asked for

int silent(TIFF*, void*, const char*, const char*, va_list) { return 1; }

Tiff open_tiff(const std::filesystem::path& path) {
  const std::unique_ptr<TIFFOpenOptions, Close> options(TIFFOpenOptionsAlloc());
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), &silent, nullptr);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), &silent, nullptr);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kLargestArray);
  return Tiff(TIFFOpenExt(path.c_str(), "rm", options.get()));  // m: no memory map of a file that may be cut short meanwhile
}

template <class T>
T field(TIFF* tiff, std::uint32_t tag, T otherwise) {
  T value = otherwise;
  return TIFFGetFieldDefaulted(tiff, tag, &value) == 1 ? value : otherwise;
}

bool is_plain(TIFF* tiff, const TiffLevel& level, std::uint16_t photometric) {
  return level.jpeg && (photometric == PHOTOMETRIC_YCBCR || photometric == PHOTOMETRIC_RGB) && field<std::uint16_t>(tiff, TIFFTAG_BITSPERSAMPLE, 0) == 8 &&
         field<std::uint16_t>(tiff, TIFFTAG_SAMPLESPERPIXEL, 0) == 3 && field<std::uint16_t>(tiff, TIFFTAG_PLANARCONFIG, 0) == PLANARCONFIG_CONTIG &&
         level.tile_width <= kLargestTile && level.tile_height <= kLargestTile && level.tile_width % 8 == 0 && level.tile_height % 8 == 0;
}

void read_places(TIFF* tiff, TiffLevel& level) {
  const std::int64_t across = (level.width + level.tile_width - 1) / level.tile_width, down = (level.height + level.tile_height - 1) / level.tile_height;
  toff_t *offsets = nullptr, *counts = nullptr;
  const bool there = TIFFGetField(tiff, TIFFTAG_TILEOFFSETS, &offsets) == 1 && TIFFGetField(tiff, TIFFTAG_TILEBYTECOUNTS, &counts) == 1;
  level.plain_jpeg = there && offsets != nullptr && counts != nullptr && static_cast<std::int64_t>(TIFFNumberOfTiles(tiff)) == across * down;
  if (!level.plain_jpeg) return;
  level.offsets.assign(offsets, offsets + across * down);
  level.counts.assign(counts, counts + across * down);
  std::uint32_t size = 0;
  void* tables = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_JPEGTABLES, &size, &tables) == 1 && tables != nullptr) {
    const auto* bytes = static_cast<const std::byte*>(tables);
    level.tables.assign(bytes, bytes + size);
  }
}

}  // namespace

void silence_libtiff() {
  TIFFSetErrorHandler(nullptr);
  TIFFSetWarningHandler(nullptr);
}

std::vector<TiffLevel> read_tiff_levels(const std::filesystem::path& path) {
  std::vector<TiffLevel> levels;
  const Tiff tiff = open_tiff(path);
  if (!tiff) return levels;
  for (int directory = 0; directory < kMostDirectories; ++directory) {
    if (TIFFIsTiled(tiff.get()) != 0) {
      TiffLevel level;
      level.width = field<std::uint32_t>(tiff.get(), TIFFTAG_IMAGEWIDTH, 0);
      level.height = field<std::uint32_t>(tiff.get(), TIFFTAG_IMAGELENGTH, 0);
      level.tile_width = static_cast<std::int32_t>(std::min<std::uint32_t>(field<std::uint32_t>(tiff.get(), TIFFTAG_TILEWIDTH, 0), 1u << 30));
      level.tile_height = static_cast<std::int32_t>(std::min<std::uint32_t>(field<std::uint32_t>(tiff.get(), TIFFTAG_TILELENGTH, 0), 1u << 30));
      const auto photometric = field<std::uint16_t>(tiff.get(), TIFFTAG_PHOTOMETRIC, 0);
      level.jpeg = field<std::uint16_t>(tiff.get(), TIFFTAG_COMPRESSION, 0) == COMPRESSION_JPEG;
      level.ycbcr = photometric == PHOTOMETRIC_YCBCR;
      if (level.width > 0 && level.height > 0 && level.tile_width > 0 && level.tile_height > 0) {
        if (is_plain(tiff.get(), level, photometric)) read_places(tiff.get(), level);
        levels.push_back(std::move(level));
      }
    }
    if (TIFFReadDirectory(tiff.get()) != 1) break;
  }
  return levels;
}

}  // namespace hepar::pathology
