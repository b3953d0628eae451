// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/stain.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hepar::pathology {

namespace {

using Vector = std::array<double, 3>;
using Matrix = std::array<Vector, 3>;

constexpr double kLeastDensity = 0.15, kTail = 0.01;  // in natural logarithms, and the share cut off at either end
constexpr std::size_t kLeastPixels = 500;

// Eigenvectors of a symmetric matrix as rows, by falling eigenvalue (cyclic Jacobi rotations).
Matrix eigenvectors(Matrix a) {
  Matrix v{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  for (int sweep = 0; sweep < 32; ++sweep)
    for (std::size_t p = 0; p < 2; ++p)
      for (std::size_t q = p + 1; q < 3; ++q) {
        if (std::abs(a[p][q]) < 1e-15) continue;
        const double theta = 0.5 * std::atan2(2 * a[p][q], a[q][q] - a[p][p]), c = std::cos(theta), s = std::sin(theta);
        for (std::size_t k = 0; k < 3; ++k) {
          const double kp = a[k][p], kq = a[k][q];
          a[k][p] = c * kp - s * kq;
          a[k][q] = s * kp + c * kq;
        }
        for (std::size_t k = 0; k < 3; ++k) {
          const double pk = a[p][k], qk = a[q][k], vp = v[p][k], vq = v[q][k];
          a[p][k] = c * pk - s * qk;
          a[q][k] = s * pk + c * qk;
          v[p][k] = c * vp - s * vq;
          v[q][k] = s * vp + c * vq;
        }
      }
  std::array<std::size_t, 3> order{0, 1, 2};
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return a[i][i] > a[j][j]; });
  return {v[order[0]], v[order[1]], v[order[2]]};
}

double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

Vector at_angle(const Vector& first, const Vector& second, double angle) {
  Vector v{};
  for (std::size_t c = 0; c < 3; ++c) v[c] = std::cos(angle) * first[c] + std::sin(angle) * second[c];
  const double length = std::sqrt(dot(v, v)) * (v[0] + v[1] + v[2] < 0 ? -1 : 1);  // densities are positive
  for (double& c : v) c /= length;
  return v;
}

}  // namespace

std::optional<StainVectors> stain_vectors(const std::vector<std::array<std::uint8_t, 3>>& rgb) {
  std::vector<Vector> density;
  Vector mean{};
  for (const auto& pixel : rgb) {
    Vector od{};
    for (std::size_t c = 0; c < 3; ++c) od[c] = -std::log((pixel[c] + 1) / 256.0);
    if (std::min({od[0], od[1], od[2]}) < kLeastDensity) continue;
    density.push_back(od);
    for (std::size_t c = 0; c < 3; ++c) mean[c] += od[c];
  }
  if (density.size() < kLeastPixels) return std::nullopt;
  for (double& c : mean) c /= static_cast<double>(density.size());
  Matrix covariance{};
  for (const Vector& od : density)
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 3; ++j) covariance[i][j] += (od[i] - mean[i]) * (od[j] - mean[j]);
  Matrix axes = eigenvectors(covariance);
  for (std::size_t i = 0; i < 2; ++i)
    if (dot(axes[i], mean) < 0)
      for (double& c : axes[i]) c = -c;
  std::vector<double> angles;
  for (const Vector& od : density) angles.push_back(std::atan2(dot(od, axes[1]), dot(od, axes[0])));
  const auto quantile = [&](double share) {
    const auto at = angles.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(angles.size() - 1));
    std::nth_element(angles.begin(), at, angles.end());
    return *at;
  };
  const double low = quantile(kTail), high = quantile(1 - kTail);
  StainVectors stains{at_angle(axes[0], axes[1], low), at_angle(axes[0], axes[1], high), 0};
  if (stains.hematoxylin[0] < stains.eosin[0]) std::swap(stains.hematoxylin, stains.eosin);  // haematoxylin takes more red
  stains.angle_degrees = std::acos(std::clamp(dot(stains.hematoxylin, stains.eosin), -1.0, 1.0)) * 180 / std::numbers::pi;
  return stains;
}

}  // namespace hepar::pathology
