// SPDX-License-Identifier: Apache-2.0
#include "trainer/model/intensity.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace hepar::model {
namespace {

constexpr std::int64_t kLevels = 8, kDistribution = 2 + kLevels;
constexpr std::array<std::int64_t, 2> kReach{1, 2};  // voxels to each side of a box's middle
constexpr float kUsualHotSpot = 1.5F;                // in SDs of tissue: keeps the terms around 0

void distribution(std::span<const float> voxels, std::span<float> out) {
  double sum = 0, squares = 0;
  std::array<double, kLevels> above{};
  constexpr std::size_t kBlock = 1024;  // float inside a block, so that the loops vectorise
  for (std::size_t begin = 0; begin < voxels.size(); begin += kBlock) {
    std::array<float, kLevels> ramp{};
    float s = 0, q = 0;
    for (const float x : voxels.subspan(begin, std::min(kBlock, voxels.size() - begin))) {
      s += x, q += x * x;
      for (std::size_t l = 0; l < ramp.size(); ++l) ramp[l] += std::min(1.0F, std::max(0.0F, x + 3.0F - static_cast<float>(l)));
    }
    sum += s, squares += q;
    for (std::size_t l = 0; l < ramp.size(); ++l) above[l] += static_cast<double>(ramp[l]);
  }
  const double count = static_cast<double>(voxels.size()), mean = sum / count;
  out[0] = static_cast<float>(mean);
  out[1] = static_cast<float>(std::sqrt(std::max(0.0, squares / count - mean * mean))) - 1.0F;
  for (std::size_t l = 0; l < above.size(); ++l) out[2 + l] = static_cast<float>(above[l] / count) - 0.5F;
}

// Moving mean along one axis of length n whose neighbours are `stride` apart; a box is cut where the volume ends.
void mean_along(std::span<const float> in, std::span<float> out, std::int64_t n, std::int64_t stride, std::int64_t reach) {
  const auto total = static_cast<std::int64_t>(in.size());
  for (std::int64_t block = 0; block < total; block += n * stride) {
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t low = std::max<std::int64_t>(0, i - reach), high = std::min(n - 1, i + reach);
      const float share = 1.0F / static_cast<float>(high - low + 1);
      float* const to = out.data() + block + i * stride;
      std::fill(to, to + stride, 0.0F);
      for (std::int64_t j = low; j <= high; ++j) {
        const float* const from = in.data() + block + j * stride;
        for (std::int64_t k = 0; k < stride; ++k) to[k] += share * from[k];
      }
    }
  }
}

// Box means of every voxel, the three axes one after the other.
void box_means(std::span<const float> voxels, const Grid& grid, std::int64_t reach, std::span<float> out, std::span<float> between) {
  mean_along(voxels, out, grid.slices, grid.rows * grid.columns, reach);
  mean_along(out, between, grid.rows, grid.columns, reach);
  mean_along(between, out, grid.columns, 1, reach);
}

}  // namespace

std::int64_t intensity_width(std::int64_t phases) {
  return phases * kDistribution + static_cast<std::int64_t>(kReach.size()) * phases * phases;
}

void intensity_statistics(std::span<const float> voxels, const Grid& grid, std::span<float> out) {
  const auto n = static_cast<std::size_t>(grid.voxels()), phases = static_cast<std::size_t>(grid.phases);
  for (std::size_t phase = 0; phase < phases; ++phase) distribution(voxels.subspan(phase * n, n), out.subspan(phase * kDistribution, kDistribution));
  std::vector<float> means(phases * n), between(n);
  std::size_t at = phases * kDistribution;
  for (const std::int64_t reach : kReach) {
    for (std::size_t phase = 0; phase < phases; ++phase) box_means(voxels.subspan(phase * n, n), grid, reach, std::span(means).subspan(phase * n, n), between);
    for (std::size_t phase = 0; phase < phases; ++phase) {
      const auto first = means.begin() + static_cast<std::ptrdiff_t>(phase * n);
      const auto hottest = static_cast<std::size_t>(std::max_element(first, first + static_cast<std::ptrdiff_t>(n)) - first);
      for (std::size_t other = 0; other < phases; ++other) out[at++] = means[other * n + hottest] - kUsualHotSpot;
    }
  }
}

}  // namespace hepar::model
