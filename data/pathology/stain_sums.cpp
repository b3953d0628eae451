// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/stain_sums.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::pathology {

namespace {

constexpr int kBins = 16;
constexpr std::size_t kChunk = 64;  // pixels whose sums of squares fit into 32 bits; short loops of one thing each become vectors

// Densities are whole numbers of 1/4096 and amounts of 1/1024: sums of whole numbers are the same on every machine and in any order.
constexpr double kDensityUnit = 4096, kAmountUnit = 1024;
constexpr std::int16_t kTissueDensity = 983, kNucleusAmount = 461;  // 3 x 0.08 in densities, 0.45 in amounts
constexpr std::int32_t kWhite = 220;
constexpr int kHematoxylinBins = 640, kEosinBins = 1280;  // x 1/65536: bins of 0.1 and of 0.05

// Optical density of an 8-bit intensity: -log10((v + 1) / 256).
const std::array<std::int16_t, 256>& densities() {
  static const std::array<std::int16_t, 256> table = [] {
    std::array<std::int16_t, 256> t{};
    for (int v = 0; v < 256; ++v) t[static_cast<std::size_t>(v)] = static_cast<std::int16_t>(std::lround(-std::log10((v + 1) / 256.0) * kDensityUnit));
    return t;
  }();
  return table;
}

// Rows of the inverse of the stain matrix (haematoxylin 0.650 0.704 0.286, eosin 0.072 0.990 0.105, residual 0.268 0.570 0.776,
// each scaled to length one) in 1/8192: a density times one of them, less 15 bits, is its part of an amount.
constexpr std::array<std::array<std::int16_t, 3>, 3> kUnmix{{{15401, -603, -4876}, {-8318, 9283, -3946}, {-4546, -1036, 12882}}};

std::int16_t part_of(std::int16_t density, std::int16_t weight) { return static_cast<std::int16_t>((density * weight + (1 << 14)) >> 15); }
std::int16_t bin_of(std::int16_t amount, int per) {
  return std::min<std::int16_t>(static_cast<std::int16_t>((std::max<std::int16_t>(amount, 0) * per) >> 16), kBins - 1);
}

// Counted a chunk of pixels at a time.
struct Sums {
  std::array<std::array<std::uint32_t, kBins * kBins>, 4> joint{};  // eosin's bin, haematoxylin's bin; neighbours count into different lanes
  std::array<std::int64_t, 3> sum{}, squares{};
  std::int64_t tissue = 0, nuclei = 0, white = 0, saturation = 0;

  using Values = std::array<std::array<std::uint8_t, kChunk>, 3>;
  void add_amounts(const Values& value, std::size_t count);
  void add_brightness(const Values& value, std::size_t count);
};

void Sums::add_amounts(const Values& value, std::size_t count) {
  const std::array<std::int16_t, 256>& density = densities();
  std::array<std::array<std::int16_t, kChunk>, 3> od, amount;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t i = 0; i < kChunk; ++i) od[c][i] = density[value[c][i]];
  for (std::size_t s = 0; s < 3; ++s) {
    for (std::size_t i = 0; i < kChunk; ++i)
      amount[s][i] = static_cast<std::int16_t>(part_of(od[0][i], kUnmix[s][0]) + part_of(od[1][i], kUnmix[s][1]) + part_of(od[2][i], kUnmix[s][2]));
    std::int32_t part = 0, part_squares = 0;
    for (std::size_t i = 0; i < kChunk; ++i) part += amount[s][i];
    for (std::size_t i = 0; i < kChunk; ++i) part_squares += amount[s][i] * amount[s][i];
    sum[s] += part;
    squares[s] += part_squares;
  }
  std::int16_t tissues = 0, dark = 0;
  for (std::size_t i = 0; i < kChunk; ++i) {
    const auto all = static_cast<std::int16_t>(od[0][i] + od[1][i] + od[2][i]);
    tissues = static_cast<std::int16_t>(tissues + (all >= kTissueDensity ? 1 : 0));
    dark = static_cast<std::int16_t>(dark + (amount[0][i] >= kNucleusAmount ? 1 : 0));
  }
  tissue += tissues;
  nuclei += dark;
  std::array<std::uint8_t, kChunk> both;
  for (std::size_t i = 0; i < kChunk; ++i) both[i] = static_cast<std::uint8_t>(bin_of(amount[0][i], kHematoxylinBins) | bin_of(amount[1][i], kEosinBins) << 4);
  for (std::size_t i = 0; i < count; ++i) ++joint[i & 3][both[i]];
}

void Sums::add_brightness(const Values& value, std::size_t count) {
  // By value: std::max gives references, which the compiler does not turn into vectors of bytes.
  const auto larger = [](std::uint8_t a, std::uint8_t b) { return a > b ? a : b; };
  const auto smaller = [](std::uint8_t a, std::uint8_t b) { return a < b ? a : b; };
  std::array<std::uint8_t, kChunk> high, low;
  for (std::size_t i = 0; i < kChunk; ++i) high[i] = larger(larger(value[0][i], value[1][i]), value[2][i]);
  for (std::size_t i = 0; i < kChunk; ++i) low[i] = smaller(smaller(value[0][i], value[1][i]), value[2][i]);
  std::int32_t dim = 0, colourful = 0;
  for (std::size_t i = 0; i < kChunk; ++i) dim += (low[i] - kWhite) >> 31;  // -1 where it is not white
  for (std::size_t i = 0; i < kChunk; ++i) {
    const float top = static_cast<float>(high[i] + (high[i] == 0));
    colourful += static_cast<std::int32_t>(static_cast<float>((high[i] - low[i]) * 65536) / top);
  }
  white += static_cast<std::int64_t>(count) + dim;
  saturation += colourful;
}

}  // namespace

void stain_features(const std::array<std::vector<std::uint8_t>, 3>& half, float* out) {
  const std::size_t pixels = half[0].size();
  Sums of;
  for (std::size_t first = 0; first < pixels; first += kChunk) {
    const std::size_t count = std::min(kChunk, pixels - first);
    Sums::Values value;  // what lies behind `count` is white: it has no stain and no saturation
    for (std::size_t c = 0; c < 3; ++c) {
      if (count < kChunk) value[c].fill(255);
      std::copy_n(half[c].data() + first, count, value[c].begin());
    }
    of.add_amounts(value, count);
    of.add_brightness(value, count);
  }
  const auto n = static_cast<double>(pixels);
  for (std::size_t s = 0; s < 3; ++s) {
    const double mean = static_cast<double>(of.sum[s]) / n / kAmountUnit, square = static_cast<double>(of.squares[s]) / n / (kAmountUnit * kAmountUnit);
    out[6 + s] = static_cast<float>(mean);
    out[9 + s] = static_cast<float>(std::sqrt(std::max(0.0, square - mean * mean)));
  }
  std::array<std::uint32_t, kBins> hematoxylin{}, eosin{};
  for (const auto& lane : of.joint)
    for (std::size_t i = 0; i < lane.size(); ++i) {
      hematoxylin[i % kBins] += lane[i];
      eosin[i / kBins] += lane[i];
    }
  for (std::size_t b = 0; b < kBins; ++b) {
    out[12 + b] = static_cast<float>(hematoxylin[b] / n);
    out[28 + b] = static_cast<float>(eosin[b] / n);
  }
  out[44] = static_cast<float>(static_cast<double>(of.tissue) / n);
  out[45] = static_cast<float>(static_cast<double>(of.nuclei) / n);
  out[46] = static_cast<float>(static_cast<double>(of.white) / n);
  out[47] = static_cast<float>(static_cast<double>(of.saturation) / 65536 / n);
}

}  // namespace hepar::pathology
