// SPDX-License-Identifier: Apache-2.0
// Grey level run lengths (IBSI 1, section 3.7).
#include "data/imaging/radiomics_matrix.hpp"

namespace hepar::imaging::ibsi {

namespace {

constexpr std::array<FeatureName, 16> kNames{{{"rlm_sre", "Short runs emphasis"}, {"rlm_lre", "Long runs emphasis"}, {"rlm_lgre", "Low grey level run emphasis"},
                                              {"rlm_hgre", "High grey level run emphasis"}, {"rlm_srlge", "Short run low grey level emphasis"},
                                              {"rlm_srhge", "Short run high grey level emphasis"}, {"rlm_lrlge", "Long run low grey level emphasis"},
                                              {"rlm_lrhge", "Long run high grey level emphasis"}, {"rlm_glnu", "Grey level non-uniformity"},
                                              {"rlm_glnu_norm", "Normalised grey level non-uniformity"}, {"rlm_rlnu", "Run length non-uniformity"},
                                              {"rlm_rlnu_norm", "Normalised run length non-uniformity"}, {"rlm_r_perc", "Run percentage"},
                                              {"rlm_gl_var", "Grey level variance"}, {"rlm_rl_var", "Run length variance"}, {"rlm_rl_entr", "Run entropy"}}};

}  // namespace

void add_glrlm(const Region& region, bool by_slice, Sheet& sheet) {
  const auto level = [&](std::int64_t v) { return region.level[static_cast<std::size_t>(v)]; };
  MatrixSet<CountMatrix> set;
  Counter counter;
  for (const std::span<const std::int64_t> group : groups_of(region, by_slice)) {
    set.emplace_back();
    for (const std::int64_t offset : half_neighbours(region, by_slice)) {
      for (const std::int64_t v : group) {
        if (level(v - offset) == level(v)) continue;  // a run begins where its level does
        std::int32_t length = 1;
        for (std::int64_t next = v + offset; level(next) == level(v); next += offset) ++length;
        counter.add(level(v), length);
      }
      set.back().push_back(counter.matrix(static_cast<double>(group.size())));
    }
  }
  put_aggregated({"GLRLM", kNames}, set, aggregations(by_slice, true), &level_features, sheet);
}

}  // namespace hepar::imaging::ibsi
