// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/radiomics_facts.hpp"

#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "data/cohort/cells.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::imaging {

namespace {

using Values = std::map<std::string, RadiomicsValue, std::less<>>;

// A tag of the 2D and 2.5D aggregations asks for a look by slice; all others come from the volume.
bool is_by_slice(const std::string& tag) {
  for (const char* ending : {"_2D", "_2D_avg", "_2D_comb", "_2_5D", "_2_5D_avg", "_2_5D_comb"})
    if (tag.ends_with(ending)) return true;
  return false;
}

const std::vector<std::string>& all_tags() {
  static const std::vector<std::string> kTags = [] {
    std::vector<std::string> tags = radiomics_tags(false);
    for (std::string& tag : radiomics_tags(true))
      if (is_by_slice(tag)) tags.push_back(std::move(tag));
    return tags;
  }();
  return kTags;
}

// The rows of a timing that show the phase and name a mask, in table order. Of those after surgery only the ones whose
// day is recorded and not later than `last_day`: a later image is not known yet (law 5).
std::vector<std::size_t> rows_of(const PatientRecord& patient, const RegionRequest& request, const std::string& timing, bool& any) {
  std::vector<std::size_t> rows;
  any = false;
  for (std::size_t i = 0; i < patient.imaging.size(); ++i) {
    const ImagingRow& row = patient.imaging[i];
    const bool shows = row.phase == request.phase || request.phase == "any" || (row.phase.empty() && request.modality.phases.size() == 1);
    if (row.timing != timing || !shows) continue;
    if (timing == "post_op" && (!row.study_day || *row.study_day > request.known_day)) continue;
    any = true;
    if (!row.mask.empty()) rows.push_back(i);
  }
  return rows;
}

struct RegionValues {
  Values values;
  RegionProblem problem;
  bool recorded = true;  // the patient has such an image
};

RegionValues measure_row(const ImagingRow& row, std::size_t index, const RegionRequest& request, RadiomicsSettings settings) {
  const std::string which = "image " + std::to_string(index + 1) + ": ";  // never by path
  const ReadImage image = read_image(row.path);
  if (!image.image) return {{}, {image.reason, which + image.detail}, true};
  const ReadMask mask = read_mask(*image.image, row.mask, request.mask);
  if (!mask.mask) return {{}, {mask.reason, which + "mask: " + mask.detail}, true};
  RegionValues measured;
  for (const bool by_slice : {false, true}) {
    if (std::none_of(request.facts.begin(), request.facts.end(), [&](const auto& fact) { return is_by_slice(fact.second) == by_slice; })) continue;
    settings.by_slice = by_slice;
    Radiomics found = radiomics(*image.image, *mask.mask, settings);
    if (!found.problem.empty()) return {{}, {Reason::too_few, which + "mask: " + found.problem}, true};
    for (RadiomicsValue& value : found.values)
      if (is_by_slice(value.tag) == by_slice) measured.values.emplace(value.tag, std::move(value));
  }
  return measured;
}

// The first row that can be measured; the first problem when none can.
RegionValues measure(const PatientRecord& patient, const RegionRequest& request, const std::string& timing, const RadiomicsSettings& settings) {
  bool any = false;
  const std::vector<std::size_t> rows = rows_of(patient, request, timing, any);
  if (!any) return {{}, {}, false};
  if (rows.empty()) return {{}, {Reason::not_recorded, "no mask is named for the " + request.phase + " image"}, true};
  std::optional<RegionValues> first;
  for (const std::size_t index : rows) {
    RegionValues measured = measure_row(patient.imaging[index], index, request, settings);
    if (measured.problem.reason == Reason::present) return measured;
    if (!first) first = std::move(measured);
  }
  return std::move(*first);
}

void put_unknown(const RegionRequest& request, const std::string& why, Facts& facts) {
  for (const auto& [name, tag] : request.facts) facts[name] = {Fact::State::unknown, {}, why, 1};
}

}  // namespace

std::vector<RegionRequest> region_requests(const CohortSpec& spec) {
  std::vector<RegionRequest> requests;
  for (const ColumnSpec& column : spec.columns)
    for (const std::string& source : column.from) {
      const std::optional<RegionSource> region = region_source(column, source);
      if (!region) continue;
      const std::vector<std::string>& tags = all_tags();
      if (std::find(tags.begin(), tags.end(), region->tag) == tags.end())
        throw usage_error("column '" + column.name + "' asks for the feature '" + region->tag + "'", column.place, name_advice(region->tag, tags));
      const std::size_t dot = column.image.rfind('.');
      const ModalitySpec& modality = *spec.modality(column.image.substr(0, dot));
      RegionRequest request{modality, column.image.substr(dot + 1), column.mask, region->change, column.known.day, {}};
      const auto same = std::find_if(requests.begin(), requests.end(), [&](const RegionRequest& other) {
        const bool same_region = other.modality.name == request.modality.name && other.phase == request.phase && other.mask == request.mask;
        return same_region && other.change == request.change && (!request.change || other.known_day == request.known_day);
      });
      const auto at = same == requests.end() ? requests.insert(requests.end(), std::move(request)) : same;
      at->known_day = std::min(at->known_day, column.known.day);  // they share a fact: what the earliest column may know
      const std::pair<std::string, std::string> fact{region->fact, region->tag};
      if (std::find(at->facts.begin(), at->facts.end(), fact) == at->facts.end()) at->facts.push_back(fact);
    }
  return requests;
}

RegionProblem add_region_facts(const PatientRecord& patient, const RegionRequest& request, const RadiomicsSettings& settings, Facts& facts) {
  const RegionValues before = measure(patient, request, request.change ? "pre_op" : request.modality.timing, settings);
  const bool compare = request.change && before.recorded && before.problem.reason == Reason::present;
  const RegionValues after = compare ? measure(patient, request, "post_op", settings) : RegionValues{};
  for (const RegionValues* one : {&before, &after}) {
    if (!one->recorded || one->problem.reason != Reason::present) {
      put_unknown(request, one->recorded ? one->problem.detail : "no such image", facts);
      return one->problem;
    }
  }
  for (const auto& [name, tag] : request.facts) {
    const RadiomicsValue& first = before.values.at(tag);
    const double value = request.change ? after.values.at(tag).value - first.value : first.value;
    const std::string why = first.reason.empty() ? "not defined for this region" : std::string(first.reason);
    facts[name] = std::isfinite(value) ? Fact{Fact::State::known, number_text(value), "radiomics", 1}
                                       : Fact{Fact::State::unknown, {}, why, 1};
  }
  return {};
}

}  // namespace hepar::imaging
