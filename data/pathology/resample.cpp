// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/resample.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::pathology {

namespace {

constexpr double kTolerance = 1.01;

// For each output sample the first source sample and its weights (all of one length; padded with zeros).
struct Taps {
  std::int64_t first = 0, last = 0;      // source samples that are needed: [first, last)
  int count = 0;
  std::vector<std::int64_t> start;
  std::vector<float> weight;             // out x count
};

Taps taps_of(double start, double length, int out) {
  const double factor = length / out;
  Taps taps;
  const bool shrinks = factor >= 1;
  taps.count = shrinks ? static_cast<int>(std::ceil(factor)) + 1 : 2;
  taps.weight.assign(static_cast<std::size_t>(out) * static_cast<std::size_t>(taps.count), 0.0f);
  for (int i = 0; i < out; ++i) {
    float* weight = taps.weight.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(taps.count);
    if (shrinks) {
      const double low = start + i * factor, high = start + (i + 1) * factor;
      const double first = std::floor(low);
      taps.start.push_back(static_cast<std::int64_t>(first));
      for (int t = 0; t < taps.count; ++t) weight[t] = static_cast<float>(std::max(0.0, std::min(high, first + t + 1) - std::max(low, first + t)) / factor);
    } else {
      const double centre = start + (i + 0.5) * factor - 0.5, first = std::floor(centre);
      taps.start.push_back(static_cast<std::int64_t>(first));
      weight[0] = static_cast<float>(first + 1 - centre);
      weight[1] = static_cast<float>(centre - first);
    }
  }
  taps.first = taps.start.front();
  taps.last = taps.start.back() + taps.count;
  return taps;
}

bool is_whole(double value) { return value == std::floor(value); }

void box(const std::uint8_t* source, std::int64_t source_width, int factor, int width, int height, std::uint8_t* out) {
  const int area = factor * factor;
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* rows = source + static_cast<std::int64_t>(y) * factor * source_width * 3;
    if (factor == 2) {
      const std::uint8_t* below = rows + source_width * 3;
      for (int x = 0; x < width; ++x)
        for (int c = 0; c < 3; ++c) {
          const int at = 6 * x + c;
          out[3 * (y * width + x) + c] = static_cast<std::uint8_t>((rows[at] + rows[at + 3] + below[at] + below[at + 3] + 2) >> 2);
        }
      continue;
    }
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c) {
        int sum = area / 2;
        for (int v = 0; v < factor; ++v)
          for (int u = 0; u < factor; ++u) sum += rows[(v * source_width + x * factor + u) * 3 + c];
        out[3 * (y * width + x) + c] = static_cast<std::uint8_t>(sum / area);
      }
  }
}

void weigh(const std::uint8_t* source, std::int64_t source_width, const Taps& across, const Taps& down, std::span<std::uint8_t> out, std::vector<float>& rows) {
  const auto width = across.start.size(), height = down.start.size();
  const auto lines = static_cast<std::size_t>(down.last - down.first);
  rows.assign(lines * width * 3, 0.0f);
  for (std::size_t line = 0; line < lines; ++line) {
    const std::uint8_t* from = source + static_cast<std::int64_t>(line) * source_width * 3;
    for (std::size_t x = 0; x < width; ++x)
      for (int t = 0; t < across.count; ++t) {
        const float weight = across.weight[x * static_cast<std::size_t>(across.count) + static_cast<std::size_t>(t)];
        const std::uint8_t* pixel = from + (across.start[x] - across.first + t) * 3;
        for (std::size_t c = 0; c < 3; ++c) rows[(line * width + x) * 3 + c] += weight * static_cast<float>(pixel[c]);
      }
  }
  std::vector<float> sum(width * 3);
  for (std::size_t y = 0; y < height; ++y) {
    std::fill(sum.begin(), sum.end(), 0.5f);
    for (int t = 0; t < down.count; ++t) {
      const float weight = down.weight[y * static_cast<std::size_t>(down.count) + static_cast<std::size_t>(t)];
      const float* row = rows.data() + static_cast<std::size_t>(down.start[y] - down.first + t) * width * 3;
      for (std::size_t i = 0; i < width * 3; ++i) sum[i] += weight * row[i];
    }
    for (std::size_t i = 0; i < width * 3; ++i) out[y * width * 3 + i] = static_cast<std::uint8_t>(std::min(sum[i], 255.0f));
  }
}

}  // namespace

bool read_scaled(Slide& slide, std::size_t level, const Window& window, int out_width, int out_height, std::span<std::uint8_t> rgb, ResampleBuffers& buffers) {
  const double fx = window.width / out_width, fy = window.height / out_height;
  if (is_whole(window.x) && is_whole(window.y) && fx == fy && is_whole(fx)) {
    const PixelRect rect{static_cast<std::int64_t>(window.x), static_cast<std::int64_t>(window.y), static_cast<std::int64_t>(window.width), static_cast<std::int64_t>(window.height)};
    if (fx == 1) return slide.read(level, rect, rgb);
    buffers.source.resize(static_cast<std::size_t>(rect.width * rect.height * 3));
    const bool good = slide.read(level, rect, buffers.source);
    box(buffers.source.data(), rect.width, static_cast<int>(fx), out_width, out_height, rgb.data());
    return good;
  }
  const Taps across = taps_of(window.x, window.width, out_width), down = taps_of(window.y, window.height, out_height);
  const PixelRect rect{across.first, down.first, across.last - across.first, down.last - down.first};
  buffers.source.resize(static_cast<std::size_t>(rect.width * rect.height * 3));
  const bool good = slide.read(level, rect, buffers.source);
  weigh(buffers.source.data(), rect.width, across, down, rgb, buffers.rows);
  return good;
}

LevelChoice choose_level(const Slide& slide, double um_x, double um_y, double um, bool reduced) {
  const std::vector<SlideLevel>& levels = slide.levels();
  const auto um_of = [&](const SlideLevel& level) { return std::max(um_x * level.downsample_x, um_y * level.downsample_y); };
  std::optional<std::size_t> coarsest, finest;
  for (std::size_t i = 0; i < (reduced ? levels.size() : slide.file_levels()); ++i) {
    if (!levels[i].trouble.empty()) continue;
    if (!finest || um_of(levels[i]) < um_of(levels[*finest])) finest = i;
    if (um_of(levels[i]) <= kTolerance * um && (!coarsest || um_of(levels[i]) > kTolerance * um_of(levels[*coarsest]))) coarsest = i;
  }
  return {coarsest ? *coarsest : *finest, !coarsest};
}

}  // namespace hepar::pathology
