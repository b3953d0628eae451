// SPDX-License-Identifier: Apache-2.0
// A patient's image series as one volume on the declared grid.
#pragma once

#include "data/cohort/cohort.hpp"
#include "data/cohort/picture.hpp"

#include <string>

namespace hepar::imaging {

// {phases, z, y, x} float16 HU.
[[nodiscard]] Layout layout_of(const ModalitySpec& modality);

// Never throws for a bad file: the feature carries the reason and, in `detail`, which image of the patient and why.
// Phases that no image shows are filled with -1024 and marked absent in `phase_present`; none at all: missing_phase.
// Adds to `facts` what each phase was taken from (`ct.arterial.state`, `.rule`, `.spacing_mm`, `.slices`, `.series`, `.notes`, `.mask_ml`), and to
// `pictures` a montage of the phases.
[[nodiscard]] Feature read_volume(const PatientRecord& patient, const ModalitySpec& modality, Facts& facts, Pictures& pictures);

}  // namespace hepar::imaging
