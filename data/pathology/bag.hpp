// SPDX-License-Identifier: Apache-2.0
// A patient's slides as one bag of tile features.
#pragma once

#include "data/cohort/cohort.hpp"

#include <cstdint>
#include <optional>

namespace hepar::pathology {

// Width of the features in a file; nullopt when it cannot be read as tile features. The first readable file of a cohort
// (in the order of its patients) fixes the width of the modality.
[[nodiscard]] std::optional<std::int64_t> feature_width(const std::filesystem::path& file);

// {width} float16, one item a tile.
[[nodiscard]] Layout layout_of(const ModalitySpec& modality, std::int64_t width);

// All slide rows of the patient, in table order, as one bag. Never throws for a bad file: one unreadable slide of several
// is left out and named in `detail`; when none is left the feature carries the reason of the first.
[[nodiscard]] Feature read_bag(const PatientRecord& patient, const Layout& layout);

}  // namespace hepar::pathology
