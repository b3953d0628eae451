// SPDX-License-Identifier: Apache-2.0
// Grey level size zones (IBSI 1, section 3.8).
#include "data/imaging/radiomics_matrix.hpp"

namespace hepar::imaging::ibsi {

namespace {

constexpr std::array<FeatureName, 16> kNames{{{"szm_sze", "Small zone emphasis"}, {"szm_lze", "Large zone emphasis"},
                                              {"szm_lgze", "Low grey level zone emphasis"}, {"szm_hgze", "High grey level zone emphasis"},
                                              {"szm_szlge", "Small zone low grey level emphasis"}, {"szm_szhge", "Small zone high grey level emphasis"},
                                              {"szm_lzlge", "Large zone low grey level emphasis"}, {"szm_lzhge", "Large zone high grey level emphasis"},
                                              {"szm_glnu", "Grey level non-uniformity"}, {"szm_glnu_norm", "Normalised grey level non-uniformity"},
                                              {"szm_zsnu", "Zone size non-uniformity"}, {"szm_zsnu_norm", "Normalised zone size non-uniformity"},
                                              {"szm_z_perc", "Zone percentage"}, {"szm_gl_var", "Grey level variance"},
                                              {"szm_zs_var", "Zone size variance"}, {"szm_zs_entr", "Zone size entropy"}}};

}  // namespace

void add_glszm(const Region& region, bool by_slice, Sheet& sheet) {
  const std::vector<Zone> zones = zones_of(region, by_slice);
  MatrixSet<CountMatrix> set;
  Counter counter;
  auto zone = zones.begin();  // in the order of their slices
  for (const std::span<const std::int64_t> group : groups_of(region, by_slice)) {
    for (const std::int64_t slice = zone->slice; zone != zones.end() && zone->slice == slice; ++zone) counter.add(zone->level, static_cast<std::int32_t>(zone->size));
    set.push_back({counter.matrix(static_cast<double>(group.size()))});
  }
  put_aggregated({"GLSZM", kNames}, set, aggregations(by_slice, false), &level_features, sheet);
}

}  // namespace hepar::imaging::ibsi
