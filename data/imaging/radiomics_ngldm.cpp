// SPDX-License-Identifier: Apache-2.0
// Neighbouring grey level dependence (IBSI 1, section 3.11): how many neighbours have the very same level, the voxel
// itself counted (coarseness 0, distance 1).
#include "data/imaging/radiomics_matrix.hpp"

namespace hepar::imaging::ibsi {

namespace {

constexpr std::array<FeatureName, 17> kNames{{{"ngl_lde", "Low dependence emphasis"}, {"ngl_hde", "High dependence emphasis"}, {"ngl_lgce", "Low grey level count emphasis"},
                                              {"ngl_hgce", "High grey level count emphasis"}, {"ngl_ldlge", "Low dependence low grey level emphasis"},
                                              {"ngl_ldhge", "Low dependence high grey level emphasis"}, {"ngl_hdlge", "High dependence low grey level emphasis"},
                                              {"ngl_hdhge", "High dependence high grey level emphasis"}, {"ngl_glnu", "Grey level non-uniformity"},
                                              {"ngl_glnu_norm", "Normalised grey level non-uniformity"}, {"ngl_dcnu", "Dependence count non-uniformity"},
                                              {"ngl_dcnu_norm", "Normalised dependence count non-uniformity"}, {"ngl_dc_perc", "Dependence count percentage"},
                                              {"ngl_gl_var", "Grey level variance"}, {"ngl_dc_var", "Dependence count variance"}, {"ngl_dc_entr", "Dependence count entropy"},
                                              {"ngl_dc_energy", "Dependence count energy"}}};

std::vector<double> features(const CountMatrix& matrix) {
  std::vector<double> values = level_features(matrix);
  double all = 0, squares = 0;
  for (const Entry& e : matrix.entries) {
    all += e.n;
    squares += e.n * e.n;
  }
  values.push_back(squares / (all * all));
  return values;
}

}  // namespace

void add_ngldm(const Region& region, bool by_slice, Sheet& sheet) {
  const auto level = [&](std::int64_t v) { return region.level[static_cast<std::size_t>(v)]; };
  const std::vector<std::int64_t> half = half_neighbours(region, by_slice);
  MatrixSet<CountMatrix> set;
  Counter counter;
  for (const std::span<const std::int64_t> group : groups_of(region, by_slice)) {
    for (const std::int64_t v : group) {
      std::int32_t alike = 1;
      for (const std::int64_t offset : half) alike += (level(v + offset) == level(v) ? 1 : 0) + (level(v - offset) == level(v) ? 1 : 0);
      counter.add(level(v), alike);
    }
    set.push_back({counter.matrix(static_cast<double>(group.size()))});
  }
  put_aggregated({"NGLDM", kNames}, set, aggregations(by_slice, false), &features, sheet);
}

}  // namespace hepar::imaging::ibsi
