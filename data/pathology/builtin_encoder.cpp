// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/builtin_encoder.hpp"

#include "data/base/error.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace hepar::pathology {

namespace {

constexpr int kBins = 16, kGreyLevels = 8, kScales = 4;
constexpr int kChunk = 128;  // pixels whose sums fit into 32 bits, which the compiler turns into vectors

// Densities and amounts are whole numbers of 1/4096: sums of whole numbers are the same on every machine and in any order.
constexpr double kUnit = 4096;
constexpr int kHematoxylinStep = 410, kEosinStep = 205;  // a bin: 0.1 and 0.05

// Optical density of an 8-bit intensity: -log10((v + 1) / 256).
const std::array<std::int32_t, 256>& densities() {
  static const std::array<std::int32_t, 256> table = [] {
    std::array<std::int32_t, 256> t{};
    for (int v = 0; v < 256; ++v) t[static_cast<std::size_t>(v)] = static_cast<std::int32_t>(std::lround(-std::log10((v + 1) / 256.0) * kUnit));
    return t;
  }();
  return table;
}

// Rows of the inverse of the stain matrix (haematoxylin 0.650 0.704 0.286, eosin 0.072 0.990 0.105, residual 0.268 0.570 0.776,
// each scaled to length one) in 1/1024: amounts from densities.
constexpr std::array<std::array<std::int32_t, 3>, 3> kUnmix{{{1925, -75, -610}, {-1040, 1160, -493}, {-568, -129, 1610}}};

// 1 or 0 without a branch.
std::int32_t at_least(std::int32_t value, std::int32_t least) { return static_cast<std::int32_t>(static_cast<std::uint32_t>(least - 1 - value) >> 31); }

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

double mean_difference(const std::uint8_t* grey, int edge) {
  std::int64_t sum = 0;
  for (int y = 0; y + 1 < edge; ++y) {
    const std::uint8_t *row = grey + static_cast<std::ptrdiff_t>(y) * edge, *below = row + edge;
    std::int32_t line = 0;  // 8192 px x 510 fits
    for (int x = 0; x + 1 < edge; ++x) line += std::abs(row[x] - row[x + 1]) + std::abs(row[x] - below[x]);
    sum += line;
  }
  return static_cast<double>(sum) / (2.0 * (edge - 1) * (edge - 1));
}

// Haralick, Shanmugam and Dinstein 1973, symmetric, of neighbours (dx, dy) apart.
void co_occurrence(const std::uint8_t* grey, int edge, int dx, int dy, float* out) {
  std::array<std::array<std::uint32_t, kGreyLevels * kGreyLevels>, 4> lanes{};  // neighbours in a row count into different lanes
  for (int y = 0; y + dy < edge; ++y) {
    const std::uint8_t* row = grey + static_cast<std::ptrdiff_t>(y) * edge;
    const std::uint8_t* other = row + static_cast<std::ptrdiff_t>(dy) * edge + dx;
    for (int x = 0; x + dx < edge; ++x) ++lanes[static_cast<std::size_t>(x & 3)][static_cast<std::size_t>((row[x] >> 5) * kGreyLevels + (other[x] >> 5))];
  }
  std::array<std::int64_t, kGreyLevels * kGreyLevels> count{};
  for (const auto& lane : lanes)
    for (std::size_t i = 0; i < count.size(); ++i) count[i] += lane[i];
  double total = 0, contrast = 0, homogeneity = 0, energy = 0, mean = 0, square = 0, product = 0;
  for (const std::int64_t n : count) total += static_cast<double>(n);
  for (int i = 0; i < kGreyLevels; ++i)
    for (int j = 0; j < kGreyLevels; ++j) {
      const double p = 0.5 * static_cast<double>(count[static_cast<std::size_t>(i * kGreyLevels + j)] + count[static_cast<std::size_t>(j * kGreyLevels + i)]) / total;
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
  for (int y = 1; y + 1 < height; ++y) {
    const std::uint8_t* __restrict row = grey + static_cast<std::ptrdiff_t>(y) * width;
    const std::uint8_t *above = row - width, *below = row + width;
    for (int first = 1; first + 1 < width; first += kChunk) {
      const int last = std::min(first + kChunk, width - 1);
      std::int32_t part = 0, part_squares = 0;
      for (int x = first; x < last; ++x) {
        const std::int32_t value = above[x] + below[x] + row[x - 1] + row[x + 1] - 4 * row[x];
        part += value;
        part_squares += value * value;
      }
      sum += part;
      squares += part_squares;
    }
  }
  const double n = static_cast<double>(width - 2) * (height - 2), mean = static_cast<double>(sum) / n;
  return static_cast<double>(squares) / n - mean * mean;
}

BuiltinEncoder::BuiltinEncoder(int tile_pixels) : pixels_(tile_pixels) {
  if (tile_pixels < 16) throw usage_error("the built-in tile encoder needs tiles of at least 16 px, not " + std::to_string(tile_pixels), {}, "set a larger 'tile'");
}

void BuiltinEncoder::encode(std::span<const std::uint8_t> rgb, std::size_t tiles, std::span<float> features) {
  const std::size_t bytes = static_cast<std::size_t>(pixels_) * static_cast<std::size_t>(pixels_) * 3;
  for (std::size_t t = 0; t < tiles; ++t) encode_one(rgb.data() + t * bytes, features.data() + t * kWidth);
}

void BuiltinEncoder::encode_one(const std::uint8_t* rgb, float* out) {
  const auto pixels = static_cast<std::size_t>(pixels_) * static_cast<std::size_t>(pixels_);
  for (std::size_t c = 0; c < 3; ++c) {
    std::vector<std::uint8_t>& plane = buffers_.plane[c];
    plane.resize(pixels);
    const std::uint8_t* __restrict from = rgb + c;
    std::uint8_t* __restrict to = plane.data();
    for (std::size_t i = 0; i < pixels; ++i) to[i] = from[3 * i];
    shrink(plane.data(), pixels_, buffers_.half[c]);
  }
  buffers_.grey.resize(pixels);
  const std::uint8_t *__restrict r = buffers_.plane[0].data(), *__restrict g = buffers_.plane[1].data(), *__restrict b = buffers_.plane[2].data();
  std::uint8_t* __restrict grey = buffers_.grey.data();
  for (std::size_t i = 0; i < pixels; ++i) grey[i] = static_cast<std::uint8_t>((77 * r[i] + 150 * g[i] + 29 * b[i] + 128) >> 8);
  colours(out);
  stains(out);
  textures(out);
}

void BuiltinEncoder::colours(float* out) const {
  for (std::size_t c = 0; c < 3; ++c) {
    const std::vector<std::uint8_t>& plane = buffers_.plane[c];
    std::int64_t sum = 0, squares = 0;
    for (std::size_t first = 0; first < plane.size(); first += kChunk) {
      const std::uint8_t* from = plane.data() + first;
      const int count = static_cast<int>(std::min<std::size_t>(kChunk, plane.size() - first));
      std::int32_t part = 0, part_squares = 0;
      for (int i = 0; i < count; ++i) {
        part += from[i];
        part_squares += from[i] * from[i];
      }
      sum += part;
      squares += part_squares;
    }
    const auto n = static_cast<double>(plane.size());
    const double mean = static_cast<double>(sum) / n;
    out[c] = static_cast<float>(mean / 255);
    out[3 + c] = static_cast<float>(std::sqrt(std::max(0.0, static_cast<double>(squares) / n - mean * mean)) / 255);
  }
}

namespace {

// What the pixels of a tile (on the 2 x 2 mean) say of its stains, a chunk at a time.
struct StainSums {
  std::array<std::array<std::uint32_t, kBins>, 2> hematoxylin{}, eosin{};  // even and odd pixels
  std::array<std::int64_t, 3> sum{}, squares{};
  std::int64_t tissue = 0, nuclei = 0, white = 0, saturation = 0;
  void add(const std::array<std::vector<std::uint8_t>, 3>& half, std::size_t first);
};

void StainSums::add(const std::array<std::vector<std::uint8_t>, 3>& half, std::size_t first) {
  const std::array<std::int32_t, 256>& density = densities();
  const auto count = static_cast<int>(std::min<std::size_t>(kChunk, half[0].size() - first));
  // Short loops over local arrays, one thing each: the compiler turns them into vectors. What lies behind `count` is white.
  std::array<std::array<std::int32_t, kChunk>, 3> value, od, amount;
  for (std::size_t c = 0; c < 3; ++c) {
    const std::uint8_t* from = half[c].data() + first;
    if (count == kChunk) {
      for (std::size_t i = 0; i < kChunk; ++i) value[c][i] = from[i];
    } else {
      value[c].fill(255);
      std::copy_n(from, count, value[c].begin());
    }
    for (std::size_t i = 0; i < kChunk; ++i) od[c][i] = density[static_cast<std::size_t>(value[c][i])];
  }
  for (std::size_t s = 0; s < 3; ++s) {
    std::int32_t part = 0;
    std::int64_t part_squares = 0;
    for (std::size_t i = 0; i < kChunk; ++i) amount[s][i] = (kUnmix[s][0] * od[0][i] + kUnmix[s][1] * od[1][i] + kUnmix[s][2] * od[2][i]) >> 10;
    for (std::size_t i = 0; i < kChunk; ++i) part += amount[s][i];
    for (std::size_t i = 0; i < kChunk; ++i) part_squares += amount[s][i] * amount[s][i];
    sum[s] += part;
    squares[s] += part_squares;
  }
  std::int32_t tissues = 0, dark = 0, bright = 0, colourful = 0;
  std::array<std::int32_t, kChunk> high, low, bin_h, bin_e;
  for (std::size_t i = 0; i < kChunk; ++i) {
    high[i] = std::max(std::max(value[0][i], value[1][i]), value[2][i]);
    low[i] = std::min(std::min(value[0][i], value[1][i]), value[2][i]);
  }
  for (std::size_t i = 0; i < kChunk; ++i) {
    tissues += at_least(od[0][i] + od[1][i] + od[2][i], static_cast<std::int32_t>(0.24 * kUnit));
    dark += at_least(amount[0][i], static_cast<std::int32_t>(0.45 * kUnit));
    bright += at_least(low[i], 220);
  }
  bright -= kChunk - count;
  for (std::size_t i = 0; i < kChunk; ++i) {
    const float top = static_cast<float>(high[i] + (high[i] == 0));
    colourful += static_cast<std::int32_t>(static_cast<float>((high[i] - low[i]) * 65536) / top);
  }
  for (std::size_t i = 0; i < kChunk; ++i) {
    bin_h[i] = std::min(std::max(amount[0][i], 0) / kHematoxylinStep, kBins - 1);
    bin_e[i] = std::min(std::max(amount[1][i], 0) / kEosinStep, kBins - 1);
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    ++hematoxylin[i & 1][static_cast<std::size_t>(bin_h[i])];
    ++eosin[i & 1][static_cast<std::size_t>(bin_e[i])];
  }
  tissue += tissues;
  nuclei += dark;
  white += bright;
  saturation += colourful;
}

}  // namespace

void BuiltinEncoder::stains(float* out) const {
  const std::size_t pixels = buffers_.half[0].size();
  StainSums of;
  for (std::size_t first = 0; first < pixels; first += kChunk) of.add(buffers_.half, first);
  const auto n = static_cast<double>(pixels);
  for (std::size_t s = 0; s < 3; ++s) {
    const double mean = static_cast<double>(of.sum[s]) / n / kUnit, square = static_cast<double>(of.squares[s]) / n / (kUnit * kUnit);
    out[6 + s] = static_cast<float>(mean);
    out[9 + s] = static_cast<float>(std::sqrt(std::max(0.0, square - mean * mean)));
  }
  for (std::size_t b = 0; b < kBins; ++b) {
    out[12 + b] = static_cast<float>((of.hematoxylin[0][b] + of.hematoxylin[1][b]) / n);
    out[28 + b] = static_cast<float>((of.eosin[0][b] + of.eosin[1][b]) / n);
  }
  out[44] = static_cast<float>(static_cast<double>(of.tissue) / n);
  out[45] = static_cast<float>(static_cast<double>(of.nuclei) / n);
  out[46] = static_cast<float>(static_cast<double>(of.white) / n);
  out[47] = static_cast<float>(static_cast<double>(of.saturation) / 65536 / n);
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
    throw usage_error("modality " + modality.name + " asks for the encoder '" + modality.encoder + "', and this build runs only 'builtin'", modality.place, "build with LibTorch, or import tile features (.h5)");
  return std::make_shared<BuiltinEncoder>(modality.tile);
}

}  // namespace hepar::pathology
