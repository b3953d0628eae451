// SPDX-License-Identifier: Apache-2.0
// Interpolation to another grid, one axis after the other: linear, or cubic B-splines through the voxels.
#include "data/imaging/radiomics_region.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::imaging::ibsi {

namespace {

// The pole's powers fall below the last digit of a double after this many voxels, so a crop with this margin gives what
// the whole image gives.
constexpr std::int64_t kSplineMargin = 30;

// One axis: which old voxels (in the crop) make a new one, with their weights.
struct Axis {
  std::int64_t begin = 0, count = 0;  // the crop along this axis; may reach over the image's edge
  std::vector<std::int64_t> first;    // one a new voxel, within the crop
  std::vector<std::array<double, 4>> weight;
};

Axis plan_axis(const NewGrid& grid, std::size_t axis, std::int64_t old, bool cubic) {
  Axis plan;
  const bool moved = grid.step[axis] != 1;
  const std::int64_t margin = !moved ? 0 : cubic ? kSplineMargin : 1;
  std::vector<std::int64_t> first;
  for (std::int64_t i = 0; i < grid.size[axis]; ++i) {
    const double at = moved ? NewGrid::place(grid.first[axis] + i, old, grid.step[axis]) : static_cast<double>(grid.first[axis] + i);
    const double floor = std::floor(at), t = at - floor;
    std::array<double, 4> weight{};
    if (moved && cubic) {
      weight = {(1 - t) * (1 - t) * (1 - t) / 6, (4 - 6 * t * t + 3 * t * t * t) / 6, (1 + 3 * t + 3 * t * t - 3 * t * t * t) / 6, t * t * t / 6};
    } else {
      weight = {0, 1 - t, t, 0};
    }
    first.push_back(static_cast<std::int64_t>(floor) - 1);
    plan.weight.push_back(weight);
  }
  plan.begin = first.front() - margin;
  plan.count = first.back() + 4 + margin - plan.begin;
  for (const std::int64_t index : first) plan.first.push_back(index - plan.begin);
  return plan;
}

// Cubic B-spline coefficients of a line in place (Unser 1999): two recursive passes with the pole sqrt(3) - 2.
void spline_coefficients(std::span<double> line) {
  const double pole = std::sqrt(3.0) - 2;
  const auto n = static_cast<std::int64_t>(line.size());
  if (n < 2) return;
  const auto at = [&](std::int64_t i) -> double& { return line[static_cast<std::size_t>(i)]; };
  double sum = 0, power = 1;
  for (std::int64_t i = 0; i < n && std::abs(power) > 1e-18; ++i, power *= pole) sum += at(i) * power;
  at(0) = sum;
  for (std::int64_t i = 1; i < n; ++i) at(i) += pole * at(i - 1);
  at(n - 1) = pole / (pole * pole - 1) * (at(n - 1) + pole * at(n - 2));
  for (std::int64_t i = n - 2; i >= 0; --i) at(i) = pole * (at(i + 1) - at(i));
  for (double& value : line) value *= 6;
}

// Replaces one axis of the box by the planned one.
Box along(const Box& box, std::size_t axis, const Axis& plan, bool spline) {
  Box out{box.size, {}};
  out.size[axis] = static_cast<std::int64_t>(plan.first.size());
  out.values.resize(static_cast<std::size_t>(out.size[0] * out.size[1] * out.size[2]));
  const auto stride = [axis](const Box& b) { return axis == 0 ? std::int64_t{1} : axis == 1 ? b.size[0] : b.size[0] * b.size[1]; };
  const std::int64_t old_stride = stride(box), new_stride = stride(out), inner = old_stride, outer = axis == 2 ? 1 : axis == 1 ? box.size[2] : box.size[1] * box.size[2];
  std::vector<double> line(static_cast<std::size_t>(box.size[axis]));
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t i = 0; i < inner; ++i) {
      const double* from = box.values.data() + o * inner * box.size[axis] + i;
      double* to = out.values.data() + o * inner * out.size[axis] + i;
      for (std::size_t k = 0; k < line.size(); ++k) line[k] = from[static_cast<std::int64_t>(k) * old_stride];
      if (spline) spline_coefficients(line);
      for (std::size_t k = 0; k < plan.first.size(); ++k) {
        const double* taps = line.data() + plan.first[k];
        const auto& w = plan.weight[k];
        to[static_cast<std::int64_t>(k) * new_stride] = w[0] * taps[0] + w[1] * taps[1] + w[2] * taps[2] + w[3] * taps[3];
      }
    }
  return out;
}

}  // namespace

// A hair is forgiven, so that 60 voxels of 3 mm are 90 of 2 mm and not 91.
std::int64_t NewGrid::voxels(std::int64_t old, double step) { return static_cast<std::int64_t>(std::ceil(static_cast<double>(old) / step - 1e-6)); }

double NewGrid::place(std::int64_t index, std::int64_t old, double step) {
  const double middle = static_cast<double>(voxels(old, step) - 1) / 2;
  return static_cast<double>(old - 1) / 2 + (static_cast<double>(index) - middle) * step;
}

Box interpolated(const Source& source, const NewGrid& grid, bool cubic) {
  std::array<Axis, 3> plans;
  Box box;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    plans[axis] = plan_axis(grid, axis, source.size[axis], cubic);
    box.size[axis] = plans[axis].count;
  }
  box.values.reserve(static_cast<std::size_t>(box.size[0] * box.size[1] * box.size[2]));
  const auto clamped = [&](std::int64_t index, std::size_t axis) { return std::clamp<std::int64_t>(plans[axis].begin + index, 0, source.size[axis] - 1); };
  for (std::int64_t z = 0; z < box.size[2]; ++z)
    for (std::int64_t y = 0; y < box.size[1]; ++y) {
      const std::int64_t line = (clamped(z, 2) * source.size[1] + clamped(y, 1)) * source.size[0];
      for (std::int64_t x = 0; x < box.size[0]; ++x) box.values.push_back(source.at(source.data, line + clamped(x, 0)));
    }
  for (std::size_t axis = 0; axis < 3; ++axis) box = along(box, axis, plans[axis], cubic && grid.step[axis] != 1);
  return box;
}

}  // namespace hepar::imaging::ibsi
