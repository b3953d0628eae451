// SPDX-License-Identifier: Apache-2.0
// Small pyramidal TIFF slides made with libtiff, as scanners write them: stained tissue on a bright background.
#pragma once

#include <tiffio.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace hepar::pathology::made {

struct Picture {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgb;
  Picture(int w, int h) : width(w), height(h), rgb(static_cast<std::size_t>(w) * static_cast<std::size_t>(h) * 3, 244) {}
  std::uint8_t* at(int x, int y) { return rgb.data() + (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) * 3; }
};

inline std::uint32_t hash(std::uint32_t a) {
  a ^= a >> 16;
  a *= 0x7feb352du;
  a ^= a >> 15;
  a *= 0x846ca68bu;
  return a ^ (a >> 16);
}

using Inside = std::function<bool(double x, double y)>;

// Pink tissue with dark blue nuclei of about 10 px where `inside`.
inline void stain(Picture& picture, const Inside& inside) {
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x) {
      if (!inside(x + 0.5, y + 0.5)) continue;
      const std::uint32_t cell = hash(static_cast<std::uint32_t>(x / 12) * 7919u + static_cast<std::uint32_t>(y / 12) * 104729u);
      const double dx = x % 12 - 2 - static_cast<double>(cell % 8), dy = y % 12 - 2 - static_cast<double>(cell / 8 % 8);
      const int noise = static_cast<int>(hash(static_cast<std::uint32_t>(y) * 65537u + static_cast<std::uint32_t>(x)) % 17) - 8;
      const bool nucleus = cell % 3 == 0 && dx * dx + dy * dy < 14;
      std::uint8_t* p = picture.at(x, y);
      p[0] = static_cast<std::uint8_t>((nucleus ? 92 : 222) + noise);
      p[1] = static_cast<std::uint8_t>((nucleus ? 66 : 142) + noise);
      p[2] = static_cast<std::uint8_t>((nucleus ? 148 : 186) + noise);
    }
}

inline Inside ellipse(double cx, double cy, double rx, double ry) {
  return [=](double x, double y) { return (x - cx) * (x - cx) / (rx * rx) + (y - cy) * (y - cy) / (ry * ry) <= 1; };
}

inline Picture halved(Picture& from) {
  Picture to(from.width / 2, from.height / 2);
  for (int y = 0; y < to.height; ++y)
    for (int x = 0; x < to.width; ++x)
      for (int c = 0; c < 3; ++c) to.at(x, y)[c] = static_cast<std::uint8_t>((from.at(2 * x, 2 * y)[c] + from.at(2 * x + 1, 2 * y)[c] + from.at(2 * x, 2 * y + 1)[c] + from.at(2 * x + 1, 2 * y + 1)[c] + 2) / 4);
  return to;
}

struct Format {
  int tile = 256;
  std::uint16_t compression = COMPRESSION_JPEG;
  bool ycbcr = true;
  std::uint16_t subsampling = 2;
  std::string description;      // "Aperio ..." makes it an SVS
  double um_per_pixel = 0;      // as TIFF resolution; 0: none
  int levels = 1;
};

inline void write_level(TIFF* tiff, Picture& picture, const Format& format, int level) {
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(picture.width));
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(picture.height));
  TIFFSetField(tiff, TIFFTAG_TILEWIDTH, static_cast<std::uint32_t>(format.tile));
  TIFFSetField(tiff, TIFFTAG_TILELENGTH, static_cast<std::uint32_t>(format.tile));
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, format.compression);
  const bool jpeg = format.compression == COMPRESSION_JPEG;
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, jpeg && format.ycbcr ? PHOTOMETRIC_YCBCR : PHOTOMETRIC_RGB);
  if (jpeg) TIFFSetField(tiff, TIFFTAG_JPEGQUALITY, 85);
  if (jpeg && format.ycbcr) {
    TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, format.subsampling, format.subsampling);
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  }
  if (level > 0) TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
  if (!format.description.empty()) TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, format.description.c_str());
  if (format.um_per_pixel > 0 && level == 0) {
    TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER);
    TIFFSetField(tiff, TIFFTAG_XRESOLUTION, 1e4 / format.um_per_pixel);
    TIFFSetField(tiff, TIFFTAG_YRESOLUTION, 1e4 / format.um_per_pixel);
  }
  std::vector<std::uint8_t> tile(static_cast<std::size_t>(format.tile) * static_cast<std::size_t>(format.tile) * 3);
  for (int ty = 0; ty < picture.height; ty += format.tile)
    for (int tx = 0; tx < picture.width; tx += format.tile) {
      for (int y = 0; y < format.tile; ++y)
        for (int x = 0; x < format.tile; ++x)
          std::copy_n(picture.at(std::min(tx + x, picture.width - 1), std::min(ty + y, picture.height - 1)), 3, tile.data() + 3 * (y * format.tile + x));
      TIFFWriteTile(tiff, tile.data(), static_cast<std::uint32_t>(tx), static_cast<std::uint32_t>(ty), 0, 0);
    }
  TIFFWriteDirectory(tiff);
}

inline std::filesystem::path write_slide(const std::filesystem::path& path, Picture picture, const Format& format) {
  TIFF* tiff = TIFFOpen(path.c_str(), "w");
  for (int level = 0; level < format.levels; ++level) {
    write_level(tiff, picture, format, level);
    if (level + 1 < format.levels) picture = halved(picture);
  }
  TIFFClose(tiff);
  return path;
}

// Where the bytes of a tile lie: first and count.
inline std::pair<std::uint64_t, std::uint64_t> place_of_tile(const std::filesystem::path& path, std::uint32_t tile, std::uint16_t directory = 0) {
  TIFF* tiff = TIFFOpen(path.c_str(), "r");
  TIFFSetDirectory(tiff, directory);
  const std::pair<std::uint64_t, std::uint64_t> place{TIFFGetStrileOffset(tiff, tile), TIFFGetStrileByteCount(tiff, tile)};
  TIFFClose(tiff);
  return place;
}

// Overwrites the middle of a tile.
inline void damage_tile(const std::filesystem::path& path, std::uint32_t tile, std::uint16_t directory = 0) {
  const auto [at, count] = place_of_tile(path, tile, directory);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at + count / 4));
  for (std::uint64_t i = 0; i < count / 2; ++i) file.put(static_cast<char>(i % 2 == 0 ? 0xff : 0xd9));
}

}  // namespace hepar::pathology::made
