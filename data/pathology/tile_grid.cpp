// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/tile_grid.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::pathology {

namespace {

constexpr double kWhole = 0.01;  // a factor this near a whole number is read without resampling: the field of view is off by less

// The integral of a 0/1 mask over any rectangle, exact for its piecewise constant values.
class Integral {
 public:
  explicit Integral(const Plane& mask) : width_(mask.width), height_(mask.height), sum_(static_cast<std::size_t>(mask.width + 1) * static_cast<std::size_t>(mask.height + 1), 0) {
    for (int y = 0; y < height_; ++y) {
      std::uint32_t row = 0;
      for (int x = 0; x < width_; ++x) {
        row += mask(x, y);
        sum_[index(x + 1, y + 1)] = sum_[index(x + 1, y)] + row;
      }
    }
  }
  [[nodiscard]] double over(double x0, double y0, double x1, double y1) const { return at(x1, y1) - at(x0, y1) - at(x1, y0) + at(x0, y0); }

 private:
  [[nodiscard]] std::size_t index(int x, int y) const { return static_cast<std::size_t>(y) * static_cast<std::size_t>(width_ + 1) + static_cast<std::size_t>(x); }
  [[nodiscard]] double at(double x, double y) const {
    x = std::clamp(x, 0.0, static_cast<double>(width_));
    y = std::clamp(y, 0.0, static_cast<double>(height_));
    const int i = std::min(static_cast<int>(x), width_ - 1), j = std::min(static_cast<int>(y), height_ - 1);
    const double u = x - i, v = y - j;
    return (1 - u) * (1 - v) * sum_[index(i, j)] + u * (1 - v) * sum_[index(i + 1, j)] + (1 - u) * v * sum_[index(i, j + 1)] + u * v * sum_[index(i + 1, j + 1)];
  }
  int width_, height_;
  std::vector<std::uint32_t> sum_;
};

}  // namespace

TileGrid plan_tiles(const Slide& slide, const Scale& scale, const Overview& overview, const Plane& tissue, const TileRequest& request) {
  TileGrid grid;
  const LevelChoice choice = choose_level(slide, scale.x, scale.y, request.um_per_pixel, request.reduced);
  grid.level = choice.level;
  grid.enlarged = choice.enlarged;
  const SlideLevel& level = slide.levels()[choice.level];
  const double fx = request.um_per_pixel / (scale.x * level.downsample_x), fy = request.um_per_pixel / (scale.y * level.downsample_y), whole = std::round(fx);
  if (whole >= 1 && std::abs(fx / whole - 1) <= kWhole && std::abs(fy / whole - 1) <= kWhole) grid.factor = static_cast<int>(whole);
  grid.level0_width = request.pixels * request.um_per_pixel / scale.x;
  grid.level0_height = request.pixels * request.um_per_pixel / scale.y;

  const PixelRect bounds = slide.bounds();
  const auto right = static_cast<double>(bounds.x + bounds.width), bottom = static_cast<double>(bounds.y + bounds.height);
  const Integral integral(tissue);
  const double whole_tile = grid.level0_width / overview.step_x * grid.level0_height / overview.step_y;
  for (std::int64_t j = 0; static_cast<double>(bounds.y) + static_cast<double>(j + 1) * grid.level0_height <= bottom + 0.5; ++j)
    for (std::int64_t i = 0; static_cast<double>(bounds.x) + static_cast<double>(i + 1) * grid.level0_width <= right + 0.5; ++i) {
      const double x = static_cast<double>(bounds.x) + static_cast<double>(i) * grid.level0_width, y = static_cast<double>(bounds.y) + static_cast<double>(j) * grid.level0_height;
      const double u = (x - overview.left) / overview.step_x, v = (y - overview.top) / overview.step_y;
      const double area = integral.over(u, v, u + grid.level0_width / overview.step_x, v + grid.level0_height / overview.step_y);
      if (area <= 0 || area < request.least_tissue * whole_tile) continue;
      grid.tiles.push_back({static_cast<std::int32_t>(std::llround(x)), static_cast<std::int32_t>(std::llround(y))});
    }
  return grid;
}

Window window_of(const TileGrid& grid, const SlideLevel& level, const std::array<std::int32_t, 2>& tile, int pixels) {
  const double x = tile[0] / level.downsample_x, y = tile[1] / level.downsample_y;
  if (grid.factor > 0) {
    const double edge = static_cast<double>(grid.factor) * pixels;
    return {std::round(x), std::round(y), edge, edge};
  }
  return {x, y, grid.level0_width / level.downsample_x, grid.level0_height / level.downsample_y};
}

}  // namespace hepar::pathology
