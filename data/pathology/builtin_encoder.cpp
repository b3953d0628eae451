// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/builtin_encoder.hpp"

#include "data/base/error.hpp"
#include "data/pathology/stain_sums.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

namespace hepar::pathology {

namespace {

constexpr int kGreyLevels = 8, kScales = 4;
constexpr std::size_t kRun = 64;

// Calls `visit(first, count)` for runs of a row. Whole runs have a constant length: short loops of one thing each become vectors.
template <class Visit>
void by_runs(std::size_t length, const Visit& visit) {
  std::size_t first = 0;
  for (; first + kRun <= length; first += kRun) visit(first, std::integral_constant<std::size_t, kRun>{});
  if (first < length) visit(first, length - first);
}

void shrink(const std::uint8_t* from, int edge, std::vector<std::uint8_t>& to) {
  const int half = edge / 2;
  to.resize(static_cast<std::size_t>(half) * static_cast<std::size_t>(half));
  for (int y = 0; y < half; ++y) {
    const std::uint8_t* __restrict above = from + static_cast<std::ptrdiff_t>(2 * y) * edge;
    const std::uint8_t* __restrict below = above + edge;
    std::uint8_t* __restrict out = to.data() + static_cast<std::ptrdiff_t>(y) * half;
    for (int x = 0; x < half; ++x) out[x] = static_cast<std::uint8_t>((above[2 * x] + above[2 * x + 1] + below[2 * x] + below[2 * x + 1] + 2) >> 2);
  }
}

struct Moments {
  std::int64_t sum = 0, squares = 0;
};

Moments moments_of(std::span<const std::uint8_t> values) {
  Moments all;
  std::array<std::int16_t, kRun> wide;
  by_runs(values.size(), [&](std::size_t first, auto count) {
    const std::uint8_t* from = values.data() + first;
    std::int32_t sum = 0, squares = 0;
    for (std::size_t i = 0; i < count; ++i) wide[i] = from[i];
    for (std::size_t i = 0; i < count; ++i) sum += wide[i];
    for (std::size_t i = 0; i < count; ++i) squares += wide[i] * wide[i];
    all.sum += sum;
    all.squares += squares;
  });
  return all;
}

// Sum of |a - b| over bytes.
std::int64_t distance(const std::uint8_t* a, const std::uint8_t* b, int count) {
  std::int32_t sum = 0;  // 8192 px x 255 fits
  for (int i = 0; i < count; ++i) sum += std::abs(a[i] - b[i]);
  return sum;
}

double mean_difference(const std::uint8_t* grey, int edge) {
  std::int64_t sum = 0;
  for (int y = 0; y + 1 < edge; ++y) {
    const std::uint8_t* row = grey + static_cast<std::ptrdiff_t>(y) * edge;
    sum += distance(row, row + 1, edge - 1) + distance(row, row + edge, edge - 1);
  }
  return static_cast<double>(sum) / (2.0 * (edge - 1) * (edge - 1));
}

// Haralick, Shanmugam and Dinstein 1973, symmetric, of neighbours (dx, dy) apart.
void co_occurrence(const std::uint8_t* grey, int edge, int dx, int dy, float* out) {
  std::array<std::array<std::uint32_t, kGreyLevels * kGreyLevels>, 4> lanes{};  // neighbours in a row count into different lanes
  std::array<std::uint8_t, kRun> pair;
  for (int y = 0; y + dy < edge; ++y)
    by_runs(static_cast<std::size_t>(edge - dx), [&](std::size_t first, auto count) {
      const std::uint8_t* row = grey + static_cast<std::size_t>(y) * static_cast<std::size_t>(edge) + first;
      const std::uint8_t* other = row + dy * edge + dx;
      for (std::size_t i = 0; i < count; ++i) pair[i] = static_cast<std::uint8_t>((row[i] >> 5 << 3) | (other[i] >> 5));
      for (std::size_t i = 0; i < count; ++i) ++lanes[i & 3][pair[i]];
    });
  std::array<std::int64_t, kGreyLevels * kGreyLevels> count{};
  for (const auto& lane : lanes)
    for (std::size_t i = 0; i < count.size(); ++i) count[i] += lane[i];
  double total = 0, contrast = 0, homogeneity = 0, energy = 0, mean = 0, square = 0, product = 0;
  for (const std::int64_t n : count) total += static_cast<double>(n);
  for (int i = 0; i < kGreyLevels; ++i)
    for (int j = 0; j < kGreyLevels; ++j) {
      const double p =
          0.5 * static_cast<double>(count[static_cast<std::size_t>(i * kGreyLevels + j)] + count[static_cast<std::size_t>(j * kGreyLevels + i)]) / total;
      contrast += p * (i - j) * (i - j);
      homogeneity += p / (1 + std::abs(i - j));
      energy += p * p;
      mean += p * i;
      square += p * i * i;
      product += p * i * j;
    }
  const double variance = square - mean * mean;
  out[0] = static_cast<float>(contrast / 8);
  out[1] = static_cast<float>(homogeneity);
  out[2] = static_cast<float>(energy);
  out[3] = variance > 1e-9 ? static_cast<float>((product - mean * mean) / variance) : 1.0f;  // one grey level agrees with itself
}

}  // namespace

double laplacian_variance(const std::uint8_t* grey, int width, int height) {
  if (width < 3 || height < 3) return 0;
  std::int64_t sum = 0, squares = 0;
  std::array<std::int16_t, kRun> value;
  for (int y = 1; y + 1 < height; ++y)
    by_runs(static_cast<std::size_t>(width - 2), [&](std::size_t first, auto count) {
      const std::uint8_t* row = grey + static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + first + 1;
      const std::uint8_t *above = row - width, *below = row + width, *left = row - 1, *right = row + 1;
      std::int32_t part = 0, part_squares = 0;
      for (std::size_t i = 0; i < count; ++i) value[i] = static_cast<std::int16_t>(above[i] + below[i] + left[i] + right[i] - 4 * row[i]);
      for (std::size_t i = 0; i < count; ++i) part += value[i];
      for (std::size_t i = 0; i < count; ++i) part_squares += value[i] * value[i];
      sum += part;
      squares += part_squares;
    });
  const double n = static_cast<double>(width - 2) * (height - 2), mean = static_cast<double>(sum) / n;
  return static_cast<double>(squares) / n - mean * mean;
}

BuiltinEncoder::BuiltinEncoder(int tile_pixels) : pixels_(tile_pixels) {
  if (tile_pixels < 16)
    throw usage_error("the built-in tile encoder needs tiles of at least 16 px, not " + std::to_string(tile_pixels), {}, "set a larger 'tile'");
}

void BuiltinEncoder::encode(std::span<const std::uint8_t> rgb, std::size_t tiles, std::span<float> features) {
  const std::size_t bytes = static_cast<std::size_t>(pixels_) * static_cast<std::size_t>(pixels_) * 3;
  for (std::size_t t = 0; t < tiles; ++t) encode_one(rgb.data() + t * bytes, features.data() + t * kWidth);
}

void BuiltinEncoder::encode_one(const std::uint8_t* rgb, float* out) {
  const auto pixels = static_cast<std::size_t>(pixels_) * static_cast<std::size_t>(pixels_);
  for (std::vector<std::uint8_t>& plane : buffers_.plane) plane.resize(pixels);
  buffers_.grey.resize(pixels);
  std::uint8_t* __restrict r = buffers_.plane[0].data(), * __restrict g = buffers_.plane[1].data(), * __restrict b = buffers_.plane[2].data();
  std::uint8_t* __restrict grey = buffers_.grey.data();
  for (std::size_t i = 0; i < pixels; ++i) {
    r[i] = rgb[3 * i];
    g[i] = rgb[3 * i + 1];
    b[i] = rgb[3 * i + 2];
  }
  for (std::size_t i = 0; i < pixels; ++i) grey[i] = static_cast<std::uint8_t>((77 * r[i] + 150 * g[i] + 29 * b[i] + 128) >> 8);
  for (std::size_t c = 0; c < 3; ++c) shrink(buffers_.plane[c].data(), pixels_, buffers_.half[c]);
  colours(out);
  stain_features(buffers_.half, out);
  textures(out);
}

void BuiltinEncoder::colours(float* out) const {
  for (std::size_t c = 0; c < 3; ++c) {
    const Moments moments = moments_of(buffers_.plane[c]);
    const auto n = static_cast<double>(buffers_.plane[c].size());
    const double mean = static_cast<double>(moments.sum) / n;
    out[c] = static_cast<float>(mean / 255);
    out[3 + c] = static_cast<float>(std::sqrt(std::max(0.0, static_cast<double>(moments.squares) / n - mean * mean)) / 255);
  }
}

void BuiltinEncoder::textures(float* out) {
  int edge = pixels_;
  for (int scale = 0; scale < kScales; ++scale) {
    if (scale > 0) {
      shrink(buffers_.grey.data(), edge, buffers_.smaller);
      buffers_.grey.swap(buffers_.smaller);
      edge /= 2;
    }
    out[48 + scale] = edge > 1 ? static_cast<float>(mean_difference(buffers_.grey.data(), edge) / 32) : 0.0f;
    out[52 + scale] = static_cast<float>(std::log1p(laplacian_variance(buffers_.grey.data(), edge, edge)) / 8);
    if (scale == 1) {
      co_occurrence(buffers_.grey.data(), edge, 1, 0, out + 56);
      co_occurrence(buffers_.grey.data(), edge, 0, 1, out + 60);
    }
  }
}

std::shared_ptr<TileEncoder> builtin_encoder(const ModalitySpec& modality) {
  if (modality.encoder != "builtin")
    throw usage_error("modality " + modality.name + " asks for the encoder '" + modality.encoder + "', and this build runs only 'builtin'", modality.place,
                      "build with LibTorch, or import tile features (.h5)");
  return std::make_shared<BuiltinEncoder>(modality.tile);
}

}  // namespace hepar::pathology
