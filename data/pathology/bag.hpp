// SPDX-License-Identifier: Apache-2.0
// A patient's slides as one bag of tile features.
#pragma once

#include "data/cohort/cohort.hpp"
#include "data/cohort/picture.hpp"
#include "data/pathology/tile_encoder.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace hepar::pathology {

// {width} float16, one item a tile: of a file of tile features its own, of a whole slide the encoder's. The width that most
// files of the cohort have, by their headers, whatever their order; of equally common ones that of the earlier patient.
// nullopt when not one row can be read as either.
[[nodiscard]] std::optional<Layout> layout_of(const std::vector<PatientRecord>& patients, const TileEncoder& encoder);

// All slide rows of the patient, in table order, as one bag; tile features are imported as they are, whole slides go through
// the encoder. Never throws for a bad file: one unreadable slide of several is left out and named in `detail`; when none is
// left the feature carries the reason of the first. Adds what the slides say to `facts` under the modality's name
// (`slide.tissue_mm2`, `slide.blur`, ...; and `slide.1.blur`, `slide.1.state` for the first row), and a thumbnail of each whole slide to `pictures`.
[[nodiscard]] Feature read_bag(const PatientRecord& patient, const ModalitySpec& modality, const Layout& layout, TileEncoder& encoder, Facts& facts,
                               Pictures& pictures);

}  // namespace hepar::pathology
