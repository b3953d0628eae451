// SPDX-License-Identifier: Apache-2.0
// Every feature of the built-in encoder beside a twin in doubles, written from the list in its header and from nothing else.
#include "data/pathology/builtin_encoder.hpp"
#include "tests/pathology/slide_maker.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <tuple>

namespace hepar::pathology {
namespace {

using Channels = std::array<std::vector<double>, 3>;

std::vector<double> halved(const std::vector<double>& from, int edge) {
  std::vector<double> to;
  for (int y = 0; y + 1 < edge; y += 2)
    for (int x = 0; x + 1 < edge; x += 2) {
      const auto at = [&](int u, int v) { return from[static_cast<std::size_t>((y + v) * edge + x + u)]; };
      to.push_back(std::floor((at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1) + 2) / 4));
    }
  return to;
}

std::pair<double, double> mean_and_sd(const std::vector<double>& values) {
  double mean = 0, square = 0;
  for (const double v : values) mean += v / static_cast<double>(values.size());
  for (const double v : values) square += (v - mean) * (v - mean) / static_cast<double>(values.size());
  return {mean, std::sqrt(square)};
}

// Amounts of three stains from optical densities, by Cramer's rule.
std::array<double, 3> amounts(const std::array<double, 3>& density) {
  std::array<std::array<double, 3>, 3> m{{{0.650, 0.704, 0.286}, {0.072, 0.990, 0.105}, {0.268, 0.570, 0.776}}};
  for (auto& row : m) {
    const double length = std::sqrt(row[0] * row[0] + row[1] * row[1] + row[2] * row[2]);
    for (double& v : row) v /= length;
  }
  const auto det = [](const std::array<std::array<double, 3>, 3>& a) {
    return a[0][0] * (a[1][1] * a[2][2] - a[1][2] * a[2][1]) - a[0][1] * (a[1][0] * a[2][2] - a[1][2] * a[2][0]) +
           a[0][2] * (a[1][0] * a[2][1] - a[1][1] * a[2][0]);
  };
  std::array<double, 3> out{};
  for (std::size_t s = 0; s < 3; ++s) {
    auto with = m;
    with[s] = density;
    out[s] = det(with) / det(m);
  }
  return out;
}

void texture(const std::vector<double>& grey, int edge, double& difference, double& laplacian) {
  const auto at = [&](int x, int y) { return grey[static_cast<std::size_t>(y * edge + x)]; };
  double sum = 0;
  for (int y = 0; y + 1 < edge; ++y)
    for (int x = 0; x + 1 < edge; ++x) sum += std::abs(at(x, y) - at(x + 1, y)) + std::abs(at(x, y) - at(x, y + 1));
  difference = sum / (2.0 * (edge - 1) * (edge - 1)) / 32;
  std::vector<double> values;
  for (int y = 1; y + 1 < edge; ++y)
    for (int x = 1; x + 1 < edge; ++x) values.push_back(at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4 * at(x, y));
  const double sd = mean_and_sd(values).second;
  laplacian = std::log1p(sd * sd) / 8;
}

std::array<double, 4> co_occurrence_of(const std::vector<double>& grey, int edge, int dx, int dy) {
  std::map<std::pair<int, int>, double> p;
  double total = 0;
  for (int y = 0; y + dy < edge; ++y)
    for (int x = 0; x + dx < edge; ++x, total += 2) {
      const int a = static_cast<int>(grey[static_cast<std::size_t>(y * edge + x)] / 32),
                b = static_cast<int>(grey[static_cast<std::size_t>((y + dy) * edge + x + dx)] / 32);
      ++p[{a, b}];
      ++p[{b, a}];
    }
  double contrast = 0, homogeneity = 0, energy = 0, mean = 0, variance = 0, covariance = 0;
  for (const auto& [pair, n] : p) mean += pair.first * n / total;
  for (const auto& [pair, n] : p) {
    const double d = pair.first - pair.second, share = n / total;
    contrast += d * d * share;
    homogeneity += share / (1 + std::abs(d));
    energy += share * share;
    variance += (pair.first - mean) * (pair.first - mean) * share;
    covariance += (pair.first - mean) * (pair.second - mean) * share;
  }
  return {contrast / 8, homogeneity, energy, covariance / variance};
}

std::vector<double> twin(const std::vector<std::uint8_t>& rgb, int edge) {
  std::vector<double> f(64, 0.0);
  Channels full, half;
  std::vector<double> grey;
  for (std::size_t i = 0; i < rgb.size(); i += 3) {
    for (std::size_t c = 0; c < 3; ++c) full[c].push_back(rgb[i + c]);
    grey.push_back(std::floor((77.0 * rgb[i] + 150.0 * rgb[i + 1] + 29.0 * rgb[i + 2] + 128) / 256));
  }
  for (std::size_t c = 0; c < 3; ++c) {
    const auto [mean, sd] = mean_and_sd(full[c]);
    f[c] = mean / 255;
    f[3 + c] = sd / 255;
    half[c] = halved(full[c], edge);
  }
  const std::size_t pixels = half[0].size();
  Channels stains;
  for (std::size_t i = 0; i < pixels; ++i) {
    std::array<double, 3> density{};
    double high = 0, low = 255;
    for (std::size_t c = 0; c < 3; ++c) {
      density[c] = -std::log10((half[c][i] + 1) / 256);
      high = std::max(high, half[c][i]);
      low = std::min(low, half[c][i]);
    }
    const std::array<double, 3> amount = amounts(density);
    for (std::size_t s = 0; s < 3; ++s) stains[s].push_back(amount[s]);
    f[static_cast<std::size_t>(12 + std::clamp(static_cast<int>(std::floor(amount[0] / 0.1)), 0, 15))] += 1.0 / static_cast<double>(pixels);
    f[static_cast<std::size_t>(28 + std::clamp(static_cast<int>(std::floor(amount[1] / 0.05)), 0, 15))] += 1.0 / static_cast<double>(pixels);
    f[44] += (density[0] + density[1] + density[2] >= 0.24 ? 1.0 : 0.0) / static_cast<double>(pixels);
    f[45] += (amount[0] >= 0.45 ? 1.0 : 0.0) / static_cast<double>(pixels);
    f[46] += (low >= 220 ? 1.0 : 0.0) / static_cast<double>(pixels);
    f[47] += (high == 0 ? 0.0 : (high - low) / high) / static_cast<double>(pixels);
  }
  for (std::size_t s = 0; s < 3; ++s) std::tie(f[6 + s], f[9 + s]) = mean_and_sd(stains[s]);
  for (std::size_t scale = 0; scale < 4; ++scale) {
    texture(grey, edge, f[48 + scale], f[52 + scale]);
    if (scale == 1) {
      const std::array<double, 4> across = co_occurrence_of(grey, edge, 1, 0), down = co_occurrence_of(grey, edge, 0, 1);
      std::copy(across.begin(), across.end(), f.begin() + 56);
      std::copy(down.begin(), down.end(), f.begin() + 60);
    }
    grey = halved(grey, edge);
    edge /= 2;
  }
  return f;
}

TEST(EncoderTwin, AgreesOnTissueAndOnNoiseOfAnySize) {
  for (const int edge : {256, 224, 130, 48, 17}) {
    made::Picture tissue(edge, edge), noise(edge, edge);
    made::stain(tissue, made::ellipse(edge / 2.0, edge / 2.0, edge * 0.4, edge * 0.45));
    for (std::size_t i = 0; i < noise.rgb.size(); ++i) noise.rgb[i] = static_cast<std::uint8_t>(made::hash(static_cast<std::uint32_t>(i)));
    for (const made::Picture* picture : {&tissue, &noise}) {
      std::vector<float> f(BuiltinEncoder::kWidth);
      BuiltinEncoder(edge).encode(picture->rgb, 1, f);
      const std::vector<double> expected = twin(picture->rgb, edge);
      // Shares of pixels near the border of a bin may fall to either side: amounts are whole numbers of 1/1024.
      for (std::size_t i = 0; i < f.size(); ++i)
        EXPECT_NEAR(f[i], expected[i], i >= 12 && i < 46 ? 0.02 : 2e-3)
            << "feature " << i << ", edge " << edge << (picture == &tissue ? ", tissue" : ", noise");
    }
  }
}

}  // namespace
}  // namespace hepar::pathology
