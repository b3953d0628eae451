// SPDX-License-Identifier: Apache-2.0
// Texture matrices as counts of (level, other), and how their features are put together over slices and directions.
#pragma once

#include "data/imaging/radiomics_families.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::imaging::ibsi {

struct Entry { std::int32_t i = 0, j = 0; double n = 0; };

// Sparse counts in ascending (i, j), and how many voxels they were counted over.
struct CountMatrix {
  std::vector<Entry> entries;
  double voxels = 0;
  [[nodiscard]] bool empty() const { return entries.empty(); }
};

// Pairs as they are found; `matrix` counts them.
class Counter {
 public:
  void add(std::int32_t i, std::int32_t j) { codes_.push_back(static_cast<std::uint64_t>(static_cast<std::uint32_t>(i)) << 32 | static_cast<std::uint32_t>(j)); }
  [[nodiscard]] CountMatrix matrix(double voxels);  // and begins again

 private:
  std::vector<std::uint64_t> codes_;
};

[[nodiscard]] CountMatrix merged(const std::vector<const CountMatrix*>& parts);

// Matrices of each slice (one "slice" by volume) and direction (one for zones and neighbourhoods).
template <class Matrix>
using MatrixSet = std::vector<std::vector<Matrix>>;

// How a set becomes one value a feature: by slice, per direction or all directions merged.
struct Aggregation { std::string_view suffix, text; bool merge_slices, merge_directions; };
[[nodiscard]] std::span<const Aggregation> aggregations(bool by_slice, bool directional);

// The mean over matrices; those for which a feature is not defined do not count.
class Mean {
 public:
  explicit Mean(std::size_t features) : sum_(features, 0), n_(features, 0) {}
  void add(std::span<const double> values);
  [[nodiscard]] std::vector<double> values() const;

 private:
  std::vector<double> sum_, n_;
};

template <class Matrix, class Features>
std::vector<double> aggregate(const MatrixSet<Matrix>& set, const Aggregation& how, std::size_t count, const Features& features) {
  Mean mean(count);
  const std::size_t directions = set.front().size();
  const std::size_t outer = how.merge_slices ? 1 : set.size(), inner = how.merge_directions ? 1 : directions;
  for (std::size_t s = 0; s < outer; ++s)
    for (std::size_t d = 0; d < inner; ++d) {
      std::vector<const Matrix*> parts;
      for (std::size_t slice = 0; slice < set.size(); ++slice)
        for (std::size_t direction = 0; direction < directions; ++direction)
          if ((how.merge_slices || slice == s) && (how.merge_directions || direction == d)) parts.push_back(&set[slice][direction]);
      if (parts.size() == 1) {
        mean.add(features(*parts.front()));
      } else {
        mean.add(features(merged(parts)));
      }
    }
  return mean.values();
}

template <class Matrix, class Features>
void put_aggregated(const FamilyNames& names, const MatrixSet<Matrix>& set, std::span<const Aggregation> hows, const Features& features, Sheet& sheet) {
  for (const Aggregation& how : hows) {
    const std::vector<double> values = aggregate(set, how, names.features.size(), features);
    for (std::size_t f = 0; f < values.size(); ++f)
      sheet.push_back({std::string(names.features[f].tag) + "_" + std::string(how.suffix), names.family, names.features[f].name, how.text, values[f], {}});
  }
}

// The sixteen features that runs, zones and dependences share (i: level, j: length, size, distance or dependence).
[[nodiscard]] std::vector<double> level_features(const CountMatrix& matrix);

// Offsets to one of each pair of opposite neighbours: 13 by volume, 4 by slice.
[[nodiscard]] std::vector<std::int64_t> half_neighbours(const Region& region, bool by_slice);

// The voxels of each slice that has any (of the whole region by volume).
[[nodiscard]] std::vector<std::span<const std::int64_t>> groups_of(const Region& region, bool by_slice);

}  // namespace hepar::imaging::ibsi
