// SPDX-License-Identifier: Apache-2.0
// Pixels of a slide: tiles through libjpeg where the file allows, through OpenSlide elsewhere, behind one small cache.
#include "data/base/error.hpp"
#include "data/pathology/slide.hpp"
#include "data/pathology/slide_native.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hepar::pathology {

namespace {

constexpr std::size_t kCacheBytes = std::size_t{48} << 20;
constexpr std::uint64_t kLargestStream = std::uint64_t{64} << 20;

std::uint64_t key_of(std::size_t level, std::int64_t tx, std::int64_t ty) {
  return (static_cast<std::uint64_t>(level) << 56) | (static_cast<std::uint64_t>(ty) << 28) | static_cast<std::uint64_t>(tx);
}

void fill(std::uint8_t* rgb, std::size_t pixels, std::uint32_t colour) {
  for (std::size_t i = 0; i < pixels; ++i) {
    rgb[3 * i] = static_cast<std::uint8_t>(colour >> 16);
    rgb[3 * i + 1] = static_cast<std::uint8_t>(colour >> 8);
    rgb[3 * i + 2] = static_cast<std::uint8_t>(colour);
  }
}

// Premultiplied ARGB over a colour.
void composite(std::span<const std::uint32_t> argb, std::uint32_t colour, std::span<std::uint8_t> rgb) {
  for (std::size_t i = 0; i < argb.size(); ++i) {
    const std::uint32_t pixel = argb[i], rest = 255 - (pixel >> 24);
    for (int c = 0; c < 3; ++c) {
      const int shift = 16 - 8 * c;
      const std::uint32_t value = ((pixel >> shift) & 255u) + (rest * ((colour >> shift) & 255u) + 127) / 255;
      rgb[3 * i + static_cast<std::size_t>(c)] = static_cast<std::uint8_t>(std::min(value, 255u));
    }
  }
}

}  // namespace

bool Slide::decode_direct(const SlideLevel& level, std::size_t source, std::size_t index, std::span<std::uint8_t> rgb) {
  const TiffLevel& tiff = native_->tiff[source];
  const std::uint64_t bytes = tiff.counts[index], at = tiff.offsets[index];
  if (bytes > kLargestStream || at > native_->file->size() || bytes > native_->file->size() - at) return false;
  native_->stream.resize(static_cast<std::size_t>(bytes));
  try {
    native_->file->read_at(at, native_->stream);
  } catch (const Error&) {
    return false;  // cut short since it was opened, or a bad sector: this tile's fault, counted as such
  }
  return native_->decoder.decode({tiff.tables, native_->stream, tiff.ycbcr, tiff.tile_width, tiff.tile_height, level.denominator}, rgb);
}

bool Slide::decode_openslide(std::size_t index, std::int64_t tx, std::int64_t ty, std::span<std::uint8_t> rgb) {
  const SlideLevel& level = levels_[index];
  if (!native_->handle) return false;
  const auto width = static_cast<std::int64_t>(level.tile_width) * level.denominator, height = static_cast<std::int64_t>(level.tile_height) * level.denominator;
  native_->argb.resize(static_cast<std::size_t>(width * height));
  const auto file_level = static_cast<int>(native_->file_level[index]);
  const double downsample = openslide_get_level_downsample(native_->handle.get(), file_level);
  openslide_read_region(native_->handle.get(), native_->argb.data(), std::llround(static_cast<double>(tx * width) * downsample), std::llround(static_cast<double>(ty * height) * downsample), file_level, width, height);
  if (openslide_get_error(native_->handle.get()) != nullptr) {
    native_->handle.reset();
    native_->handle.reset(openslide_open(native_->path.c_str()));
    if (native_->handle && openslide_get_error(native_->handle.get()) != nullptr) native_->handle.reset();
    return false;
  }
  if (level.denominator == 1) {
    composite(native_->argb, native_->background, rgb);
    return true;
  }
  // A tile that a reduced level cannot decode itself (a missing one): the mean of its pixels.
  std::vector<std::uint8_t> whole(native_->argb.size() * 3);
  composite(native_->argb, native_->background, whole);
  const int d = level.denominator;
  for (std::int64_t y = 0; y < level.tile_height; ++y)
    for (std::int64_t x = 0; x < level.tile_width; ++x)
      for (std::int64_t c = 0; c < 3; ++c) {
        int sum = d * d / 2;
        for (int v = 0; v < d; ++v)
          for (int u = 0; u < d; ++u) sum += whole[static_cast<std::size_t>(((y * d + v) * width + x * d + u) * 3 + c)];
        rgb[static_cast<std::size_t>((y * level.tile_width + x) * 3 + c)] = static_cast<std::uint8_t>(sum / (d * d));
      }
  return true;
}

bool Slide::decode(std::size_t index, std::int64_t tx, std::int64_t ty, std::span<std::uint8_t> rgb) {
  const SlideLevel& level = levels_[index];
  const std::uint64_t key = key_of(index, tx, ty);
  bool good = !native_->blacklist.contains(key);
  if (good && level.direct) {
    const auto source = static_cast<std::size_t>(native_->source[index]);
    const TiffLevel& tiff = native_->tiff[source];
    const auto tile = static_cast<std::size_t>(ty * ((tiff.width + tiff.tile_width - 1) / tiff.tile_width) + tx);
    // A tile of no bytes means background, or what another level holds: OpenSlide knows which.
    good = tiff.counts[tile] == 0 ? decode_openslide(index, tx, ty, rgb) : decode_direct(level, source, tile, rgb);
  } else if (good) {
    good = decode_openslide(index, tx, ty, rgb);
  }
  if (good) return true;
  if (native_->blacklist.insert(key).second)
    corrupt_.push_back({index, {tx * level.tile_width, ty * level.tile_height, std::min<std::int64_t>(level.tile_width, level.width - tx * level.tile_width),
                                std::min<std::int64_t>(level.tile_height, level.height - ty * level.tile_height)}});
  fill(rgb.data(), rgb.size() / 3, native_->background);
  return false;
}

const Slide::Tile& Slide::tile(std::size_t index, std::int64_t tx, std::int64_t ty) {
  const std::uint64_t key = key_of(index, tx, ty);
  if (const auto found = native_->by_key.find(key); found != native_->by_key.end()) {
    native_->recent.splice(native_->recent.begin(), native_->recent, found->second);
    return native_->recent.front();
  }
  const std::size_t bytes = static_cast<std::size_t>(levels_[index].tile_width) * static_cast<std::size_t>(levels_[index].tile_height) * 3;
  Tile fresh;
  while (!native_->recent.empty() && native_->cached_bytes + bytes > kCacheBytes) {
    native_->by_key.erase(native_->recent.back().key);
    native_->cached_bytes -= native_->recent.back().rgb.size();
    if (native_->recent.back().rgb.size() == bytes) fresh.rgb = std::move(native_->recent.back().rgb);
    native_->recent.pop_back();
  }
  fresh.key = key;
  fresh.rgb.resize(bytes);
  fresh.good = decode(index, tx, ty, fresh.rgb);
  native_->recent.push_front(std::move(fresh));
  native_->by_key[key] = native_->recent.begin();
  native_->cached_bytes += bytes;
  return native_->recent.front();
}

bool Slide::read(std::size_t index, const PixelRect& rect, std::span<std::uint8_t> rgb) {
  const SlideLevel& level = levels_.at(index);
  if (!level.trouble.empty() || rect.width <= 0 || rect.height <= 0 || rgb.size() < static_cast<std::size_t>(rect.width * rect.height * 3))
    throw Error(ExitCode::bug, "a slide was asked for a level that is not read, or into too small a buffer");
  const std::int64_t tw = level.tile_width, th = level.tile_height;
  const bool inside = rect.x >= 0 && rect.y >= 0 && rect.x + rect.width <= level.width && rect.y + rect.height <= level.height;
  // Exactly one tile: no copy, no place in the cache.
  if (inside && rect.width == tw && rect.height == th && rect.x % tw == 0 && rect.y % th == 0)
    return decode(index, rect.x / tw, rect.y / th, rgb.first(static_cast<std::size_t>(tw * th * 3)));
  if (!inside) fill(rgb.data(), static_cast<std::size_t>(rect.width * rect.height), native_->background);
  const std::int64_t left = std::max<std::int64_t>(rect.x, 0), right = std::min(rect.x + rect.width, level.width);
  const std::int64_t top = std::max<std::int64_t>(rect.y, 0), bottom = std::min(rect.y + rect.height, level.height);
  bool good = true;
  for (std::int64_t ty = top / th; ty * th < bottom; ++ty)
    for (std::int64_t tx = left / tw; tx * tw < right; ++tx) {
      const Tile& source = tile(index, tx, ty);
      good = good && source.good;
      const std::int64_t x0 = std::max(left, tx * tw), x1 = std::min(right, (tx + 1) * tw), y0 = std::max(top, ty * th), y1 = std::min(bottom, (ty + 1) * th);
      for (std::int64_t y = y0; y < y1; ++y)
        std::memcpy(rgb.data() + ((y - rect.y) * rect.width + x0 - rect.x) * 3, source.rgb.data() + ((y - ty * th) * tw + x0 - tx * tw) * 3, static_cast<std::size_t>(x1 - x0) * 3);
    }
  return good;
}

}  // namespace hepar::pathology
