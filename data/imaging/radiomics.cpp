// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/radiomics.hpp"

#include "data/imaging/radiomics_families.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::imaging {

namespace {

using ibsi::Region;
using ibsi::Sheet;

struct Family { void (*add)(const Region& region, const RadiomicsSettings& settings, Sheet& sheet); };

// In the order of the IBSI tables.
constexpr std::array<Family, 11> kFamilies{{
    {[](const Region& r, const RadiomicsSettings&, Sheet& s) { ibsi::add_morphology(r, s); }},
    {[](const Region& r, const RadiomicsSettings&, Sheet& s) { ibsi::add_local_intensity(r, s); }},
    {[](const Region& r, const RadiomicsSettings&, Sheet& s) { ibsi::add_statistics(r, s); }},
    {[](const Region& r, const RadiomicsSettings&, Sheet& s) { ibsi::add_histogram(r, s); }},
    {[](const Region& r, const RadiomicsSettings& k, Sheet& s) { ibsi::add_volume_histogram(r, k, s); }},
    {[](const Region& r, const RadiomicsSettings& k, Sheet& s) { ibsi::add_glcm(r, k.by_slice, s); }},
    {[](const Region& r, const RadiomicsSettings& k, Sheet& s) { ibsi::add_glrlm(r, k.by_slice, s); }},
    {[](const Region& r, const RadiomicsSettings& k, Sheet& s) { ibsi::add_glszm(r, k.by_slice, s); }},
    {[](const Region& r, const RadiomicsSettings& k, Sheet& s) { ibsi::add_gldzm(r, k.by_slice, s); }},
    {[](const Region& r, const RadiomicsSettings& k, Sheet& s) { ibsi::add_ngtdm(r, k.by_slice, s); }},
    {[](const Region& r, const RadiomicsSettings& k, Sheet& s) { ibsi::add_ngldm(r, k.by_slice, s); }},
}};

std::string_view why_undefined(const Region& region) {
  if (region.voxels.size() == 1) return "the region is one voxel";
  const std::int32_t first = region.level[static_cast<std::size_t>(region.voxels.front())];
  const bool flat = std::all_of(region.voxels.begin(), region.voxels.end(), [&](std::int64_t v) { return region.level[static_cast<std::size_t>(v)] == first; });
  return flat ? "the region has one grey level" : "not defined for this region";
}

}  // namespace

Radiomics radiomics(const Image& image, const Mask& mask, const RadiomicsSettings& settings) {
  Region region = ibsi::region_of(image, mask, settings);
  Radiomics out{{}, std::move(region.notes), std::move(region.problem)};
  if (!out.problem.empty()) return out;
  for (const Family& family : kFamilies) family.add(region, settings, out.values);
  for (RadiomicsValue& value : out.values)
    if (!std::isfinite(value.value)) {
      value.value = ibsi::kUndefined;
      value.reason = why_undefined(region);
    }
  return out;
}

std::vector<std::string> radiomics_tags(bool by_slice) {
  // Two voxels have every feature's name, and cost nothing.
  Image image{{2, 1, 1}, {1, 1, 1}, {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0}, {1, 2}, 1, 2, 1.5};
  RadiomicsSettings settings;
  settings.by_slice = by_slice;
  std::vector<std::string> tags;
  for (const RadiomicsValue& value : radiomics(image, {image.size, {1, 1}, 2, {}}, settings).values) tags.push_back(value.tag);
  return tags;
}

}  // namespace hepar::imaging
