// SPDX-License-Identifier: Apache-2.0
// How a region is prepared, and its shape: the ways to the surface, the hull and the pair sums held to each other and to solids.
#include "data/base/random.hpp"
#include "data/imaging/radiomics.hpp"
#include "data/imaging/radiomics_families.hpp"
#include "data/imaging/radiomics_mesh.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace hepar::imaging {
namespace {

Mask box_mask(const Image& image, const std::function<bool(double, double, double)>& in) {
  Mask mask{image.size, {}, 0, {}};
  for (std::int64_t z = 0; z < image.size[2]; ++z)
    for (std::int64_t y = 0; y < image.size[1]; ++y)
      for (std::int64_t x = 0; x < image.size[0]; ++x) {
        mask.inside.push_back(in(static_cast<double>(x), static_cast<double>(y), static_cast<double>(z)) ? 1 : 0);
        mask.voxels += mask.inside.back();
      }
  return mask;
}

Image noise_image(std::array<std::int64_t, 3> size, std::array<double, 3> mm, std::uint64_t seed) {
  Stream random({5, seed});
  Image image{size, mm, {mm[0], 0, 0, 0, 0, mm[1], 0, 0, 0, 0, mm[2], 0}, {}, 0, 0, 0};
  for (std::int64_t i = 0; i < size[0] * size[1] * size[2]; ++i) image.values.push_back(static_cast<float>(std::round(100 + 30 * random.normal())));
  return image;
}

TEST(Morphology, PairSumsAreTheSameBothWays) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const Image image = noise_image({17, 14, 9}, {0.9, 1.3, 2.0}, seed);
    Stream random({seed});
    const ibsi::Region region = ibsi::region_of(image, box_mask(image, [&](double, double, double) { return random.chance(0.4); }), {});
    const ibsi::Autocorrelation pairs = ibsi::autocorrelation_by_pairs(region), transform = ibsi::autocorrelation_by_transform(region);
    EXPECT_NEAR(pairs.moran, transform.moran, 1e-11);
    EXPECT_NEAR(pairs.geary, transform.geary, 1e-11);
  }
}

TEST(Morphology, ABallIsRoundAndABoxIsABox) {
  const Image image = noise_image({41, 41, 41}, {1, 1, 1}, 4);
  const ibsi::Region ball = ibsi::region_of(image, box_mask(image, [](double x, double y, double z) { return std::hypot(x - 20, y - 20, z - 20) <= 15; }), {});
  const ibsi::Surface surface = ibsi::surface_of(ball);
  EXPECT_NEAR(surface.volume, 4.0 / 3 * 3.14159265 * 15 * 15 * 15, 150);
  const ibsi::Hull hull = ibsi::hull_of(ibsi::outer_vertices(ball), {0.5, 0.5, 0.5});
  EXPECT_GE(hull.volume, surface.volume);
  EXPECT_LE(hull.area, surface.area);
  // A box less its edges: the mesh goes through the midpoints, its hull is the same solid.
  const Image small = noise_image({12, 10, 9}, {2, 1, 3}, 5);
  const ibsi::Region box = ibsi::region_of(small, box_mask(small, [](double x, double y,
      double z) { return x > 1 && x < 9 && y > 1 && y < 8 && z > 1 && z < 7; }), {});
  const ibsi::Surface mesh = ibsi::surface_of(box);
  const ibsi::Hull around = ibsi::hull_of(ibsi::outer_vertices(box), {1, 0.5, 1.5});
  EXPECT_NEAR(mesh.volume, around.volume, 1e-9);
  EXPECT_NEAR(mesh.area, around.area, 1e-9);
}

// Every facet's plane has all points on one side, and every point lies in the hull's box.
TEST(Morphology, TheHullHoldsAllItsPoints) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Stream random({17, seed});
    std::vector<ibsi::Lattice> points;
    for (int i = 0; i < 60; ++i) points.push_back({static_cast<std::int64_t>(random.below(7)), static_cast<std::int64_t>(random.below(6)),
        static_cast<std::int64_t>(random.below(5))});
    const ibsi::Hull all = ibsi::hull_of(points, {1, 1, 1}), corners = ibsi::hull_of(all.vertices, {1, 1, 1});
    EXPECT_NEAR(all.volume, corners.volume, 1e-9);
    EXPECT_NEAR(all.area, corners.area, 1e-9);
    std::reverse(points.begin(), points.end());
    EXPECT_NEAR(all.volume, ibsi::hull_of(points, {1, 1, 1}).volume, 1e-9);
  }
  EXPECT_EQ(ibsi::hull_of({{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {1, 1, 0}}, {1, 1, 1}).volume, 0);
}

TEST(Regions, OneGreyLevelHasNoContrastAndNothingInfinite) {
  Image image = noise_image({6, 6, 6}, {1, 1, 1}, 6);
  std::fill(image.values.begin(), image.values.end(), 40.0f);
  const Radiomics found = radiomics(image, box_mask(image, [](double x, double, double) { return x > 0; }), {});
  ASSERT_TRUE(found.problem.empty());
  for (const RadiomicsValue& value : found.values) {
    EXPECT_TRUE(std::isfinite(value.value) || (std::isnan(value.value) && value.reason == "the region has one grey level")) << value.tag;
    if (value.tag == "cm_contrast_3D_comb" || value.tag == "stat_var" || value.tag == "ngt_contrast_3D") EXPECT_EQ(value.value, 0) << value.tag;
  }
}

TEST(Regions, InterpolationKeepsWhatIsLinear) {
  Image image = noise_image({20, 18, 15}, {1, 1, 2}, 7);
  for (std::size_t i = 0; i < image.values.size(); ++i) image.values[i] = static_cast<float>(i % 20);
  RadiomicsSettings settings;
  settings.spacing_mm = {0.5, 0.5, 0.5};
  settings.round = false;
  for (const auto how : {RadiomicsSettings::Interpolation::linear, RadiomicsSettings::Interpolation::cubic}) {
    settings.interpolation = how;
    const ibsi::Region region = ibsi::region_of(image, box_mask(image, [](double x, double y,
        double z) { return x > 5 && x < 14 && y > 5 && y < 12 && z > 5 && z < 10; }), settings);
    ASSERT_FALSE(region.voxels.empty());
    for (const std::int64_t v : region.voxels) {
      const double here = region.intensity[static_cast<std::size_t>(v)], next = region.intensity[static_cast<std::size_t>(v + 1)];
      EXPECT_NEAR(next - here, 0.5, 2e-3);
    }
  }
}

TEST(Regions, ResegmentationTakesVoxelsFromTheIntensitiesOnly) {
  const Image image = noise_image({10, 10, 10}, {1, 1, 1}, 8);
  RadiomicsSettings settings;
  settings.resegment_range = {80, 120};
  settings.discretise.width = 5;
  const ibsi::Region region = ibsi::region_of(image, box_mask(image, [](double, double, double) { return true; }), settings);
  EXPECT_EQ(std::count(region.shape.begin(), region.shape.end(), 1), 1000);
  EXPECT_LT(region.voxels.size(), 1000u);
  for (const std::int64_t v : region.voxels) {
    const double value = region.intensity[static_cast<std::size_t>(v)];
    EXPECT_TRUE(value >= 80 && value <= 120);
    EXPECT_EQ(region.level[static_cast<std::size_t>(v)], static_cast<int>(std::floor((value - 80) / 5)) + 1);
  }
}

}  // namespace
}  // namespace hepar::imaging
