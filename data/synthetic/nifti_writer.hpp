// SPDX-License-Identifier: Apache-2.0
// NIfTI files of the generator.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace hepar::synthetic {

// Axes along LPS (a voxel further is further left, back, up), as DICOM's are; `origin_mm` is the first voxel's centre in LPS.
struct VoxelGrid {
  std::array<int, 3> size{};
  std::array<double, 3> spacing_mm{}, origin_mm{};
};
// Int16 (HU) or uint8 (a mask) values, x fastest. disk_error when the file is not whole.
void write_nifti(const std::filesystem::path& path, const VoxelGrid& grid, const std::vector<std::int16_t>& values);
void write_nifti(const std::filesystem::path& path, const VoxelGrid& grid, const std::vector<std::uint8_t>& values);

}  // namespace hepar::synthetic
