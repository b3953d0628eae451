// SPDX-License-Identifier: Apache-2.0
// Texture features held to brute-force twins that fill whole matrices voxel by voxel and know nothing of the code, on random
// regions with holes.
#include "data/base/random.hpp"
#include "data/imaging/radiomics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

namespace hepar::imaging {
namespace {

using Place = std::array<int, 3>;

struct Case {
  Image image;
  Mask mask;
  int levels = 0;  // highest inside
  [[nodiscard]] int at(const Place& p) const {  // level, or 0 outside of the region
    for (std::size_t axis = 0; axis < 3; ++axis)
      if (p[axis] < 0 || p[axis] >= image.size[axis]) return 0;
    const auto i = static_cast<std::size_t>((p[2] * image.size[1] + p[1]) * image.size[0] + p[0]);
    return mask.inside[i] != 0 ? static_cast<int>(image.values[i]) : 0;
  }
  [[nodiscard]] std::vector<Place> places(int slice = -1) const {
    std::vector<Place> all;
    for (int z = 0; z < image.size[2]; ++z)
      for (int y = 0; y < image.size[1]; ++y)
        for (int x = 0; x < image.size[0]; ++x)
          if (at({x, y, z}) > 0 && (slice < 0 || slice == z)) all.push_back({x, y, z});
    return all;
  }
};

Case random_case(std::uint64_t seed, int levels, double share) {
  Stream random({99, seed});
  Case made;
  made.image.size = made.mask.size = {4 + static_cast<int>(random.below(5)), 4 + static_cast<int>(random.below(4)), 2 + static_cast<int>(random.below(4))};
  made.image.spacing_mm = {0.8, 1.1, 2.5};
  made.image.affine = {0.8, 0, 0, 0, 0, 1.1, 0, 0, 0, 0, 2.5, 0};
  for (std::int64_t i = 0; i < made.image.size[0] * made.image.size[1] * made.image.size[2]; ++i) {
    made.image.values.push_back(static_cast<float>(1 + random.below(static_cast<std::uint64_t>(levels))));
    made.mask.inside.push_back(random.uniform() < share ? 1 : 0);
    if (made.mask.inside.back() != 0) made.levels = std::max(made.levels, static_cast<int>(made.image.values.back()));
    made.mask.voxels += made.mask.inside.back();
  }
  return made;
}

Place moved(const Place& p, const Place& d, int times = 1) { return {p[0] + times * d[0], p[1] + times * d[1], p[2] + times * d[2]}; }

std::vector<Place> neighbours(bool flat) {
  std::vector<Place> all;
  for (int z = flat ? 0 : -1; z <= (flat ? 0 : 1); ++z)
    for (int y = -1; y <= 1; ++y)
      for (int x = -1; x <= 1; ++x)
        if (x != 0 || y != 0 || z != 0) all.push_back({x, y, z});
  return all;
}
// One of each pair of opposite ones.
std::vector<Place> directions(bool flat) {
  std::vector<Place> all;
  for (const Place& d : neighbours(flat))
    if (d > Place{0, 0, 0}) all.push_back(d);
  return all;
}

using Dense = std::map<std::pair<int, int>, double>;
using Names = std::map<std::string, double>;

// The whole symmetric matrix, both orders of every pair.
Dense cooccurrence(const Case& c, const std::vector<Place>& places, const Place& d) {
  Dense m;
  for (const Place& p : places)
    for (const int sign : {-1, 1})
      if (const int other = c.at(moved(p, d, sign)); other > 0) m[{c.at(p), other}] += 1;
  return m;
}

Dense runs(const Case& c, const std::vector<Place>& places, const Place& d) {
  Dense m;
  for (const Place& p : places) {
    int before = 0, after = 0;
    while (c.at(moved(p, d, -before - 1)) == c.at(p)) ++before;
    while (c.at(moved(p, d, after + 1)) == c.at(p)) ++after;
    m[{c.at(p), before + after + 1}] += 1.0 / (before + after + 1);  // every voxel of a run gives its share
  }
  return m;
}

struct TwinZone { int level; int size; int distance; };
std::vector<TwinZone> zones(const Case& c, const std::vector<Place>& places, bool flat) {
  std::set<Place> left(places.begin(), places.end());
  std::vector<TwinZone> all;
  while (!left.empty()) {
    const int level = c.at(*left.begin());
    std::vector<Place> zone{*left.begin()};
    left.erase(left.begin());
    TwinZone found{level, 0, 1000};
    for (std::size_t k = 0; k < zone.size(); ++k) {
      for (const Place& d : neighbours(flat))
        if (const Place next = moved(zone[k], d); c.at(next) == level && left.erase(next) > 0) zone.push_back(next);
      // The nearest place outside, searched in the whole neighbourhood of the image.
      const Place& p = zone[k];
      for (int z = flat ? p[2] : -1; z <= (flat ? p[2] : c.image.size[2]); ++z)
        for (int y = -1; y <= c.image.size[1]; ++y)
          for (int x = -1; x <= c.image.size[0]; ++x)
            if (c.at({x, y, z}) == 0) found.distance = std::min(found.distance, std::abs(x - p[0]) + std::abs(y - p[1]) + std::abs(z - p[2]));
    }
    found.size = static_cast<int>(zone.size());
    all.push_back(found);
  }
  return all;
}

double entropy(const std::map<int, double>& p) {
  double h = 0;
  for (const auto& [k, v] : p) h -= v > 0 ? v * std::log2(v) : 0;
  return h;
}

Names glcm_features(const Dense& m, int levels) {
  if (m.empty()) return {};
  double n = 0;
  for (const auto& [ij, count] : m) n += count;
  Names f;
  std::map<int, double> px, py, diff, sum;
  for (const auto& [ij, count] : m) {
    const auto [i, j] = ij;
    const double p = count / n, d = i - j;
    px[i] += p;
    py[j] += p;
    diff[std::abs(i - j)] += p;
    sum[i + j] += p;
    f["joint_max"] = std::max(f["joint_max"], p);
    f["joint_avg"] += i * p;
    f["joint_entr"] -= p * std::log2(p);
    f["energy"] += p * p;
    f["contrast"] += d * d * p;
    f["dissimilarity"] += std::abs(d) * p;
    f["inv_diff"] += p / (1 + std::abs(d));
    f["inv_diff_norm"] += p / (1 + std::abs(d) / levels);
    f["inv_diff_mom"] += p / (1 + d * d);
    f["inv_diff_mom_norm"] += p / (1 + d * d / levels / levels);
    f["inv_var"] += i == j ? 0 : p / (d * d);
    f["auto_corr"] += i * j * p;
  }
  const double mu = f["joint_avg"];
  double covariance = 0, hxy1 = 0, hxy2 = 0;
  for (const auto& [ij, count] : m) {
    const auto [i, j] = ij;
    const double p = count / n, s = i + j - 2 * mu;
    f["joint_var"] += (i - mu) * (i - mu) * p;
    f["clust_tend"] += s * s * p;
    f["clust_shade"] += s * s * s * p;
    f["clust_prom"] += s * s * s * s * p;
    covariance += (i - mu) * (j - mu) * p;
    hxy1 -= p * std::log2(px[i] * py[j]);
  }
  for (const auto& [i, a] : px)
    for (const auto& [j, b] : py) hxy2 -= a * b * std::log2(a * b);
  const auto spread = [](const std::map<int, double>& p, double& mean) {
    double variance = 0;
    mean = 0;
    for (const auto& [k, v] : p) mean += k * v;
    for (const auto& [k, v] : p) variance += (k - mean) * (k - mean) * v;
    return variance;
  };
  f["diff_var"] = spread(diff, f["diff_avg"]);
  f["sum_var"] = spread(sum, f["sum_avg"]);
  f["diff_entr"] = entropy(diff);
  f["sum_entr"] = entropy(sum);
  if (px.size() > 1) {
    f["corr"] = covariance / f["joint_var"];
    f["info_corr1"] = (f["joint_entr"] - hxy1) / entropy(px);
  } else {
    f["corr"] = f["info_corr1"] = 1;
  }
  f["info_corr2"] = std::sqrt(std::max(0.0, 1 - std::exp(-2 * (hxy2 - f["joint_entr"]))));
  return f;
}

// The features of runs, zones and dependences under their places in a list of names.
Names level_features(const Dense& m, double voxels, const std::vector<std::string>& names) {
  if (m.empty()) return {};
  double n = 0, mi = 0, mj = 0;
  std::map<int, double> rows, columns;
  for (const auto& [ij, count] : m) {
    n += count;
    rows[ij.first] += count;
    columns[ij.second] += count;
  }
  for (const auto& [ij, count] : m) {
    mi += ij.first * count / n;
    mj += ij.second * count / n;
  }
  std::vector<double> f(17, 0);
  for (const auto& [ij, count] : m) {
    const double i = ij.first, j = ij.second, p = count / n;
    f[0] += p / (j * j);
    f[1] += p * j * j;
    f[2] += p / (i * i);
    f[3] += p * i * i;
    f[4] += p / (i * i * j * j);
    f[5] += p * i * i / (j * j);
    f[6] += p * j * j / (i * i);
    f[7] += p * i * i * j * j;
    f[13] += p * (i - mi) * (i - mi);
    f[14] += p * (j - mj) * (j - mj);
    f[15] -= p * std::log2(p);
    f[16] += p * p;
  }
  for (const auto& [i, count] : rows) f[8] += count * count / n;
  for (const auto& [j, count] : columns) f[10] += count * count / n;
  f[9] = f[8] / n;
  f[11] = f[10] / n;
  f[12] = n / voxels;
  Names named;
  for (std::size_t k = 0; k < names.size(); ++k) named[names[k]] = f[k];
  return named;
}

// The mean of each feature over the parts that have it.
Names mean_of(const std::vector<Names>& parts) {
  std::map<std::string, std::vector<double>> lists;
  for (const Names& part : parts)
    for (const auto& [name, value] : part) lists[name].push_back(value);
  Names mean;
  for (const auto& [name, values] : lists) {
    for (const double value : values) mean[name] += value / static_cast<double>(values.size());
  }
  return mean;
}

Dense added(const std::vector<Dense>& parts) {
  Dense all;
  for (const Dense& part : parts)
    for (const auto& [ij, count] : part) all[ij] += count;
  return all;
}

struct Twin {
  const Case& c;
  std::map<std::string, double> values;  // by tag

  void keep(const std::string& family, const std::string& aggregation, const Names& named) {
    for (const auto& [name, value] : named) values[family + "_" + name + "_" + aggregation] = value;
  }

  using Matrix = std::function<Dense(const std::vector<Place>&, const Place&)>;
  using Features = std::function<Names(const Dense&, double voxels)>;
  void directional(const std::string& family, const Matrix& matrix, const Features& features) {
    const auto all = static_cast<double>(c.places().size());
    std::vector<Names> one;
    std::vector<Dense> every;
    for (const Place& d : directions(false)) {
      every.push_back(matrix(c.places(), d));
      one.push_back(features(every.back(), all));
    }
    keep(family, "3D_avg", mean_of(one));
    keep(family, "3D_comb", features(added(every), all * 13));
    std::vector<Names> single, per_slice, per_direction;
    std::vector<Dense> whole;
    std::map<Place, std::vector<Dense>> slices_of;
    for (int z = 0; z < c.image.size[2]; ++z) {
      if (c.places(z).empty()) continue;
      const auto n = static_cast<double>(c.places(z).size());
      std::vector<Dense> of_slice;
      for (const Place& d : directions(true)) {
        of_slice.push_back(matrix(c.places(z), d));
        single.push_back(features(of_slice.back(), n));
        slices_of[d].push_back(of_slice.back());
      }
      per_slice.push_back(features(added(of_slice), 4 * n));
      whole.push_back(added(of_slice));
    }
    for (const auto& [d, parts] : slices_of) per_direction.push_back(features(added(parts), all));
    keep(family, "2D_avg", mean_of(single));
    keep(family, "2D_comb", mean_of(per_slice));
    keep(family, "2_5D_avg", mean_of(per_direction));
    keep(family, "2_5D_comb", features(added(whole), 4 * all));
  }

  using Plain = std::function<Dense(const std::vector<Place>&, bool flat)>;
  void plain(const std::string& family, const Plain& matrix, const Features& features) {
    const auto all = static_cast<double>(c.places().size());
    keep(family, "3D", features(matrix(c.places(), false), all));
    std::vector<Names> per_slice;
    std::vector<Dense> slices;
    for (int z = 0; z < c.image.size[2]; ++z) {
      if (c.places(z).empty()) continue;
      slices.push_back(matrix(c.places(z), true));
      per_slice.push_back(features(slices.back(), static_cast<double>(c.places(z).size())));
    }
    keep(family, "2D", mean_of(per_slice));
    keep(family, "2_5D", features(added(slices), all));
  }
};

// Key (level, 0): voxels; (level, 1): the sum of differences.
Dense tones(const Case& c, const std::vector<Place>& places, bool flat) {
  Dense m;
  for (const Place& p : places) {
    double sum = 0, n = 0;
    for (const Place& d : neighbours(flat))
      if (const int level = c.at(moved(p, d)); level > 0) {
        sum += level;
        n += 1;
      }
    if (n == 0) continue;
    m[{c.at(p), 0}] += 1;
    m[{c.at(p), 1}] += std::abs(c.at(p) - sum / n);
  }
  return m;
}

Names tone_features(const Dense& m, double) {
  if (m.empty()) return {};
  std::map<int, double> p, s;
  double n = 0, all = 0;
  for (const auto& [key, value] : m) (key.second == 0 ? p : s)[key.first] = value;
  for (const auto& [i, count] : p) n += count;
  double coarse = 0, busy = 0, contrast = 0, complexity = 0, strength = 0;
  for (auto& [i, count] : p) {
    count /= n;
    coarse += count * s[i];
    all += s[i];
  }
  for (const auto& [i, a] : p)
    for (const auto& [j, b] : p) {
      contrast += a * b * (i - j) * (i - j);
      busy += std::abs(i * a - j * b);
      complexity += std::abs(i - j) * (a * s[i] + b * s[j]) / (a + b) / n;
      strength += (a + b) * (i - j) * (i - j);
    }
  const auto g = static_cast<double>(p.size());
  return {{"coarseness", coarse > 0 ? 1 / coarse : 1e6}, {"contrast", g > 1 ? contrast / (g * (g - 1)) * all / n : 0}, {"busyness", g > 1 ? coarse / busy : 0},
          {"complexity", complexity}, {"strength", all > 0 ? strength / all : 0}};
}

std::map<std::string, double> twin_of(const Case& c) {
  static const std::vector<std::string> kRuns{"sre", "lre", "lgre", "hgre", "srlge", "srhge", "lrlge", "lrhge", "glnu", "glnu_norm", "rlnu",
      "rlnu_norm", "r_perc", "gl_var", "rl_var", "rl_entr"};
  static const std::vector<std::string> kSizes{"sze", "lze", "lgze", "hgze", "szlge", "szhge", "lzlge", "lzhge", "glnu", "glnu_norm", "zsnu",
      "zsnu_norm", "z_perc", "gl_var", "zs_var", "zs_entr"};
  static const std::vector<std::string> kDistances{"sde", "lde", "lgze", "hgze", "sdlge", "sdhge", "ldlge", "ldhge", "glnu", "glnu_norm", "zdnu",
      "zdnu_norm", "z_perc", "gl_var", "zd_var", "zd_entr"};
  static const std::vector<std::string> kAlike{"lde", "hde", "lgce", "hgce", "ldlge", "ldhge", "hdlge", "hdhge", "glnu", "glnu_norm", "dcnu",
      "dcnu_norm", "dc_perc", "gl_var", "dc_var", "dc_entr", "dc_energy"};
  Twin twin{c, {}};
  twin.directional("cm", [&](const auto& places, const Place& d) { return cooccurrence(c, places, d); }, [&](const Dense& m,
      double) { return glcm_features(m, c.levels); });
  twin.directional("rlm", [&](const auto& places, const Place& d) { return runs(c, places, d); }, [&](const Dense& m,
      double n) { return level_features(m, n, kRuns); });
  const auto zone_matrix = [&](int TwinZone::*other) {
    return [&c, other](const std::vector<Place>& places, bool flat) {
      Dense m;
      for (const TwinZone& zone : zones(c, places, flat)) m[{zone.level, zone.*other}] += 1;
      return m;
    };
  };
  twin.plain("szm", zone_matrix(&TwinZone::size), [&](const Dense& m, double n) { return level_features(m, n, kSizes); });
  twin.plain("dzm", zone_matrix(&TwinZone::distance), [&](const Dense& m, double n) { return level_features(m, n, kDistances); });
  twin.plain("ngt", [&](const auto& places, bool flat) { return tones(c, places, flat); }, &tone_features);
  twin.plain("ngl", [&](const auto& places, bool flat) {
    Dense m;
    for (const Place& p : places) {
      int alike = 1;
      for (const Place& d : neighbours(flat)) alike += c.at(moved(p, d)) == c.at(p) ? 1 : 0;
      m[{c.at(p), alike}] += 1;
    }
    return m;
  }, [&](const Dense& m, double n) { return level_features(m, n, kAlike); });
  return twin.values;
}

class Textures : public testing::TestWithParam<int> {};

TEST_P(Textures, EqualTheirTwins) {
  const int seed = GetParam();
  const Case c = random_case(static_cast<std::uint64_t>(seed), 2 + seed % 7, 0.35 + 0.06 * (seed % 11));
  const std::map<std::string, double> twin = twin_of(c);
  std::size_t compared = 0;
  for (const bool by_slice : {false, true}) {
    RadiomicsSettings settings;
    settings.by_slice = by_slice;
    for (const RadiomicsValue& value : radiomics(c.image, c.mask, settings).values) {
      const auto expected = twin.find(value.tag);
      const bool texture = value.tag.ends_with("D") || value.tag.ends_with("_comb") || value.tag.ends_with("D_avg");
      if (!texture) continue;
      if (expected == twin.end()) {
        EXPECT_TRUE(std::isnan(value.value) && !value.reason.empty()) << value.tag;
        continue;
      }
      EXPECT_NEAR(value.value, expected->second, 1e-9 * std::max(1.0, std::abs(expected->second))) << value.tag << ", seed " << seed;
      ++compared;
    }
  }
  EXPECT_EQ(compared, twin.size());
  EXPECT_GE(compared, 400u);
}
INSTANTIATE_TEST_SUITE_P(Random, Textures, testing::Range(0, 24));

}  // namespace
}  // namespace hepar::imaging
