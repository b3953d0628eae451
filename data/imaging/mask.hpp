// SPDX-License-Identifier: Apache-2.0
// A region of an image: DICOM-SEG, RTSTRUCT or NIfTI as one binary value a voxel of the image's own grid.
#pragma once

#include "data/imaging/image.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hepar::imaging {

struct Mask {
  std::array<std::int64_t, 3> size{};  // the image's
  std::vector<std::uint8_t> inside;    // 0 or 1, x fastest, one a voxel of the image
  std::int64_t voxels = 0;             // how many are 1
  std::vector<std::string> notes;      // what a person should know, e.g. that it was drawn on another grid
};

struct ReadMask {
  std::optional<Mask> mask;
  Reason reason = Reason::present;  // why there is none
  std::string detail;
};

// `label` names the segment or structure to take (case folded, "tumour", "tumor", "肿瘤", "gtv" and "lesion" mean the
// same, so do "liver" and "肝"); empty: all of them together, said in `notes` when there are several. A NIfTI mask has no
// names: a value above 0.5 is inside. A mask of another grid is laid on the image's in millimetres, the nearest of its
// voxels for each voxel of the image. A mask that touches no voxel of the image is refused. Never throws for a bad file.
[[nodiscard]] ReadMask read_mask(const Image& image, const std::filesystem::path& path, std::string_view label = {});

}  // namespace hepar::imaging
