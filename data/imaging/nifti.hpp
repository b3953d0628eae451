// SPDX-License-Identifier: Apache-2.0
// NIfTI-1 through libnifti, plain or gzipped.
#pragma once

#include "data/imaging/image.hpp"

namespace hepar::imaging {

[[nodiscard]] bool takes_nifti(const std::filesystem::path& path);
[[nodiscard]] ReadImage read_nifti(const std::filesystem::path& path);

}  // namespace hepar::imaging
