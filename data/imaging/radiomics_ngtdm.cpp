// SPDX-License-Identifier: Apache-2.0
// Neighbourhood grey tone difference (IBSI 1, section 3.10), distance 1. Voxels without a neighbour in the region do not
// count.
#include "data/imaging/radiomics_matrix.hpp"

#include <map>

namespace hepar::imaging::ibsi {

namespace {

constexpr std::array<FeatureName, 5> kNames{{{"ngt_coarseness", "Coarseness"}, {"ngt_contrast", "Contrast"}, {"ngt_busyness", "Busyness"}, {"ngt_complexity", "Complexity"}, {"ngt_strength", "Strength"}}};

// A level: how many voxels, and the sum of their distances to the mean of their neighbours.
struct Tone { double n = 0, s = 0; };
using ToneMatrix = std::map<std::int32_t, Tone>;

ToneMatrix merged(const std::vector<const ToneMatrix*>& parts) {
  ToneMatrix all;
  for (const ToneMatrix* part : parts)
    for (const auto& [level, tone] : *part) {
      all[level].n += tone.n;
      all[level].s += tone.s;
    }
  return all;
}

struct Level { double i, p, s; };

std::vector<double> features(const ToneMatrix& matrix) {
  if (matrix.empty()) return std::vector<double>(kNames.size(), kUndefined);
  double n = 0, s = 0, weighted = 0;
  for (const auto& [level, tone] : matrix) n += tone.n;
  std::vector<Level> levels;
  for (const auto& [level, tone] : matrix) {
    levels.push_back({static_cast<double>(level), tone.n / n, tone.s});
    s += tone.s;
    weighted += tone.n / n * tone.s;
  }
  double contrast = 0, busyness = 0, complexity = 0, strength = 0;
  for (const Level& a : levels)
    for (const Level& b : levels) {
      const double d = a.i - b.i;
      contrast += a.p * b.p * d * d;
      busyness += std::abs(a.i * a.p - b.i * b.p);
      complexity += std::abs(d) * (a.p * a.s + b.p * b.s) / (a.p + b.p);
      strength += (a.p + b.p) * d * d;
    }
  const auto present = static_cast<double>(levels.size());
  // One level only: the manual sets coarseness to a large number and the others to 0.
  return {weighted > 0 ? 1 / weighted : 1e6, present > 1 ? contrast / (present * (present - 1)) * s / n : 0, present > 1 && busyness > 0 ? weighted / busyness : 0, complexity / n,
          s > 0 ? strength / s : 0};
}

}  // namespace

void add_ngtdm(const Region& region, bool by_slice, Sheet& sheet) {
  const std::vector<std::int64_t> half = half_neighbours(region, by_slice);
  MatrixSet<ToneMatrix> set;
  for (const std::span<const std::int64_t> group : groups_of(region, by_slice)) {
    std::vector<Tone> tones(static_cast<std::size_t>(region.levels) + 1);
    for (const std::int64_t v : group) {
      double sum = 0;
      int neighbours = 0;
      for (const std::int64_t offset : half)
        for (const std::int64_t next : {v + offset, v - offset}) {
          const std::int32_t level = region.level[static_cast<std::size_t>(next)];
          sum += level;
          neighbours += level > 0 ? 1 : 0;
        }
      if (neighbours == 0) continue;
      const std::int32_t own = region.level[static_cast<std::size_t>(v)];
      tones[static_cast<std::size_t>(own)].n += 1;
      tones[static_cast<std::size_t>(own)].s += std::abs(own - sum / neighbours);
    }
    ToneMatrix matrix;
    for (std::size_t level = 0; level < tones.size(); ++level)
      if (tones[level].n > 0) matrix[static_cast<std::int32_t>(level)] = tones[level];
    set.push_back({std::move(matrix)});
  }
  put_aggregated({"NGTDM", kNames}, set, aggregations(by_slice, false), &features, sheet);
}

}  // namespace hepar::imaging::ibsi
