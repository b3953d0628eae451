// SPDX-License-Identifier: Apache-2.0
// A slide small enough for a page, with what was found on it outlined; made from the overview, so label and macro have no part in it.
#pragma once

#include "data/cohort/picture.hpp"
#include "data/pathology/tissue.hpp"

#include <string>

namespace hepar::pathology {

// At most 320 px along the longer edge. Tissue is outlined green, felt pen blue, what cannot be decoded red.
[[nodiscard]] Picture thumbnail_of(const Overview& overview, const TissueMap& map);

// As JPEG, quality 80, no subsampling (outlines keep their colour): the same bytes for the same pixels.
[[nodiscard]] std::string jpeg_of(const Picture& picture);

}  // namespace hepar::pathology
