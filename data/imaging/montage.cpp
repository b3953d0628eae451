// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/montage.hpp"

#include "data/imaging/affine.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::imaging {

namespace {

constexpr int kSmallestPanel = 24, kLargestPanel = 160;
constexpr float kOutside = -1024.0f;
constexpr double kSoftTissueLow = -160, kSoftTissueHigh = 240;  // HU
constexpr double kTail = 0.01;                                  // of the grey values of an MR slice, cut off at either end

using Colour = std::array<std::uint8_t, 3>;
constexpr Colour kFrame{240, 210, 40}, kMaskLine{255, 120, 30}, kCross{70, 70, 70};

// Edges of the box along LPS that holds the image, in mm.
Vec3 extent_of(const Image& image) {
  Vec3 extent{};
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t c = 0; c < 3; ++c) extent[r] += std::abs(image.affine[4 * r + c]) * static_cast<double>(image.size[c]);
  return extent;
}

// Which grey values are black and white. CT has its own; MR follows its slice.
std::pair<float, float> window_of(const Image& image, std::vector<float> values) {
  if (image.low < -200) return {static_cast<float>(kSoftTissueLow), static_cast<float>(kSoftTissueHigh)};
  std::erase(values, kOutside);
  if (values.empty()) return {0.0f, 1.0f};
  const auto quantile = [&](double share) {
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    return *at;
  };
  const float low = quantile(kTail), high = quantile(1 - kTail);
  return {low, std::max(high, low + 1)};
}

// Whether the voxel nearest to a place in mm belongs to the mask.
bool in_mask(const Mask& mask, const Affine& to_voxel, const Vec3& mm) {
  const Vec3 voxel = mapped(to_voxel, mm);
  std::array<std::int64_t, 3> at{};
  for (std::size_t i = 0; i < 3; ++i) {
    at[i] = std::llround(voxel[i]);
    if (at[i] < 0 || at[i] >= mask.size[i]) return false;
  }
  return mask.inside[static_cast<std::size_t>((at[2] * mask.size[1] + at[1]) * mask.size[0] + at[0])] != 0;
}

}  // namespace

Montage::Montage(const ModalitySpec& modality) : phases_(modality.phases.size()) {
  for (std::size_t i = 0; i < 3; ++i) kept_mm_[i] = modality.grid[i] * modality.spacing_mm[i];
}

void Montage::add(std::size_t phase, const Image& image, const Mask* mask, const std::array<double, 3>& about) {
  const Vec3 extent = extent_of(image);
  const double side = std::max({extent[0], extent[1], extent[2]});
  if (edge_ == 0) {
    const double finest = std::min({image.spacing_mm[0], image.spacing_mm[1], image.spacing_mm[2]});
    edge_ = static_cast<int>(std::clamp(side / std::max(finest, 1e-3), static_cast<double>(kSmallestPanel), static_cast<double>(kLargestPanel)));
    picture_ = {{}, edge_ * static_cast<int>(phases_), 2 * edge_, {}};
    picture_.rgb.assign(static_cast<std::size_t>(picture_.width) * static_cast<std::size_t>(picture_.height) * 3, 0);
    for (int y = 0; y < picture_.height; ++y)
      for (int x = 0; x < picture_.width; ++x)
        if (const int u = x % edge_, v = y % edge_; u == v || u == edge_ - 1 - v)
          std::copy(kCross.begin(), kCross.end(), picture_.rgb.begin() + 3 * (static_cast<std::ptrdiff_t>(y) * picture_.width + x));
  }
  for (int row = 0; row < 2; ++row) draw(phase, row, image, mask, about, side);
}

// Row 0: x to the right, y downwards. Row 1: x to the right, z upwards.
void Montage::draw(std::size_t phase, int row, const Image& image, const Mask* mask, const std::array<double, 3>& about, double side) {
  const std::size_t down = row == 0 ? 1 : 2, through = row == 0 ? 2 : 1;
  const double mm = side / edge_, sign = row == 0 ? 1 : -1;
  std::array<int, 3> size{edge_, 1, 1};
  size[down] = edge_;
  Vec3 spacing{mm, mm, mm}, centre = centre_of(image);
  spacing[through] = std::min(mm, image.spacing_mm[2]);
  centre[through] = about[through];
  const std::vector<float> values = resample(image, size, spacing, centre);
  const auto [low, high] = window_of(image, values);
  const std::optional<Affine> to_voxel = inverse(image.affine);
  const auto place = [&](int x, int y) {
    Vec3 at = centre;
    at[0] += (x - (edge_ - 1) / 2.0) * mm;
    at[down] += sign * (y - (edge_ - 1) / 2.0) * mm;
    return at;
  };
  const auto inside = [&](int x, int y) { return mask != nullptr && to_voxel && in_mask(*mask, *to_voxel, place(x, y)); };
  const auto on_frame = [&](const Vec3& at) {
    const double u = kept_mm_[0] / 2 - std::abs(at[0] - about[0]), v = kept_mm_[down] / 2 - std::abs(at[down] - about[down]);
    return u >= 0 && v >= 0 && std::min(u, v) < mm;
  };
  for (int y = 0; y < edge_; ++y)
    for (int x = 0; x < edge_; ++x) {
      const float value = values[static_cast<std::size_t>((row == 0 ? y : edge_ - 1 - y) * edge_ + x)];
      const float share = (value - low) / (high - low);  // no number where floats end
      const auto grey = static_cast<std::uint8_t>(share >= 0 ? std::min(share, 1.0f) * 255 : 0);
      Colour colour{grey, grey, grey};
      if (on_frame(place(x, y))) colour = kFrame;
      if (inside(x, y) && !(inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1))) colour = kMaskLine;
      const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(row) * edge_ + y) * picture_.width + static_cast<std::ptrdiff_t>(phase) * edge_ + x;
      std::copy(colour.begin(), colour.end(), picture_.rgb.begin() + 3 * at);
    }
}

Picture Montage::picture() const { return picture_; }

}  // namespace hepar::imaging
