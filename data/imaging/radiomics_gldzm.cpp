// SPDX-License-Identifier: Apache-2.0
// Grey level distance zones (IBSI 1, section 3.9): city-block distance to the border of what was drawn.
#include "data/imaging/radiomics_matrix.hpp"

namespace hepar::imaging::ibsi {

namespace {

constexpr std::array<FeatureName, 16> kNames{{{"dzm_sde", "Small distance emphasis"}, {"dzm_lde", "Large distance emphasis"},
                                              {"dzm_lgze", "Low grey level zone emphasis"}, {"dzm_hgze", "High grey level zone emphasis"},
                                              {"dzm_sdlge", "Small distance low grey level emphasis"}, {"dzm_sdhge", "Small distance high grey level emphasis"},
                                              {"dzm_ldlge", "Large distance low grey level emphasis"}, {"dzm_ldhge", "Large distance high grey level emphasis"},
                                              {"dzm_glnu", "Grey level non-uniformity"}, {"dzm_glnu_norm", "Normalised grey level non-uniformity"},
                                              {"dzm_zdnu", "Zone distance non-uniformity"}, {"dzm_zdnu_norm", "Normalised zone distance non-uniformity"},
                                              {"dzm_z_perc", "Zone percentage"}, {"dzm_gl_var", "Grey level variance"},
                                              {"dzm_zd_var", "Zone distance variance"}, {"dzm_zd_entr", "Zone distance entropy"}}};

}  // namespace

void add_gldzm(const Region& region, bool by_slice, Sheet& sheet) {
  const std::vector<Zone> zones = zones_of(region, by_slice);
  MatrixSet<CountMatrix> set;
  Counter counter;
  auto zone = zones.begin();  // in the order of their slices
  for (const std::span<const std::int64_t> group : groups_of(region, by_slice)) {
    for (const std::int64_t slice = zone->slice; zone != zones.end() && zone->slice == slice; ++zone) counter.add(zone->level, static_cast<std::int32_t>(zone->distance));
    set.push_back({counter.matrix(static_cast<double>(group.size()))});
  }
  put_aggregated({"GLDZM", kNames}, set, aggregations(by_slice, false), &level_features, sheet);
}

}  // namespace hepar::imaging::ibsi
