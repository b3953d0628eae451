// SPDX-License-Identifier: Apache-2.0
// Masks in DICOM: segmentations (SEG) and structure sets (RTSTRUCT), laid on an image in millimetres.
#pragma once

#include "data/imaging/mask.hpp"

namespace hepar::imaging {

// A DICOM file, or a folder that holds one segmentation or structure set.
[[nodiscard]] bool takes_dicom_mask(const std::filesystem::path& path);
// SEG: each frame goes to the image's slices within half a slice of its plane, its nearest pixel for each of theirs;
// fractional ones count from one half on. RTSTRUCT: each closed contour goes to the nearest slice; a voxel is inside when its
// centre is (even-odd over the contours of a structure in a slice, so that an inner contour is a hole).
[[nodiscard]] ReadMask read_dicom_mask(const Image& image, const std::filesystem::path& path, std::string_view label);

}  // namespace hepar::imaging
