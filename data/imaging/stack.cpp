// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/stack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace hepar::imaging {

namespace {

constexpr double kSameCosine = 1e-4, kSamePlace_mm = 0.01, kUneven = 0.05, kStraight = 0.9999;
constexpr double kLeastSpacing_mm = 0.05, kMostSpacing_mm = 20, kMostGap_mm = 50;
constexpr std::int64_t kFewest = 3;

struct Layer {  // the planes of one position
  double s = 0;
  std::vector<Plane> planes;
};

Vec3 normal_of(const std::array<double, 6>& o) { return cross({o[0], o[1], o[2]}, {o[3], o[4], o[5]}); }

bool same_orientation(const Plane& a, const Plane& b) {
  if (!a.orientation || !b.orientation) return a.orientation.has_value() == b.orientation.has_value();
  for (std::size_t i = 0; i < 6; ++i)
    if (std::abs((*a.orientation)[i] - (*b.orientation)[i]) > kSameCosine) return false;
  return true;
}

// Sorted first, so that rounding noise gives the same groups in any order of files.
std::vector<std::vector<Plane>> by_orientation(std::span<const Plane> planes) {
  std::vector<Plane> sorted(planes.begin(), planes.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const Plane& a, const Plane& b) { return a.orientation < b.orientation; });
  std::vector<std::vector<Plane>> groups;
  for (const Plane& plane : sorted) {
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const std::vector<Plane>& g) { return same_orientation(g.front(), plane); });
    if (group == groups.end())
      groups.push_back({plane});
    else
      group->push_back(plane);
  }
  return groups;
}

std::vector<Layer> layers_of(std::vector<Plane> planes) {
  const Vec3 normal = normal_of(*planes.front().orientation);
  std::stable_sort(planes.begin(), planes.end(), [&](const Plane& a, const Plane& b) { return dot(*a.position, normal) < dot(*b.position, normal); });
  std::vector<Layer> layers;
  for (Plane& plane : planes) {
    const double s = dot(*plane.position, normal);
    if (layers.empty() || s - layers.back().s > kSamePlace_mm) layers.push_back({s, {}});
    layers.back().planes.push_back(std::move(plane));
  }
  return layers;
}

// Parts in which every position occurs once; empty when this key does not give them.
std::vector<std::vector<Plane>> split_by(const std::vector<Layer>& layers, RepeatKey key) {
  std::map<double, std::vector<Plane>> parts;
  for (const Layer& layer : layers) {
    std::set<double> seen;
    for (const Plane& plane : layer.planes) {
      if (!plane.repeat[key] || !seen.insert(*plane.repeat[key]).second) return {};
      parts[*plane.repeat[key]].push_back(plane);
    }
  }
  std::vector<std::vector<Plane>> out;
  for (auto& [value, part] : parts) {
    if (part.size() != layers.size()) return {};
    out.push_back(std::move(part));
  }
  return out;
}

// Clock times differ from slice to slice: the k-th of every position is the k-th part, if the parts do not overlap in time.
std::vector<std::vector<Plane>> split_by_clock(const std::vector<Layer>& layers, RepeatKey key) {
  const std::size_t repeats = layers.front().planes.size();
  std::vector<std::vector<Plane>> parts(repeats);
  for (const Layer& layer : layers) {
    if (layer.planes.size() != repeats) return {};
    std::vector<Plane> sorted = layer.planes;
    for (const Plane& plane : sorted)
      if (!plane.repeat[key]) return {};
    std::stable_sort(sorted.begin(), sorted.end(), [&](const Plane& a, const Plane& b) { return *a.repeat[key] < *b.repeat[key]; });
    for (std::size_t k = 0; k < repeats; ++k) parts[k].push_back(sorted[k]);
  }
  for (std::size_t k = 1; k < repeats; ++k) {
    const auto time = [&](const Plane& a, const Plane& b) { return *a.repeat[key] < *b.repeat[key]; };
    if (*std::max_element(parts[k - 1].begin(), parts[k - 1].end(), time)->repeat[key] >=
        *std::min_element(parts[k].begin(), parts[k].end(), time)->repeat[key])
      return {};
  }
  return parts;
}

std::vector<std::vector<Plane>> split_repeats(const std::vector<Layer>& layers) {
  for (const RepeatKey key : {b_value, acquisition_number, temporal_position, trigger_time, acquisition_time, content_time}) {
    const bool clock = key == acquisition_time || key == content_time;
    std::vector<std::vector<Plane>> parts = clock ? split_by_clock(layers, key) : split_by(layers, key);
    if (parts.size() > 1) return parts;
  }
  return {};
}

void refuse(Stack& stack, Reason reason, const std::string& code, const std::string& text) {
  stack.notes.push_back({code, text});
  if (stack.reason == Reason::present) {
    stack.reason = reason;
    stack.detail = text;
  }
}

// Gaps along the normal against their lower median: whole multiples are missing slices, anything else is uneven.
void check_gaps(Stack& stack, const std::vector<Layer>& layers) {
  std::vector<double> gaps;
  for (std::size_t i = 1; i < layers.size(); ++i) gaps.push_back(layers[i].s - layers[i - 1].s);
  std::vector<double> sorted = gaps;
  std::sort(sorted.begin(), sorted.end());
  const double median = sorted[(sorted.size() - 1) / 2], tolerance = std::max(kSamePlace_mm, kUneven * median);
  long missing = 0;
  bool uneven = false;
  for (const double gap : gaps) {
    const double steps = std::round(gap / median);
    if (steps >= 2 && std::abs(gap - steps * median) <= tolerance)
      missing += std::lround(steps) - 1;
    else
      uneven = uneven || std::abs(gap - median) > tolerance;
  }
  if (uneven)
    refuse(stack, Reason::odd_shape, "uneven_spacing", fmt::format("gaps between slices from {:.3f} to {:.3f} mm", sorted.front(), sorted.back()));
  else if (missing > 0)
    refuse(stack, Reason::odd_shape, "missing_slice",
           fmt::format("{} missing at a gap of {:.3f} mm", missing == 1 ? "one slice is" : std::to_string(missing) + " slices are", median));
}

// The step from slice to slice: off the normal it is sheared; slices off the straight line are no grid.
void check_line(Stack& stack, const std::vector<Layer>& layers, const Vec3& normal) {
  const Vec3 first = *layers.front().planes.front().position, way = minus(*layers.back().planes.front().position, first);
  const double along = dot(way, normal), tolerance = std::max(kSamePlace_mm, kUneven * along / static_cast<double>(layers.size() - 1));
  for (const Layer& layer : layers)
    for (const Plane& plane : layer.planes) {
      const double share = (layer.s - layers.front().s) / along;
      const Vec3 off = minus(*plane.position, {first[0] + share * way[0], first[1] + share * way[1], first[2] + share * way[2]});
      if (length(off) > tolerance) return refuse(stack, Reason::odd_shape, "uneven_spacing", "the slices do not lie on a straight line");
    }
  const double straight = along / length(way);
  if (straight < kStraight)
    stack.notes.push_back(
        {"sheared", fmt::format("slices step {:.2f} degrees off their normal (gantry tilt), corrected when resampled", std::acos(straight) * 180 / M_PI)});
}

void check_scale(Stack& stack) {
  const Plane& plane = stack.planes.front();
  if (!plane.spacing)
    refuse(stack, Reason::no_scale, "no_scale", "no pixel spacing");
  else if (!plane.orientation || !plane.position)
    refuse(stack, Reason::no_scale, "no_scale", "no position or orientation of its slices");
  if (plane.spacing)
    for (const double mm : *plane.spacing)
      if (!(mm >= kLeastSpacing_mm && mm <= kMostSpacing_mm)) return refuse(stack, Reason::no_scale, "odd_scale", fmt::format("a pixel spacing of {} mm", mm));
  if (plane.orientation) {
    const auto& o = *plane.orientation;
    const Vec3 x{o[0], o[1], o[2]}, y{o[3], o[4], o[5]};
    if (std::abs(dot(x, y)) > 1e-3 || std::abs(length(x) - 1) > 1e-3 || std::abs(length(y) - 1) > 1e-3)
      refuse(stack, Reason::no_scale, "odd_scale", "row and column directions are not perpendicular unit vectors");
  }
  if (stack.size[2] > 1 && stack.spacing_mm[2] > kMostGap_mm)
    refuse(stack, Reason::no_scale, "odd_scale", fmt::format("slices {:.1f} mm apart", stack.spacing_mm[2]));
}

void place(Stack& stack, const std::vector<Layer>& layers) {
  const Plane& first = stack.planes.front();
  const auto& o = *first.orientation;
  const Vec3 x{o[0], o[1], o[2]}, y{o[3], o[4], o[5]}, normal = normal_of(o);
  const double steps = static_cast<double>(layers.size()) - 1;
  Vec3 step = normal;
  if (steps > 0) {
    const Vec3 way = minus(*layers.back().planes.front().position, *layers.front().planes.front().position);
    step = {way[0] / steps, way[1] / steps, way[2] / steps};
    stack.spacing_mm[2] = dot(way, normal) / steps;
  } else if (first.thickness > 0) {
    stack.spacing_mm[2] = first.thickness;
    step = {normal[0] * first.thickness, normal[1] * first.thickness, normal[2] * first.thickness};
  }
  for (std::size_t r = 0; r < 3; ++r) {
    stack.direction[3 * r] = x[r];
    stack.direction[3 * r + 1] = y[r];
    stack.direction[3 * r + 2] = normal[r];
    stack.affine[4 * r] = x[r] * stack.spacing_mm[0];
    stack.affine[4 * r + 1] = y[r] * stack.spacing_mm[1];
    stack.affine[4 * r + 2] = step[r];
    stack.affine[4 * r + 3] = (*first.position)[r];
  }
}

Stack stack_of(const std::vector<Layer>& layers, const PixelFormat& format) {
  Stack stack;
  for (const Layer& layer : layers) stack.planes.insert(stack.planes.end(), layer.planes.begin(), layer.planes.end());
  stack.size = {format.columns, format.rows, static_cast<std::int64_t>(layers.size())};
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  stack.spacing_mm = {unknown, unknown, unknown};
  if (const auto& spacing = stack.planes.front().spacing) stack.spacing_mm = {(*spacing)[0], (*spacing)[1], unknown};
  const bool placed = stack.planes.front().orientation && stack.planes.front().position;
  if (placed) place(stack, layers);
  check_scale(stack);
  if (placed && layers.size() >= 2) {
    check_gaps(stack, layers);
    check_line(stack, layers, normal_of(*stack.planes.front().orientation));
  }
  if (stack.size[2] < kFewest)
    refuse(stack, Reason::too_few, "too_few", fmt::format("{} slice position{}, fewer than 3", stack.size[2], stack.size[2] == 1 ? "" : "s"));
  return stack;
}

// Planes of several directions, too few of each for a volume (a three-plane scout): one stack that is reported and refused.
Stack bundle_of(const std::vector<std::vector<Plane>>& orientations, const PixelFormat& format) {
  std::vector<Plane> planes;
  for (const std::vector<Plane>& group : orientations) planes.insert(planes.end(), group.begin(), group.end());
  Stack stack = stack_of({Layer{0, planes}}, format);
  stack.size[2] = static_cast<std::int64_t>(planes.size());
  stack.notes.clear();
  stack.reason = Reason::present;
  refuse(stack, Reason::odd_shape, "mixed_orientation", fmt::format("{} orientations in one series", orientations.size()));
  refuse(stack, Reason::too_few, "too_few", "fewer than 3 slice positions of each orientation");
  return stack;
}

}  // namespace

std::vector<Stack> stacks_of(std::span<const Plane> planes, const PixelFormat& format, const std::string& split_code) {
  std::vector<Stack> stacks;
  std::vector<Plane> placed, homeless;
  for (const Plane& plane : planes) (plane.position && plane.orientation ? placed : homeless).push_back(plane);
  // Planes without a place in space cannot be ordered: each of them is a picture of its own, reported together.
  if (!homeless.empty()) stacks.push_back(stack_of({Layer{0, std::move(homeless)}}, format));
  const std::vector<std::vector<Plane>> orientations = by_orientation(placed);
  const auto small = [](const std::vector<Plane>& group) { return static_cast<std::int64_t>(layers_of(group).size()) < kFewest; };
  if (orientations.size() > 1 && std::all_of(orientations.begin(), orientations.end(), small)) {
    stacks.push_back(bundle_of(orientations, format));
    return stacks;
  }
  for (const std::vector<Plane>& group : orientations) {
    const std::vector<Layer> layers = layers_of(group);
    const std::size_t first = stacks.size(), repeated = group.size() - layers.size();
    const std::vector<std::vector<Plane>> parts = repeated > 0 ? split_repeats(layers) : std::vector<std::vector<Plane>>{};
    for (const std::vector<Plane>& part : parts) stacks.push_back(stack_of(layers_of(part), format));
    if (parts.empty()) stacks.push_back(stack_of(layers, format));
    for (std::size_t i = first; i < stacks.size(); ++i) {
      if (!parts.empty())
        stacks[i].notes.push_back({split_code, fmt::format("{} volumes in one series, split", parts.size())});
      else if (repeated > 0)
        refuse(stacks[i], Reason::odd_shape, split_code, fmt::format("{} slices repeat a position and nothing tells the volumes apart", repeated));
      if (orientations.size() > 1) stacks[i].notes.push_back({"mixed_orientation", fmt::format("{} orientations in one series, split", orientations.size())});
    }
  }
  return stacks;
}

}  // namespace hepar::imaging
