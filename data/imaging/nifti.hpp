// SPDX-License-Identifier: Apache-2.0
// NIfTI-1 through libnifti, plain or gzipped.
#pragma once

#include "data/imaging/image.hpp"

namespace hepar::imaging {

[[nodiscard]] bool takes_nifti(const std::filesystem::path& path);
[[nodiscard]] ReadImage read_nifti(const std::filesystem::path& path);

[[nodiscard]] Scan scan_nifti(const std::filesystem::path& path);  // one series, its values not read
[[nodiscard]] ReadImage read_scanned_nifti(const Scan& scan, std::size_t series);
[[nodiscard]] Measured measure_nifti(const Scan& scan, std::size_t series);

}  // namespace hepar::imaging
