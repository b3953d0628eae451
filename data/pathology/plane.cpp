// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/plane.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace hepar::pathology {

// A histogram slides along each row (Huang, Yang and Tang 1979): a column leaves, a column enters, the median moves a little.
Plane median(const Plane& plane, int size) {
  Plane out(plane.width, plane.height);
  if (plane.at.empty()) return out;
  const int reach = size / 2, half = size * size / 2;
  const auto clamped = [&](int x, int y) { return plane(std::clamp(x, 0, plane.width - 1), std::clamp(y, 0, plane.height - 1)); };
  for (int y = 0; y < plane.height; ++y) {
    std::array<int, 256> histogram{};
    for (int v = -reach; v <= reach; ++v)
      for (int u = -reach; u <= reach; ++u) ++histogram[clamped(u, y + v)];
    int value = 0, below = 0;  // samples smaller than `value`
    for (int x = 0; x < plane.width; ++x) {
      while (below > half) below -= histogram[static_cast<std::size_t>(--value)];
      while (below + histogram[static_cast<std::size_t>(value)] <= half) below += histogram[static_cast<std::size_t>(value++)];
      out(x, y) = static_cast<std::uint8_t>(value);
      if (x + 1 == plane.width) break;
      for (int v = -reach; v <= reach; ++v) {
        const std::uint8_t leaves = clamped(x - reach, y + v), enters = clamped(x + reach + 1, y + v);
        --histogram[leaves];
        ++histogram[enters];
        below += (enters < value ? 1 : 0) - (leaves < value ? 1 : 0);
      }
    }
  }
  return out;
}

namespace {

// One where any (dilation) or all (erosion) of the pixels [x - before, x + after] are one; the same along columns.
Plane spread(const Plane& mask, int before, int after, bool any) {
  Plane rows(mask.width, mask.height), out(mask.width, mask.height);
  const auto run = [&](const auto& get, int length, int i) {
    for (int j = std::max(0, i - before); j <= std::min(length - 1, i + after); ++j)
      if ((get(j) != 0) == any) return static_cast<std::uint8_t>(any ? 1 : 0);
    return static_cast<std::uint8_t>(any ? 0 : 1);
  };
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x) rows(x, y) = run([&](int j) { return mask(j, y); }, mask.width, x);
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x) out(x, y) = run([&](int j) { return rows(x, j); }, mask.height, y);
  return out;
}

}  // namespace

Plane close_gaps(const Plane& mask, int size) {
  const int before = size / 2, after = size - 1 - before;
  return spread(spread(mask, before, after, true), after, before, false);
}

int otsu(const std::vector<std::int64_t>& histogram) {
  double total = 0, sum = 0;
  for (int v = 0; v < 256; ++v) {
    total += static_cast<double>(histogram[static_cast<std::size_t>(v)]);
    sum += v * static_cast<double>(histogram[static_cast<std::size_t>(v)]);
  }
  double count = 0, part = 0, best = -1;
  int threshold = 0;
  for (int v = 0; v < 255; ++v) {
    count += static_cast<double>(histogram[static_cast<std::size_t>(v)]);
    part += v * static_cast<double>(histogram[static_cast<std::size_t>(v)]);
    if (count == 0 || count == total) continue;
    const double difference = part / count - (sum - part) / (total - count), between = count * (total - count) * difference * difference;
    if (between > best) {
      best = between;
      threshold = v;
    }
  }
  return threshold;
}

void clear_small(Plane& mask, std::uint8_t value, std::int64_t least, bool corners, bool at_edge) {
  std::vector<std::uint8_t> seen(mask.at.size(), 0);
  std::vector<std::uint32_t> group;
  const std::int64_t width = mask.width;
  for (std::int64_t start = 0; start < static_cast<std::int64_t>(mask.at.size()); ++start) {
    if (mask.at[static_cast<std::size_t>(start)] != value || seen[static_cast<std::size_t>(start)] != 0) continue;
    group.assign(1, static_cast<std::uint32_t>(start));
    seen[static_cast<std::size_t>(start)] = 1;
    bool touches = false;
    for (std::size_t next = 0; next < group.size(); ++next) {
      const int x = static_cast<int>(group[next] % width), y = static_cast<int>(group[next] / width);
      for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx) {
          if ((dx == 0 && dy == 0) || (!corners && dx != 0 && dy != 0)) continue;
          if (x + dx < 0 || y + dy < 0 || x + dx >= mask.width || y + dy >= mask.height) {
            touches = true;
            continue;
          }
          const std::int64_t to = (y + dy) * width + x + dx;
          if (mask.at[static_cast<std::size_t>(to)] != value || seen[static_cast<std::size_t>(to)] != 0) continue;
          seen[static_cast<std::size_t>(to)] = 1;
          group.push_back(static_cast<std::uint32_t>(to));
        }
    }
    if (static_cast<std::int64_t>(group.size()) >= least || (touches && !at_edge)) continue;
    for (const std::uint32_t pixel : group) mask.at[pixel] = static_cast<std::uint8_t>(1 - value);
  }
}

}  // namespace hepar::pathology
