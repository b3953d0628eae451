// SPDX-License-Identifier: Apache-2.0
// A patient's pathology reports as ids of the fixed, versioned lexicon, and what the text states.
#pragma once

#include "data/cohort/cohort.hpp"

namespace hepar::reports {

// One int32 lexicon id an item; `meaning` holds the lexicon's version and size.
[[nodiscard]] Layout layout_of(const ModalitySpec& modality);
[[nodiscard]] std::int64_t lexicon_size();

// All report rows of the patient in table order. Adds facts "<modality>.<attribute>". Never throws for a bad file.
[[nodiscard]] Feature read_sequence(const PatientRecord& patient, const ModalitySpec& modality, Facts& facts);

}  // namespace hepar::reports
