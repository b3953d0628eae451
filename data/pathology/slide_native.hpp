// SPDX-License-Identifier: Apache-2.0
// What a Slide owns of other libraries; for the .cpp files of Slide only.
#pragma once

#include "data/base/files.hpp"
#include "data/pathology/jpeg_tile.hpp"
#include "data/pathology/slide.hpp"
#include "data/pathology/tiff_levels.hpp"

#include <openslide.h>

#include <list>
#include <unordered_map>
#include <unordered_set>

namespace hepar::pathology {

struct CloseOpenSlide {
  void operator()(openslide_t* slide) const { openslide_close(slide); }
};
using OpenSlideHandle = std::unique_ptr<openslide_t, CloseOpenSlide>;

struct Slide::Tile {
  std::uint64_t key = 0;
  bool good = false;
  std::vector<std::uint8_t> rgb;
};

struct Slide::Native {
  explicit Native(std::filesystem::path file) : path(std::move(file)) {}
  std::filesystem::path path;
  OpenSlideHandle handle;
  std::optional<ReadOnlyFile> file;         // for pread of JPEG tiles
  std::vector<TiffLevel> tiff;
  std::vector<int> source;                  // per level: index into `tiff`, -1 none
  std::vector<std::size_t> file_level;      // per level: OpenSlide's level
  std::uint32_t background = 0xffffff;      // RRGGBB
  JpegTileDecoder decoder;
  std::vector<std::byte> stream;
  std::vector<std::uint32_t> argb;
  std::unordered_set<std::uint64_t> blacklist;
  std::list<Tile> recent;                   // front: used last
  std::unordered_map<std::uint64_t, std::list<Tile>::iterator> by_key;
  std::size_t cached_bytes = 0;
};

}  // namespace hepar::pathology
