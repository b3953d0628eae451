// SPDX-License-Identifier: Apache-2.0
// The radiomics columns of a cohort as facts of a patient.
#pragma once

#include "data/cohort/cohort.hpp"
#include "data/imaging/radiomics.hpp"

#include <string>
#include <vector>

namespace hepar::imaging {

// What the columns ask of one region: the image of a modality's phase and its mask. A `change` is the value after
// surgery less the one before, of studies not later than `known_day`.
struct RegionRequest {
  ModalitySpec modality;
  std::string phase, mask;
  bool change = false;
  double known_day = KnownAt::kPreOp;
  std::vector<std::pair<std::string, std::string>> facts;  // name of the fact, tag
};

// One request a (image, mask, change, day), in the order of the columns; usage_error for a tag that there is not.
[[nodiscard]] std::vector<RegionRequest> region_requests(const CohortSpec& spec);

// Why a region gave nothing, for failures.csv. Empty detail: it gave everything, or the patient has no such image.
struct RegionProblem {
  Reason reason = Reason::present;
  std::string detail;
};
// Facts of one request; those that are not there are unknown, with the reason as their source. Never throws for a bad file.
[[nodiscard]] RegionProblem add_region_facts(const PatientRecord& patient, const RegionRequest& request, const RadiomicsSettings& settings, Facts& facts);

}  // namespace hepar::imaging
