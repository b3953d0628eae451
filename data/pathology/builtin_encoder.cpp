// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/builtin_encoder.hpp"

#include "data/base/error.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace hepar::pathology {

namespace {

constexpr int kBins = 16, kGreyLevels = 8, kScales = 4;
constexpr float kHematoxylinTop = 1.6f, kEosinTop = 0.8f;

// Optical density of an 8-bit intensity: -log10((v + 1) / 256).
const std::array<float, 256>& densities() {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> t{};
    for (int v = 0; v < 256; ++v) t[static_cast<std::size_t>(v)] = static_cast<float>(-std::log10((v + 1) / 256.0));
    return t;
  }();
  return table;
}

// Rows of the inverse of the stain matrix (haematoxylin 0.650 0.704 0.286, eosin 0.072 0.990 0.105, residual 0.268 0.570 0.776,
// each scaled to length one): amounts from densities.
constexpr std::array<std::array<float, 3>, 3> kUnmix{{{1.88000259f, -0.0735982f, -0.59521871f}, {-1.01536655f, 1.13316777f, -0.48168478f}, {-0.55496979f, -0.12641597f, 1.57247275f}}};

void shrink(const std::uint8_t* from, int edge, int channels, std::vector<std::uint8_t>& to) {
  const int half = edge / 2;
  to.resize(static_cast<std::size_t>(half) * static_cast<std::size_t>(half) * static_cast<std::size_t>(channels));
  for (int y = 0; y < half; ++y) {
    const std::uint8_t* above = from + static_cast<std::ptrdiff_t>(2 * y) * edge * channels;
    const std::uint8_t* below = above + static_cast<std::ptrdiff_t>(edge) * channels;
    std::uint8_t* out = to.data() + static_cast<std::ptrdiff_t>(y) * half * channels;
    for (int x = 0; x < half; ++x)
      for (int c = 0; c < channels; ++c) {
        const int at = 2 * x * channels + c;
        out[x * channels + c] = static_cast<std::uint8_t>((above[at] + above[at + channels] + below[at] + below[at + channels] + 2) >> 2);
      }
  }
}

void grey_of(const std::uint8_t* rgb, std::size_t pixels, std::vector<std::uint8_t>& grey) {
  grey.resize(pixels);
  for (std::size_t i = 0; i < pixels; ++i) grey[i] = static_cast<std::uint8_t>((77 * rgb[3 * i] + 150 * rgb[3 * i + 1] + 29 * rgb[3 * i + 2] + 128) >> 8);
}

double mean_difference(const std::uint8_t* grey, int edge) {
  std::int64_t sum = 0;
  for (int y = 0; y + 1 < edge; ++y) {
    const std::uint8_t *row = grey + static_cast<std::ptrdiff_t>(y) * edge, *below = row + edge;
    std::int32_t line = 0;
    for (int x = 0; x + 1 < edge; ++x) line += std::abs(row[x] - row[x + 1]) + std::abs(row[x] - below[x]);
    sum += line;
  }
  return static_cast<double>(sum) / (2.0 * (edge - 1) * (edge - 1));
}

// Haralick, Shanmugam and Dinstein 1973, symmetric, of neighbours `step` apart in memory.
void co_occurrence(const std::uint8_t* grey, int edge, int dx, int dy, float* out) {
  std::array<std::int64_t, kGreyLevels * kGreyLevels> count{};
  for (int y = 0; y + dy < edge; ++y) {
    const std::uint8_t* row = grey + static_cast<std::ptrdiff_t>(y) * edge;
    const std::uint8_t* other = row + static_cast<std::ptrdiff_t>(dy) * edge + dx;
    for (int x = 0; x + dx < edge; ++x) ++count[static_cast<std::size_t>((row[x] >> 5) * kGreyLevels + (other[x] >> 5))];
  }
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
    const std::uint8_t *row = grey + static_cast<std::ptrdiff_t>(y) * width, *above = row - width, *below = row + width;
    std::int32_t line = 0;
    std::int64_t line_squares = 0;
    for (int x = 1; x + 1 < width; ++x) {
      const std::int32_t value = above[x] + below[x] + row[x - 1] + row[x + 1] - 4 * row[x];
      line += value;
      line_squares += value * value;
    }
    sum += line;
    squares += line_squares;
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
  colours(rgb, out);
  grey_of(rgb, static_cast<std::size_t>(pixels_) * static_cast<std::size_t>(pixels_), buffers_.grey);
  shrink(rgb, pixels_, 3, buffers_.half);
  stains(out);
  textures(out);
}

void BuiltinEncoder::colours(const std::uint8_t* rgb, float* out) const {
  std::array<std::int64_t, 3> sum{}, squares{};
  for (int y = 0; y < pixels_; ++y) {
    const std::uint8_t* row = rgb + static_cast<std::ptrdiff_t>(y) * pixels_ * 3;
    std::array<std::int32_t, 3> line{}, line_squares{};  // 8192 px x 255^2 fits
    for (int x = 0; x < pixels_; ++x)
      for (std::size_t c = 0; c < 3; ++c) {
        const std::int32_t v = row[3 * x + static_cast<int>(c)];
        line[c] += v;
        line_squares[c] += v * v;
      }
    for (std::size_t c = 0; c < 3; ++c) {
      sum[c] += line[c];
      squares[c] += line_squares[c];
    }
  }
  const double n = static_cast<double>(pixels_) * pixels_;
  for (std::size_t c = 0; c < 3; ++c) {
    const double mean = static_cast<double>(sum[c]) / n, variance = static_cast<double>(squares[c]) / n - mean * mean;
    out[c] = static_cast<float>(mean / 255);
    out[3 + c] = static_cast<float>(std::sqrt(std::max(0.0, variance)) / 255);
  }
}

void BuiltinEncoder::stains(float* out) const {
  const std::array<float, 256>& density = densities();
  const std::size_t pixels = buffers_.half.size() / 3;
  std::array<std::int32_t, kBins> hematoxylin{}, eosin{};
  std::array<double, 3> sum{}, squares{};
  std::int64_t tissue = 0, nuclei = 0, white = 0, saturation = 0;
  for (std::size_t i = 0; i < pixels; ++i) {
    const std::uint8_t *p = buffers_.half.data() + 3 * i, r = p[0], g = p[1], b = p[2];
    const std::array<float, 3> od{density[r], density[g], density[b]};
    std::array<float, 3> amount{};
    for (std::size_t s = 0; s < 3; ++s) {
      amount[s] = kUnmix[s][0] * od[0] + kUnmix[s][1] * od[1] + kUnmix[s][2] * od[2];
      sum[s] += amount[s];
      squares[s] += static_cast<double>(amount[s] * amount[s]);
    }
    ++hematoxylin[static_cast<std::size_t>(std::clamp(static_cast<int>(amount[0] * (kBins / kHematoxylinTop)), 0, kBins - 1))];
    ++eosin[static_cast<std::size_t>(std::clamp(static_cast<int>(amount[1] * (kBins / kEosinTop)), 0, kBins - 1))];
    const int high = std::max({r, g, b}), low = std::min({r, g, b});
    tissue += od[0] + od[1] + od[2] >= 0.24f ? 1 : 0;
    nuclei += amount[0] >= 0.45f ? 1 : 0;
    white += low >= 220 ? 1 : 0;
    saturation += high == 0 ? 0 : 255 * (high - low) / high;
  }
  const auto n = static_cast<double>(pixels);
  for (std::size_t s = 0; s < 3; ++s) {
    const double mean = sum[s] / n;
    out[6 + s] = static_cast<float>(mean);
    out[9 + s] = static_cast<float>(std::sqrt(std::max(0.0, squares[s] / n - mean * mean)));
  }
  for (std::size_t b = 0; b < kBins; ++b) {
    out[12 + b] = static_cast<float>(hematoxylin[b] / n);
    out[28 + b] = static_cast<float>(eosin[b] / n);
  }
  out[44] = static_cast<float>(static_cast<double>(tissue) / n);
  out[45] = static_cast<float>(static_cast<double>(nuclei) / n);
  out[46] = static_cast<float>(static_cast<double>(white) / n);
  out[47] = static_cast<float>(static_cast<double>(saturation) / n / 255);
}

void BuiltinEncoder::textures(float* out) {
  int edge = pixels_;
  for (int scale = 0; scale < kScales; ++scale) {
    if (scale > 0) {
      shrink(buffers_.grey.data(), edge, 1, buffers_.smaller);
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
