// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/contours.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace hepar::pathology {

namespace {

struct Step { int x, y; };
constexpr std::array<Step, 8> kAround{{{1, 0}, {1, 1}, {0, 1}, {-1, 1}, {-1, 0}, {-1, -1}, {0, -1}, {1, -1}}};  // clockwise, y down

// Labels of 8-connected pieces, 0 for nothing, with a margin of one pixel on every side.
struct Labels {
  int width, height;
  std::vector<std::int32_t> at;
  std::int32_t count = 0;
  explicit Labels(const Plane& mask) : width(mask.width + 2), height(mask.height + 2), at(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), 0) {
    std::vector<std::array<int, 2>> group;
    for (int y = 0; y < mask.height; ++y)
      for (int x = 0; x < mask.width; ++x) {
        if (mask(x, y) == 0 || here(x, y) != 0) continue;
        ++count;
        group.assign(1, {x, y});
        here(x, y) = count;
        while (!group.empty()) {
          const auto [u, v] = group.back();
          group.pop_back();
          for (const Step& step : kAround) {
            const int a = u + step.x, b = v + step.y;
            if (a < 0 || b < 0 || a >= mask.width || b >= mask.height || mask(a, b) == 0 || here(a, b) != 0) continue;
            here(a, b) = count;
            group.push_back({a, b});
          }
        }
      }
  }
  std::int32_t& here(int x, int y) { return at[static_cast<std::size_t>(y + 1) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x + 1)]; }
};

// Follows one border from (x, y), whose neighbour in direction `from` is outside. `right_seen` keeps which pixels have had the
// outside on their right walked past, so that no border is started twice.
Ring follow(Labels& labels, int x, int y, int from, std::vector<std::uint8_t>& right_seen) {
  const auto index = [&](int u, int v) { return static_cast<std::size_t>(v + 1) * static_cast<std::size_t>(labels.width) + static_cast<std::size_t>(u + 1); };
  int direction = -1;
  for (int k = 0; k < 8 && direction < 0; ++k)
    if (const int d = (from + k) % 8; labels.here(x + kAround[static_cast<std::size_t>(d)].x, y + kAround[static_cast<std::size_t>(d)].y) != 0) direction = d;
  if (direction < 0) {
    right_seen[index(x, y)] = 1;
    return {{x, y}};
  }
  const int end_x = x + kAround[static_cast<std::size_t>(direction)].x, end_y = y + kAround[static_cast<std::size_t>(direction)].y;
  Ring ring;
  int u = x, v = y, back = direction;  // `back`: direction from (u, v) to the pixel before it
  while (true) {
    bool right_is_outside = false;
    int next = back;
    for (int k = 1; k <= 8; ++k) {
      next = (back - k + 16) % 8;  // counter-clockwise
      if (labels.here(u + kAround[static_cast<std::size_t>(next)].x, v + kAround[static_cast<std::size_t>(next)].y) != 0) break;
      right_is_outside = right_is_outside || next == 0;
    }
    if (right_is_outside) right_seen[index(u, v)] = 1;
    ring.push_back({u, v});
    const int to_x = u + kAround[static_cast<std::size_t>(next)].x, to_y = v + kAround[static_cast<std::size_t>(next)].y;
    if (to_x == x && to_y == y && u == end_x && v == end_y) return ring;
    u = to_x;
    v = to_y;
    back = (next + 4) % 8;
  }
}

}  // namespace

std::vector<Region> find_regions(const Plane& mask) {
  Labels labels(mask);
  std::vector<Region> regions(static_cast<std::size_t>(labels.count));
  std::vector<std::uint8_t> right_seen(labels.at.size(), 0);
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x) {
      const std::int32_t label = labels.here(x, y);
      if (label == 0) continue;
      const std::size_t at = static_cast<std::size_t>(y + 1) * static_cast<std::size_t>(labels.width) + static_cast<std::size_t>(x + 1);
      Region& region = regions[static_cast<std::size_t>(label - 1)];
      if (region.border.empty()) region.border = follow(labels, x, y, 4, right_seen);
      if (labels.here(x + 1, y) == 0 && right_seen[at] == 0) region.holes.push_back(follow(labels, x, y, 0, right_seen));
    }
  std::reverse(regions.begin(), regions.end());
  for (Region& region : regions) std::reverse(region.holes.begin(), region.holes.end());
  return regions;
}

double area_of(const Ring& ring) {
  double twice = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const auto &a = ring[i], &b = ring[(i + 1) % ring.size()];
    twice += static_cast<double>(a[0]) * b[1] - static_cast<double>(b[0]) * a[1];
  }
  return std::abs(twice) / 2;
}

int side_of(const Ring& ring, double x, double y) {
  bool inside = false;
  for (std::size_t i = 0, j = ring.size() - 1; i < ring.size(); j = i++) {
    const double ax = ring[j][0], ay = ring[j][1], bx = ring[i][0], by = ring[i][1];
    const double cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax);
    if (cross == 0 && x >= std::min(ax, bx) && x <= std::max(ax, bx) && y >= std::min(ay, by) && y <= std::max(ay, by)) return 0;
    if ((ay > y) != (by > y) && (cross > 0) == (by > ay)) inside = !inside;
  }
  return inside ? 1 : -1;
}

std::vector<std::array<std::int32_t, 2>> clam_tiles(const Plane& mask, const ClamRules& rules) {
  std::vector<std::array<std::int32_t, 2>> tiles;
  const auto scaled = [&](Ring ring) {
    for (auto& [x, y] : ring) {
      x = static_cast<std::int32_t>(x * rules.scale_x);
      y = static_cast<std::int32_t>(y * rules.scale_y);
    }
    return ring;
  };
  for (Region& region : find_regions(mask)) {
    double area = area_of(region.border);
    for (const Ring& hole : region.holes) area -= area_of(hole);
    if (area == 0 || area <= rules.least_area) continue;
    std::stable_sort(region.holes.begin(), region.holes.end(), [](const Ring& a, const Ring& b) { return area_of(a) > area_of(b); });
    if (region.holes.size() > rules.most_holes) region.holes.resize(rules.most_holes);
    std::vector<Ring> holes;
    for (const Ring& hole : region.holes)
      if (area_of(hole) > rules.least_hole) holes.push_back(scaled(hole));
    const Ring border = scaled(region.border);
    const auto [left, right] = std::minmax_element(border.begin(), border.end());
    const auto [top, bottom] = std::minmax_element(border.begin(), border.end(), [](const auto& a, const auto& b) { return a[1] < b[1]; });
    const int centre = rules.patch / 2, shift = static_cast<int>(rules.patch / 2 * 0.5);
    const std::vector<Step> points = shift > 0 ? std::vector<Step>{{-shift, -shift}, {shift, shift}, {shift, -shift}, {-shift, shift}} : std::vector<Step>{{0, 0}};
    for (std::int32_t x = (*left)[0]; x <= (*right)[0]; x += rules.step)
      for (std::int32_t y = (*top)[1]; y <= (*bottom)[1]; y += rules.step) {
        const bool near = std::any_of(points.begin(), points.end(), [&](const Step& point) { return side_of(border, x + centre + point.x, y + centre + point.y) >= 0; });
        if (near && std::none_of(holes.begin(), holes.end(), [&](const Ring& hole) { return side_of(hole, x + rules.patch / 2.0, y + rules.patch / 2.0) > 0; }))
          tiles.push_back({x, y});
      }
  }
  return tiles;
}

namespace {

// Directed pixel edges with the mask on their right (y down): 0 right, 1 down, 2 left, 3 up.
struct Edges {
  const Plane& mask;
  std::vector<std::uint8_t> open;  // bits of the edges that begin at each corner and have not been walked
  int width;
  explicit Edges(const Plane& plane) : mask(plane), open(static_cast<std::size_t>(plane.width + 1) * static_cast<std::size_t>(plane.height + 1), 0), width(plane.width + 1) {
    for (int y = 0; y < mask.height; ++y)
      for (int x = 0; x < mask.width; ++x) {
        if (mask(x, y) == 0) continue;
        if (y == 0 || mask(x, y - 1) == 0) bits(x, y) |= 1;
        if (x + 1 == mask.width || mask(x + 1, y) == 0) bits(x + 1, y) |= 2;
        if (y + 1 == mask.height || mask(x, y + 1) == 0) bits(x + 1, y + 1) |= 4;
        if (x == 0 || mask(x - 1, y) == 0) bits(x, y + 1) |= 8;
      }
  }
  std::uint8_t& bits(int x, int y) { return open[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)]; }

  Ring walk(int x, int y, int direction) {
    Ring ring;
    const int start_x = x, start_y = y;
    int before = -1;
    do {
      bits(x, y) = static_cast<std::uint8_t>(bits(x, y) & ~(1u << direction));
      if (direction != before) ring.push_back({x, y});
      before = direction;
      x += kAround[static_cast<std::size_t>(2 * direction)].x;
      y += kAround[static_cast<std::size_t>(2 * direction)].y;
      if (x == start_x && y == start_y) break;
      // A turn towards the mask first: where two pieces touch at a corner they stay apart.
      for (const int turn : {1, 0, 3})
        if (const int next = (direction + turn) % 4; (bits(x, y) & (1u << next)) != 0) {
          direction = next;
          break;
        }
    } while (true);
    return ring;
  }
};

double signed_area(const Ring& ring) {
  double twice = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const auto &a = ring[i], &b = ring[(i + 1) % ring.size()];
    twice += static_cast<double>(a[0]) * b[1] - static_cast<double>(b[0]) * a[1];
  }
  return twice / 2;
}

}  // namespace

std::vector<Region> outlines(const Plane& mask) {
  Edges edges(mask);
  std::vector<Region> regions;
  std::vector<Ring> holes;
  for (int y = 0; y <= mask.height; ++y)
    for (int x = 0; x <= mask.width; ++x)
      for (int direction = 0; direction < 4; ++direction)
        while ((edges.bits(x, y) & (1u << direction)) != 0) {
          Ring ring = edges.walk(x, y, direction);
          if (signed_area(ring) > 0) {
            regions.push_back({std::move(ring), {}});
          } else {
            holes.push_back(std::move(ring));
          }
        }
  // A hole belongs to the smallest piece around it; just beside its first corner lies that piece.
  for (Ring& hole : holes) {
    Region* around = nullptr;
    for (Region& region : regions)
      if (side_of(region.border, hole.front()[0] - 0.25, hole.front()[1] - 0.25) > 0 && (around == nullptr || area_of(region.border) < area_of(around->border))) around = &region;
    if (around != nullptr) around->holes.push_back(std::move(hole));
  }
  return regions;
}

}  // namespace hepar::pathology
