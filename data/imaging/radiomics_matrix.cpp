// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/radiomics_matrix.hpp"

namespace hepar::imaging::ibsi {

namespace {

constexpr std::array<Aggregation, 4> kBySlice{{{"2D_avg", "2D, averaged over slices and directions", false, false},
                                               {"2D_comb", "2D, merged per slice then averaged", false, true},
                                               {"2_5D_avg", "2.5D, merged per direction then averaged", true, false},
                                               {"2_5D_comb", "2.5D, all merged", true, true}}};
constexpr std::array<Aggregation, 2> kByVolume{{{"3D_avg", "3D, averaged over directions", false, false}, {"3D_comb", "3D, all directions merged", false, true}}};
constexpr std::array<Aggregation, 2> kBySlicePlain{{{"2D", "2D, by slice then averaged", false, false}, {"2_5D", "2.5D, merged over slices", true, false}}};
constexpr std::array<Aggregation, 1> kByVolumePlain{{{"3D", "3D", false, false}}};

void join_equal(std::vector<Entry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.i != b.i ? a.i < b.i : a.j < b.j; });
  std::size_t kept = 0;
  for (std::size_t e = 0; e < entries.size(); ++e) {
    if (kept > 0 && entries[kept - 1].i == entries[e].i && entries[kept - 1].j == entries[e].j) {
      entries[kept - 1].n += entries[e].n;
    } else {
      entries[kept++] = entries[e];
    }
  }
  entries.resize(kept);
}

}  // namespace

// Counted in a table when that is not much larger than the list, sorted otherwise (zones of many sizes).
CountMatrix Counter::matrix(double voxels) {
  CountMatrix matrix;
  matrix.voxels = voxels;
  std::size_t rows = 0, columns = 0;
  for (const std::uint64_t code : codes_) {
    rows = std::max(rows, static_cast<std::size_t>(code >> 32) + 1);
    columns = std::max(columns, static_cast<std::size_t>(code & 0xffffffffu) + 1);
  }
  if (rows * columns <= 4 * codes_.size() + 4096) {
    std::vector<std::uint32_t> table(rows * columns, 0);
    for (const std::uint64_t code : codes_) ++table[static_cast<std::size_t>(code >> 32) * columns + static_cast<std::size_t>(code & 0xffffffffu)];
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j)
        if (table[i * columns + j] > 0) matrix.entries.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(j), static_cast<double>(table[i * columns + j])});
  } else {
    for (const std::uint64_t code : codes_) matrix.entries.push_back({static_cast<std::int32_t>(code >> 32), static_cast<std::int32_t>(code & 0xffffffffu), 1});
    join_equal(matrix.entries);
  }
  codes_.clear();
  return matrix;
}

CountMatrix merged(const std::vector<const CountMatrix*>& parts) {
  CountMatrix all;
  for (const CountMatrix* part : parts) {
    all.entries.insert(all.entries.end(), part->entries.begin(), part->entries.end());
    all.voxels += part->voxels;
  }
  join_equal(all.entries);
  return all;
}

std::span<const Aggregation> aggregations(bool by_slice, bool directional) {
  if (directional) return by_slice ? std::span<const Aggregation>(kBySlice) : std::span<const Aggregation>(kByVolume);
  return by_slice ? std::span<const Aggregation>(kBySlicePlain) : std::span<const Aggregation>(kByVolumePlain);
}

void Mean::add(std::span<const double> values) {
  for (std::size_t f = 0; f < sum_.size(); ++f) {
    if (!std::isfinite(values[f])) continue;
    sum_[f] += values[f];
    n_[f] += 1;
  }
}

std::vector<double> Mean::values() const {
  std::vector<double> out(sum_.size(), kUndefined);
  for (std::size_t f = 0; f < out.size(); ++f)
    if (n_[f] > 0) out[f] = sum_[f] / n_[f];
  return out;
}

std::vector<double> level_features(const CountMatrix& matrix) {
  std::vector<double> f(16, kUndefined);
  if (matrix.empty()) return f;
  std::int32_t most_i = 0, most_j = 0;
  double all = 0;
  for (const Entry& e : matrix.entries) {
    most_i = std::max(most_i, e.i);
    most_j = std::max(most_j, e.j);
    all += e.n;
  }
  std::vector<double> by_level(static_cast<std::size_t>(most_i) + 1, 0);
  std::vector<std::pair<std::int32_t, double>> by_other;  // sizes may reach the number of voxels: sparse
  std::fill(f.begin(), f.begin() + 8, 0.0);
  double mean_i = 0, mean_j = 0, entropy = 0;
  for (const Entry& e : matrix.entries) {
    const double i = e.i, j = e.j, p = e.n / all, i2 = i * i, j2 = j * j;
    const std::array<double, 8> terms{1 / j2, j2, 1 / i2, i2, 1 / (i2 * j2), i2 / j2, j2 / i2, i2 * j2};
    for (std::size_t t = 0; t < terms.size(); ++t) f[t] += p * terms[t];
    by_level[static_cast<std::size_t>(e.i)] += e.n;
    by_other.emplace_back(e.j, e.n);
    mean_i += i * p;
    mean_j += j * p;
    entropy -= p * std::log2(p);
  }
  std::sort(by_other.begin(), by_other.end());
  double level_squares = 0, other_squares = 0, variance_i = 0, variance_j = 0;
  for (const double n : by_level) level_squares += n * n;
  for (std::size_t a = 0; a < by_other.size();) {
    double n = 0;
    const std::int32_t j = by_other[a].first;
    for (; a < by_other.size() && by_other[a].first == j; ++a) n += by_other[a].second;
    other_squares += n * n;
  }
  for (const Entry& e : matrix.entries) {
    variance_i += e.n / all * (e.i - mean_i) * (e.i - mean_i);
    variance_j += e.n / all * (e.j - mean_j) * (e.j - mean_j);
  }
  const std::array<double, 8> rest{level_squares / all, level_squares / (all * all), other_squares / all, other_squares / (all * all), all / matrix.voxels, variance_i, variance_j, entropy};
  std::copy(rest.begin(), rest.end(), f.begin() + 8);
  return f;
}

std::vector<std::int64_t> half_neighbours(const Region& region, bool by_slice) {
  std::vector<std::int64_t> offsets;
  for (std::int64_t z = by_slice ? 0 : -1; z <= (by_slice ? 0 : 1); ++z)
    for (std::int64_t y = -1; y <= 1; ++y)
      for (std::int64_t x = -1; x <= 1; ++x)
        if (const std::int64_t offset = region.offset(x, y, z); offset > 0) offsets.push_back(offset);
  return offsets;
}

std::vector<std::span<const std::int64_t>> groups_of(const Region& region, bool by_slice) {
  const std::span<const std::int64_t> all(region.voxels);
  if (!by_slice) return {all};
  std::vector<std::span<const std::int64_t>> groups;
  const std::int64_t slice = region.size[0] * region.size[1];
  for (std::size_t begin = 0; begin < all.size();) {
    std::size_t end = begin;
    while (end < all.size() && all[end] / slice == all[begin] / slice) ++end;
    groups.push_back(all.subspan(begin, end - begin));
    begin = end;
  }
  return groups;
}

}  // namespace hepar::imaging::ibsi
