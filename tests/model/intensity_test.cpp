// SPDX-License-Identifier: Apache-2.0
// Against a twin that visits every voxel of every box.
#include "trainer/model/intensity.hpp"

#include "data/base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace hepar::model {
namespace {

std::vector<float> noisy_voxels(const Grid& grid, std::uint64_t seed) {
  Stream stream({seed, 5});
  std::vector<float> voxels(static_cast<std::size_t>(grid.phases * grid.voxels()));
  for (float& x : voxels) x = static_cast<float>(stream.normal());
  return voxels;
}

float box_mean(const std::vector<float>& voxels, const Grid& g, std::int64_t phase, std::int64_t z, std::int64_t y, std::int64_t x, std::int64_t reach) {
  double sum = 0, n = 0;
  for (std::int64_t k = std::max<std::int64_t>(0, z - reach); k <= std::min(g.slices - 1, z + reach); ++k)
    for (std::int64_t j = std::max<std::int64_t>(0, y - reach); j <= std::min(g.rows - 1, y + reach); ++j)
      for (std::int64_t i = std::max<std::int64_t>(0, x - reach); i <= std::min(g.columns - 1, x + reach); ++i, ++n)
        sum += voxels[static_cast<std::size_t>(((phase * g.slices + k) * g.rows + j) * g.columns + i)];
  return static_cast<float>(sum / n);
}

TEST(Intensity, HotSpotsAreTheHighestBoxMeansAndWhatOtherPhasesShowThere) {
  const Grid grid{3, 4, 6, 5};
  const std::vector<float> voxels = noisy_voxels(grid, 1);
  std::vector<float> out(static_cast<std::size_t>(intensity_width(grid.phases)));
  intensity_statistics(voxels, grid, out);
  std::size_t at = 30;  // behind three distributions of ten
  for (const std::int64_t reach : {1, 2})
    for (std::int64_t phase = 0; phase < 3; ++phase) {
      float best = -1e9F;
      std::vector<float> there(3);
      for (std::int64_t z = 0; z < grid.slices; ++z)
        for (std::int64_t y = 0; y < grid.rows; ++y)
          for (std::int64_t x = 0; x < grid.columns; ++x)
            if (const float mean = box_mean(voxels, grid, phase, z, y, x, reach); mean > best) {
              best = mean;
              for (std::int64_t other = 0; other < 3; ++other) there[static_cast<std::size_t>(other)] = box_mean(voxels, grid, other, z, y, x, reach);
            }
      for (const float value : there) EXPECT_NEAR(out[at++], value - 1.5F, 1e-5) << "reach " << reach << ", phase " << phase;
    }
  EXPECT_EQ(at, out.size());
}

TEST(Intensity, ALesionIsSeenWhereverItLies) {
  const Grid grid{2, 8, 12, 12};
  std::vector<float> first, second;
  for (std::vector<float>* seen : {&first, &second}) {
    std::vector<float> voxels(static_cast<std::size_t>(grid.phases * grid.voxels()), 0.0F);
    const std::int64_t corner = seen == &first ? 1 : 6;
    for (std::int64_t z = 1; z < 6; ++z)
      for (std::int64_t y = corner; y < corner + 5; ++y)
        for (std::int64_t x = 1; x < 6; ++x) {
          voxels[static_cast<std::size_t>((z * grid.rows + y) * grid.columns + x)] = 2;
          voxels[static_cast<std::size_t>(((grid.slices + z) * grid.rows + y) * grid.columns + x)] = -1;
        }
    seen->resize(static_cast<std::size_t>(intensity_width(grid.phases)));
    intensity_statistics(voxels, grid, *seen);
  }
  EXPECT_EQ(first, second);
  EXPECT_NEAR(first[20 + 4], 2 - 1.5, 1e-6) << "a box of five lies inside the lesion: bright in the first phase";
  EXPECT_NEAR(first[20 + 5], -1 - 1.5, 1e-6) << "and washed out in the second";
}

TEST(Intensity, TheDistributionIsMeanDeviationAndSharesAbove) {
  const Grid grid{1, 9, 11, 13};
  const std::vector<float> voxels = noisy_voxels(grid, 2);
  std::vector<float> out(static_cast<std::size_t>(intensity_width(1)));
  intensity_statistics(voxels, grid, out);
  double sum = 0, squares = 0, above = 0;
  for (const float x : voxels) {
    sum += x;
    squares += static_cast<double>(x) * x;
    above += std::clamp(static_cast<double>(x), 0.0, 1.0);  // the fourth level's ramp begins at 0
  }
  const double n = static_cast<double>(voxels.size()), mean = sum / n;
  EXPECT_NEAR(out[0], mean, 1e-5);
  EXPECT_NEAR(out[1], std::sqrt(squares / n - mean * mean) - 1, 1e-5);
  EXPECT_NEAR(out[2 + 3], above / n - 0.5, 1e-5);
}

}  // namespace
}  // namespace hepar::model
