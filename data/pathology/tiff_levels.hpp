// SPDX-License-Identifier: Apache-2.0
// The tiled directories of a TIFF: where their tiles lie and how they are coded, so that tiles are read by pread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace hepar::pathology {

struct TiffLevel {
  std::int64_t width = 0, height = 0;
  std::int32_t tile_width = 0, tile_height = 0;
  bool jpeg = false;         // compression 7
  bool plain_jpeg = false;   // and 3 x 8 bit, interleaved, YCbCr or RGB: the direct path decodes it
  bool ycbcr = true;
  std::vector<std::uint64_t> offsets, counts;  // one a tile, row by row; filled when plain_jpeg
  std::vector<std::byte> tables;               // tag 347
};

// libtiff prints what it meets in a damaged file, also when OpenSlide calls it; who reads slides says it in one line instead.
void silence_libtiff();

// In the order of the file; empty when it is no TIFF or a damaged one.
[[nodiscard]] std::vector<TiffLevel> read_tiff_levels(const std::filesystem::path& path);

}  // namespace hepar::pathology
