// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/tissue.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hepar::pathology {

namespace {

constexpr double kOverviewUm = 8, kMostPixels = 16e6, kLongestSide = 65536;
constexpr int kSourceBlock = 2048;  // px of the level that are read at once

struct Hsv { int hue = 0, saturation = 0, value = 0; };  // degrees, 0-255, 0-255

Hsv hsv_of(const std::uint8_t* rgb) {
  const int r = rgb[0], g = rgb[1], b = rgb[2], high = std::max({r, g, b}), low = std::min({r, g, b}), spread = high - low;
  Hsv hsv{0, high == 0 ? 0 : (255 * spread + high / 2) / high, high};
  if (spread == 0) return hsv;
  const int sector = high == r ? 60 * (g - b) / spread : high == g ? 120 + 60 * (b - r) / spread : 240 + 60 * (r - g) / spread;
  hsv.hue = sector < 0 ? sector + 360 : sector;
  return hsv;
}

// Felt pens: green and blue inks have hues and a purity that haematoxylin and eosin do not; black ink is dark without colour.
bool is_pen(const Hsv& hsv) {
  if (hsv.hue >= 70 && hsv.hue <= 185 && hsv.saturation > 70) return true;
  if (hsv.hue > 185 && hsv.hue <= 238 && hsv.saturation > 125) return true;
  return hsv.value < 65 && hsv.saturation < 90;
}

// Two layers of tissue absorb twice: dark and saturated at once.
bool is_fold(const Hsv& hsv) { return hsv.saturation - hsv.value > 20; }

void mark_corrupt(const Slide& slide, Overview& overview) {
  for (const Slide::Corrupt& one : slide.corrupt()) {
    const SlideLevel& level = slide.levels()[one.level];
    const auto pixel = [](double at, double origin, double step, int size) { return std::clamp(static_cast<int>(std::floor((at - origin) / step)), 0, size - 1); };
    const double x = static_cast<double>(one.rect.x) * level.downsample_x, y = static_cast<double>(one.rect.y) * level.downsample_y;
    const int x0 = pixel(x, overview.left, overview.step_x, overview.width), y0 = pixel(y, overview.top, overview.step_y, overview.height);
    const int x1 = pixel(x + static_cast<double>(one.rect.width) * level.downsample_x - 1, overview.left, overview.step_x, overview.width);
    const int y1 = pixel(y + static_cast<double>(one.rect.height) * level.downsample_y - 1, overview.top, overview.step_y, overview.height);
    for (int v = y0; v <= y1; ++v)
      for (int u = x0; u <= x1; ++u) overview.corrupt(u, v) = 1;
  }
}

}  // namespace

Overview read_overview(Slide& slide, const Scale& scale) {
  const PixelRect bounds = slide.bounds();
  Overview overview;
  const double area_um2 = static_cast<double>(bounds.width) * scale.x * static_cast<double>(bounds.height) * scale.y;
  const double longest_um = std::max(static_cast<double>(bounds.width) * scale.x, static_cast<double>(bounds.height) * scale.y);
  overview.um = std::max({kOverviewUm, std::ceil(std::sqrt(area_um2 / kMostPixels)), std::ceil(longest_um / kLongestSide)});
  overview.step_x = overview.um / scale.x;
  overview.step_y = overview.um / scale.y;
  overview.left = static_cast<double>(bounds.x);
  overview.top = static_cast<double>(bounds.y);
  overview.width = std::max(1, static_cast<int>(std::ceil(static_cast<double>(bounds.width) / overview.step_x)));
  overview.height = std::max(1, static_cast<int>(std::ceil(static_cast<double>(bounds.height) / overview.step_y)));
  overview.rgb.resize(static_cast<std::size_t>(overview.width) * static_cast<std::size_t>(overview.height) * 3);
  overview.corrupt = Plane(overview.width, overview.height);
  const std::size_t index = choose_level(slide, scale.x, scale.y, overview.um, true).level;
  const SlideLevel& level = slide.levels()[index];
  const double fx = overview.step_x / level.downsample_x, fy = overview.step_y / level.downsample_y;
  const int block_x = std::max(1, static_cast<int>(kSourceBlock / std::max(1.0, fx))), block_y = std::max(1, static_cast<int>(kSourceBlock / std::max(1.0, fy)));
  ResampleBuffers buffers;
  std::vector<std::uint8_t> part;
  for (int y = 0; y < overview.height; y += block_y)
    for (int x = 0; x < overview.width; x += block_x) {
      const int w = std::min(block_x, overview.width - x), h = std::min(block_y, overview.height - y);
      part.resize(static_cast<std::size_t>(w) * static_cast<std::size_t>(h) * 3);
      // What is corrupt is marked below from the slide's own list.
      static_cast<void>(read_scaled(slide, index, {overview.left / level.downsample_x + x * fx, overview.top / level.downsample_y + y * fy, w * fx, h * fy}, w, h, part, buffers));
      for (int row = 0; row < h; ++row)
        std::copy_n(part.begin() + static_cast<std::ptrdiff_t>(row) * w * 3, static_cast<std::ptrdiff_t>(w) * 3, overview.rgb.begin() + (static_cast<std::ptrdiff_t>(y + row) * overview.width + x) * 3);
    }
  mark_corrupt(slide, overview);
  return overview;
}

double TissueMap::share_of(const Plane& part) const {
  if (tissue_pixels == 0) return 0;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < part.at.size(); ++i) count += part.at[i] & tissue.at[i];
  return static_cast<double>(count) / static_cast<double>(tissue_pixels);
}

TissueMap find_tissue(const Overview& overview, const TissueRules& rules) {
  TissueMap map;
  Plane saturation(overview.width, overview.height);
  map.pen = map.fold = map.tissue = Plane(overview.width, overview.height);
  for (std::size_t i = 0; i < saturation.at.size(); ++i) {
    const Hsv hsv = hsv_of(overview.rgb.data() + 3 * i);
    saturation.at[i] = static_cast<std::uint8_t>(hsv.saturation);
    map.pen.at[i] = is_pen(hsv) ? 1 : 0;
    map.fold.at[i] = map.pen.at[i] == 0 && is_fold(hsv) ? 1 : 0;
  }
  const Plane smooth = median(saturation, rules.median);
  std::vector<std::int64_t> histogram(256, 0);
  for (std::size_t i = 0; i < smooth.at.size(); ++i)
    if (map.pen.at[i] == 0 && overview.corrupt.at[i] == 0) ++histogram[smooth.at[i]];
  map.threshold = std::clamp(otsu(histogram), rules.lowest_saturation, rules.highest_saturation);
  for (std::size_t i = 0; i < smooth.at.size(); ++i) map.tissue.at[i] = smooth.at[i] > map.threshold && map.pen.at[i] == 0 ? 1 : 0;
  const double pixel_um2 = overview.um * overview.um;
  map.tissue = close_gaps(map.tissue, std::max(1, static_cast<int>(std::lround(rules.closing_um / overview.um))));
  for (std::size_t i = 0; i < map.tissue.at.size(); ++i)
    if (map.pen.at[i] != 0 || overview.corrupt.at[i] != 0) map.tissue.at[i] = 0;
  clear_small(map.tissue, 0, static_cast<std::int64_t>(rules.least_hole_um2 / pixel_um2), false, false);
  clear_small(map.tissue, 1, static_cast<std::int64_t>(rules.least_tissue_um2 / pixel_um2), true, true);
  // Filling a hole never takes in a pen mark or what could not be read.
  for (std::size_t i = 0; i < map.tissue.at.size(); ++i)
    if (map.pen.at[i] != 0 || overview.corrupt.at[i] != 0) map.tissue.at[i] = 0;
  map.tissue_pixels = std::accumulate(map.tissue.at.begin(), map.tissue.at.end(), std::int64_t{0});
  return map;
}

}  // namespace hepar::pathology
