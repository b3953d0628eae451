// SPDX-License-Identifier: Apache-2.0
// The families of features, one file each. A family appends its values to the sheet, in the order of the IBSI tables.
#pragma once

#include "data/imaging/radiomics_region.hpp"

#include <array>
#include <functional>
#include <limits>

namespace hepar::imaging::ibsi {

using Sheet = std::vector<RadiomicsValue>;
constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

void add_morphology(const Region& region, Sheet& sheet);
void add_local_intensity(const Region& region, Sheet& sheet);
void add_statistics(const Region& region, Sheet& sheet);
void add_histogram(const Region& region, Sheet& sheet);
void add_volume_histogram(const Region& region, const RadiomicsSettings& settings, Sheet& sheet);
void add_glcm(const Region& region, bool by_slice, Sheet& sheet);
void add_glrlm(const Region& region, bool by_slice, Sheet& sheet);
void add_glszm(const Region& region, bool by_slice, Sheet& sheet);
void add_gldzm(const Region& region, bool by_slice, Sheet& sheet);
void add_ngtdm(const Region& region, bool by_slice, Sheet& sheet);
void add_ngldm(const Region& region, bool by_slice, Sheet& sheet);

// A family without aggregations: one value a name.
void put(const FamilyNames& names, std::span<const double> values, Sheet& sheet);

// Moran's I and Geary's C with weights 1/distance over all pairs of voxels (IBSI 1, sections 3.1.26 and 3.1.27).
struct Autocorrelation { double moran = kUndefined, geary = kUndefined; };
[[nodiscard]] Autocorrelation autocorrelation(const Region& region);
// The two ways to the same sums: pair by pair, and by a Fourier transform of the box (exact but for rounding).
[[nodiscard]] Autocorrelation autocorrelation_by_pairs(const Region& region);
[[nodiscard]] Autocorrelation autocorrelation_by_transform(const Region& region);

// Zones: connected voxels of one level (26 neighbours, 8 by slice). `slice` is 0 by volume; `distance` the shortest
// city-block way from any of its voxels out of the drawn region, at least 1.
struct Zone { std::int64_t slice; std::int32_t level; std::int64_t size, distance; };
[[nodiscard]] std::vector<Zone> zones_of(const Region& region, bool by_slice);

}  // namespace hepar::imaging::ibsi
