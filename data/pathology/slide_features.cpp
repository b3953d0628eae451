// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/slide_features.hpp"

#include "data/pathology/batches.hpp"
#include "data/pathology/thumbnail.hpp"
#include "data/pathology/tile_sample.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace hepar::pathology {

namespace {

constexpr std::size_t kBatchesAhead = 3;
constexpr double kStripTiles = 16;  // tiles are read in strips this wide, so that the source tiles of a row stay in the cache

// The order in which tiles are read; features go to their place whatever it is.
std::vector<std::size_t> reading_order(const TileGrid& grid) {
  std::vector<std::size_t> order(grid.tiles.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto strip = [&](std::size_t t) { return std::floor(grid.tiles[t][0] / (kStripTiles * grid.level0_width)); };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tuple(strip(a), grid.tiles[a][1], grid.tiles[a][0], a) < std::tuple(strip(b), grid.tiles[b][1], grid.tiles[b][0], b);
  });
  return order;
}

// Features of every tile that could be decoded, in the plan's order; the others are counted.
TileFeatures gather(const TileGrid& grid, std::int64_t width, const std::vector<std::uint16_t>& halfs, const std::vector<std::uint8_t>& done, SlideQuality& quality) {
  TileFeatures tiles;
  tiles.width = width;
  for (std::size_t t = 0; t < grid.tiles.size(); ++t) {
    if (done[t] == 0) {
      ++quality.corrupt_tiles;
      continue;
    }
    const auto* bytes = reinterpret_cast<const std::byte*>(halfs.data() + t * static_cast<std::size_t>(width));
    tiles.values.insert(tiles.values.end(), bytes, bytes + 2 * width);
    tiles.coords.push_back(grid.tiles[t]);
    ++tiles.count;
  }
  return tiles;
}

bool encode_batch(TileEncoder& encoder, const TileBatch& batch, std::vector<float>& features, std::vector<std::uint16_t>& halfs) {
  const auto width = static_cast<std::size_t>(encoder.width());
  features.resize(batch.index.size() * width);
  encoder.encode(batch.rgb, batch.index.size(), features);
  bool finite = true;
  for (std::size_t i = 0; i < batch.index.size(); ++i)
    for (std::size_t c = 0; c < width; ++c) {
      const std::uint16_t half = to_half(features[i * width + c]);
      finite = finite && (half & 0x7c00u) != 0x7c00u;
      halfs[batch.index[i] * width + c] = half;
    }
  return finite;
}

}  // namespace

SlideFeatures read_slide_features(const SlideRow& row, const ModalitySpec& modality, TileEncoder& encoder) {
  SlideLook look = look_at_slide(row, modality, false);
  SlideFeatures out;
  out.tiles.reason = look.reason;
  out.tiles.detail = look.detail;
  if (!look.slide || !look.scale.usable()) return out;
  out.quality = look.quality;
  out.picture = thumbnail_of(look.overview, look.map);
  if (look.reason != Reason::present) return out;
  look.overview = {};  // only the plan is needed from here
  look.map = {};

  const int pixels = modality.tile;
  const std::size_t tile_bytes = static_cast<std::size_t>(pixels) * static_cast<std::size_t>(pixels) * 3;
  const std::vector<std::size_t> order = reading_order(look.grid);
  const SlideLevel& level = look.slide->levels()[look.grid.level];
  TileSample sample(order.size(), pixels);
  ResampleBuffers buffers;
  std::vector<std::uint16_t> halfs(order.size() * static_cast<std::size_t>(encoder.width()));
  std::vector<std::uint8_t> done(order.size(), 0);
  std::vector<float> features;
  std::size_t next = 0;
  bool finite = true;
  const auto make = [&](TileBatch& batch) {
    const std::size_t most = std::max<std::size_t>(1, encoder.batch());
    batch.rgb.resize(most * tile_bytes);
    while (next < order.size() && batch.index.size() < most) {
      const std::size_t tile = order[next++];
      const std::span<std::uint8_t> rgb(batch.rgb.data() + batch.index.size() * tile_bytes, tile_bytes);
      if (!read_scaled(*look.slide, look.grid.level, window_of(look.grid, level, look.grid.tiles[tile], pixels), pixels, pixels, rgb, buffers)) continue;
      if (sample.wants(tile)) sample.add(rgb);
      batch.index.push_back(tile);
    }
    return next < order.size();
  };
  run_batches(encoder.overlaps() ? kBatchesAhead : 0, make, [&](TileBatch& batch) {
    finite = encode_batch(encoder, batch, features, halfs) && finite;
    for (const std::size_t tile : batch.index) done[tile] = 1;
  });
  sample.judge(*out.quality);
  out.tiles = gather(look.grid, encoder.width(), halfs, done, *out.quality);
  if (out.tiles.count == 0) {
    out.tiles.reason = Reason::unreadable;
    out.tiles.detail = "not one of its tiles can be decoded";
  } else if (!finite) {
    out.tiles = {};
    out.tiles.reason = Reason::not_finite;
    out.tiles.detail = "its features hold NaN, infinity or values beyond half precision";
  } else if (out.quality->corrupt_tiles > 0) {
    out.tiles.detail = std::to_string(out.quality->corrupt_tiles) + " of " + std::to_string(order.size()) + " tiles cannot be decoded and are left out";
  }
  return out;
}

}  // namespace hepar::pathology
