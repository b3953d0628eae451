// SPDX-License-Identifier: Apache-2.0
// Tissue masks as GeoJSON in level-0 pixels, as QuPath reads and writes them.
#pragma once

#include "data/pathology/tissue.hpp"

#include <string>

namespace hepar::pathology {

// A FeatureCollection with one polygon (and its holes) a piece of the mask, classified "Tissue".
[[nodiscard]] std::string geojson_of(const Plane& mask, const Overview& overview);

// The polygons of a GeoJSON text as a mask of the overview's size: a pixel counts when its centre lies inside. Objects whose
// classification begins with "Ignore" or "Exclude" are cut out. input_error when the text is no GeoJSON or holds no polygon.
[[nodiscard]] Plane mask_of_geojson(const std::string& text, const Overview& overview);

}  // namespace hepar::pathology
