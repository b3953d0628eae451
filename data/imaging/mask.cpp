// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/mask.hpp"

#include "data/cohort/file_state.hpp"
#include "data/imaging/affine.hpp"
#include "data/imaging/dicom_mask.hpp"
#include "data/imaging/nifti.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::imaging {

namespace {

ReadMask refused(Reason reason, std::string detail) { return {std::nullopt, reason, std::move(detail)}; }

bool same_grid(const Image& a, const Image& b) {
  if (a.size != b.size) return false;
  for (std::size_t i = 0; i < 12; ++i)
    if (std::abs(a.affine[i] - b.affine[i]) > 1e-3) return false;
  return true;
}

// The nearest voxel of `drawn` for each of the image's; outside of it: 0.
void lay_on(const Image& image, const Image& drawn, Mask& mask) {
  const std::optional<Affine> to_drawn = inverse(drawn.affine);
  if (!to_drawn) return;
  std::size_t at = 0;
  for (std::int64_t z = 0; z < image.size[2]; ++z)
    for (std::int64_t y = 0; y < image.size[1]; ++y)
      for (std::int64_t x = 0; x < image.size[0]; ++x, ++at) {
        const Vec3 voxel = mapped(*to_drawn, mapped(image.affine, {static_cast<double>(x), static_cast<double>(y), static_cast<double>(z)}));
        std::array<std::int64_t, 3> nearest{};
        bool within = true;
        for (std::size_t axis = 0; axis < 3; ++axis) {
          const double place = std::floor(voxel[axis] + 0.5);
          within = within && place >= 0 && place < static_cast<double>(drawn.size[axis]);
          if (within) nearest[axis] = static_cast<std::int64_t>(place);
        }
        if (within)
          mask.inside[at] = drawn.values[static_cast<std::size_t>((nearest[2] * drawn.size[1] + nearest[1]) * drawn.size[0] + nearest[0])] > 0.5f ? 1 : 0;
      }
}

ReadMask nifti_mask(const Image& image, const std::filesystem::path& path, std::string_view) {
  const ReadImage read = read_nifti(path);
  if (!read.image) return refused(read.reason, read.detail);
  Mask mask{image.size, std::vector<std::uint8_t>(image.values.size(), 0), 0, {}};
  if (same_grid(image, *read.image)) {
    for (std::size_t i = 0; i < mask.inside.size(); ++i) mask.inside[i] = read.image->values[i] > 0.5f ? 1 : 0;
  } else {
    lay_on(image, *read.image, mask);
    mask.notes.emplace_back("the mask was drawn on another grid; the nearest of its voxels was taken");
  }
  return {std::move(mask), Reason::present, {}};
}

struct MaskReader {
  bool (*takes)(const std::filesystem::path& path);
  ReadMask (*read)(const Image& image, const std::filesystem::path& path, std::string_view label);
};
constexpr std::array<MaskReader, 2> kReaders{{{&takes_nifti, &nifti_mask}, {&takes_dicom_mask, &read_dicom_mask}}};

}  // namespace

ReadMask read_mask(const Image& image, const std::filesystem::path& path, std::string_view label) {
  if (const FileState file = file_state(path); file.reason != Reason::present) return refused(file.reason, file.reason == Reason::missing_file ? "no such mask" : file.detail);
  const auto reader = std::find_if(kReaders.begin(), kReaders.end(), [&](const MaskReader& one) { return one.takes(path); });
  if (reader == kReaders.end()) return refused(Reason::unsupported, "no reader takes this format of masks");
  ReadMask read = reader->read(image, path, label);
  if (!read.mask) return read;
  read.mask->voxels = std::count(read.mask->inside.begin(), read.mask->inside.end(), std::uint8_t{1});
  if (read.mask->voxels == 0) return refused(Reason::too_few, "the mask touches no voxel of the image");
  return read;
}

}  // namespace hepar::imaging
