// SPDX-License-Identifier: Apache-2.0
#include "data/synthetic/nifti_writer.hpp"

#include "data/base/error.hpp"

#include <nifti/nifti1_io.h>

#include <algorithm>
#include <memory>

namespace hepar::synthetic {

namespace {

template <class Value>
void write_values(const std::filesystem::path& path, const VoxelGrid& grid, const std::vector<Value>& values, int type) {
  const int dims[8] = {3, grid.size[0], grid.size[1], grid.size[2], 1, 1, 1, 1};
  const std::unique_ptr<nifti_image, decltype(&nifti_image_free)> image(nifti_make_new_nim(dims, type, 1), &nifti_image_free);
  image->dx = image->pixdim[1] = static_cast<float>(grid.spacing_mm[0]);
  image->dy = image->pixdim[2] = static_cast<float>(grid.spacing_mm[1]);
  image->dz = image->pixdim[3] = static_cast<float>(grid.spacing_mm[2]);
  image->sform_code = NIFTI_XFORM_SCANNER_ANAT;
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 4; ++c) image->sto_xyz.m[r][c] = r == 3 && c == 3 ? 1.0f : 0.0f;
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    const float to_ras = axis < 2 ? -1.0f : 1.0f;
    image->sto_xyz.m[axis][axis] = to_ras * static_cast<float>(grid.spacing_mm[a]);
    if (grid.origin_mm[a] != 0) image->sto_xyz.m[axis][3] = to_ras * static_cast<float>(grid.origin_mm[a]);
  }
  std::copy(values.begin(), values.end(), static_cast<Value*>(image->data));
  nifti_set_filenames(image.get(), path.c_str(), 0, 1);
  nifti_image_write(image.get());
  // The library does not say when a disk is full.
  std::error_code failed;
  if (std::filesystem::file_size(path, failed) != 352 + sizeof(Value) * values.size() || failed) throw disk_error("cannot write", {path.string()});
}

}  // namespace

void write_nifti(const std::filesystem::path& path, const VoxelGrid& grid, const std::vector<std::int16_t>& values) {
  write_values(path, grid, values, DT_INT16);
}
void write_nifti(const std::filesystem::path& path, const VoxelGrid& grid, const std::vector<std::uint8_t>& values) {
  write_values(path, grid, values, DT_UINT8);
}

}  // namespace hepar::synthetic
