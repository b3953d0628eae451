// SPDX-License-Identifier: Apache-2.0
// Sums over all pairs of voxels. On a grid they are correlations, and those are products after a Fourier transform:
// sum over i, j of w(i - j) f(i) g(j) = 1/n sum over k of W(k) F(k) conj(G(k)), exact but for rounding.
#include "data/imaging/radiomics_families.hpp"

#include <unsupported/Eigen/FFT>

#include <algorithm>
#include <cmath>
#include <complex>

namespace hepar::imaging::ibsi {

namespace {

using Complex = std::complex<double>;
constexpr std::size_t kFewVoxels = 2000;

// Sums of w, w f(i) f(j) and w f(i)^2 over ordered pairs i != j, where f is the distance to the mean.
struct Sums { double weights = 0, products = 0, squares = 0, variance = 0; };

Autocorrelation measures(const Sums& sums, double n) {
  if (!(sums.weights > 0) || !(sums.variance > 0)) return {};
  return {n / sums.weights * sums.products / sums.variance, (n - 1) / (2 * sums.weights) * 2 * (sums.squares - sums.products) / sums.variance};
}

std::vector<double> deviations(const Region& region, double& variance) {
  std::vector<double> f;
  double mean = 0;
  for (const std::int64_t v : region.voxels) f.push_back(region.intensity[static_cast<std::size_t>(v)]);
  for (const double value : f) mean += value / static_cast<double>(f.size());
  variance = 0;
  for (double& value : f) {
    value -= mean;
    variance += value * value;
  }
  return f;
}

// The next length that the transform handles well and that keeps the ends of the box apart.
std::int64_t padded(std::int64_t extent) {
  for (std::int64_t n = 2 * extent - 1;; ++n) {
    std::int64_t rest = n;
    for (const std::int64_t prime : {2, 3, 5})
      while (rest % prime == 0) rest /= prime;
    if (rest == 1) return n;
  }
}

struct Cube {
  std::array<std::int64_t, 3> size{};
  std::vector<Complex> values;
  [[nodiscard]] Complex& at(std::int64_t x, std::int64_t y, std::int64_t z) { return values[static_cast<std::size_t>((z * size[1] + y) * size[0] + x)]; }
};

// In place; `filled` is the part that may hold values before the transform: lines beyond it are zero and stay so.
void transform(Cube& cube, std::array<std::int64_t, 3> filled) {
  Eigen::FFT<double> fft;
  const std::array<std::int64_t, 3> stride{1, cube.size[0], cube.size[0] * cube.size[1]};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::size_t a = axis == 0 ? 1 : 0, b = axis == 2 ? 1 : 2;
    const auto n = static_cast<std::size_t>(cube.size[axis]);
    std::vector<Complex> line(n), out(n);
    for (std::int64_t j = 0; j < filled[b]; ++j)
      for (std::int64_t i = 0; i < filled[a]; ++i) {
        Complex* begin = cube.values.data() + i * stride[a] + j * stride[b];
        for (std::size_t k = 0; k < n; ++k) line[k] = begin[static_cast<std::int64_t>(k) * stride[axis]];
        fft.fwd(out.data(), line.data(), static_cast<Eigen::Index>(n));
        for (std::size_t k = 0; k < n; ++k) begin[static_cast<std::int64_t>(k) * stride[axis]] = out[k];
      }
    filled[axis] = cube.size[axis];
  }
}

}  // namespace

Autocorrelation autocorrelation_by_pairs(const Region& region) {
  Sums sums;
  const std::vector<double> f = deviations(region, sums.variance);
  std::vector<std::array<double, 3>> at;
  for (const std::int64_t v : region.voxels) {
    const std::array<std::int64_t, 3> place = region.place(v);
    at.push_back({static_cast<double>(place[0]) * region.spacing[0], static_cast<double>(place[1]) * region.spacing[1], static_cast<double>(place[2]) * region.spacing[2]});
  }
  for (std::size_t i = 0; i < f.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const double x = at[i][0] - at[j][0], y = at[i][1] - at[j][1], z = at[i][2] - at[j][2], w = 1 / std::sqrt(x * x + y * y + z * z);
      sums.weights += 2 * w;
      sums.products += 2 * w * f[i] * f[j];
      sums.squares += w * (f[i] * f[i] + f[j] * f[j]);
    }
  return measures(sums, static_cast<double>(f.size()));
}

// Two transforms hold four real functions: the values and the mask; the weights and the squared values.
Autocorrelation autocorrelation_by_transform(const Region& region) {
  Sums sums;
  const std::vector<double> f = deviations(region, sums.variance);
  std::array<std::int64_t, 3> low{region.size}, extent{};
  for (const std::int64_t v : region.voxels)
    for (std::size_t axis = 0; axis < 3; ++axis) {
      low[axis] = std::min(low[axis], region.place(v)[axis]);
      extent[axis] = std::max(extent[axis], region.place(v)[axis]);
    }
  Cube values, weights;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    extent[axis] += 1 - low[axis];
    values.size[axis] = padded(extent[axis]);
  }
  weights.size = values.size;
  const auto [nx, ny, nz] = values.size;
  values.values.resize(static_cast<std::size_t>(nx * ny * nz));
  weights.values.resize(values.values.size());
  const auto distance = [&](std::int64_t index, std::size_t axis) { return static_cast<double>(std::min(index, values.size[axis] - index)) * region.spacing[axis]; };
  for (std::int64_t z = 0; z < nz; ++z)
    for (std::int64_t y = 0; y < ny; ++y)
      for (std::int64_t x = 0; x < nx; ++x) weights.at(x, y, z) = 1 / std::sqrt(std::pow(distance(x, 0), 2) + std::pow(distance(y, 1), 2) + std::pow(distance(z, 2), 2));
  weights.at(0, 0, 0) = 0;
  for (std::size_t i = 0; i < f.size(); ++i) {
    const std::array<std::int64_t, 3> at = region.place(region.voxels[i]);
    values.at(at[0] - low[0], at[1] - low[1], at[2] - low[2]) = {f[i], 1};
    weights.at(at[0] - low[0], at[1] - low[1], at[2] - low[2]) += Complex(0, f[i] * f[i]);
  }
  transform(values, extent);
  transform(weights, weights.size);
  for (std::int64_t z = 0; z < nz; ++z)
    for (std::int64_t y = 0; y < ny; ++y)
      for (std::int64_t x = 0; x < nx; ++x) {
        const std::int64_t mx = (nx - x) % nx, my = (ny - y) % ny, mz = (nz - z) % nz;
        const Complex here = values.at(x, y, z), there = std::conj(values.at(mx, my, mz)), both = weights.at(x, y, z), back = std::conj(weights.at(mx, my, mz));
        const Complex value = (here + there) / 2.0, mask = (here - there) / Complex(0, 2), square = (both - back) / Complex(0, 2);
        const double weight = ((both + back) / 2.0).real();  // even and real, so is its transform
        sums.weights += weight * std::norm(mask);
        sums.products += weight * std::norm(value);
        sums.squares += weight * (square * std::conj(mask)).real();
      }
  const auto n = static_cast<double>(values.values.size());
  return measures({sums.weights / n, sums.products / n, sums.squares / n, sums.variance}, static_cast<double>(f.size()));
}

Autocorrelation autocorrelation(const Region& region) { return region.voxels.size() <= kFewVoxels ? autocorrelation_by_pairs(region) : autocorrelation_by_transform(region); }

}  // namespace hepar::imaging::ibsi
