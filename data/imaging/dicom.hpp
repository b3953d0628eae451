// SPDX-License-Identifier: Apache-2.0
// DICOM: a file, or a folder with everything that a hospital puts into it, as volumes.
#pragma once

#include "data/imaging/image.hpp"
#include "data/imaging/stack.hpp"

namespace hepar::imaging {

// Every folder, and every file that looks like DICOM.
[[nodiscard]] bool takes_dicom(const std::filesystem::path& path);
// Series by study, series, size, spacing, image type, kernel and echo, each split further by `stacks_of`. Files that are no
// images are counted in the notes; so are files that cannot be read, one reason each.
[[nodiscard]] Scan scan_dicom(const std::filesystem::path& path);
// A series that is no regular volume, or a frame that cannot be decoded, refuses the whole of it.
[[nodiscard]] ReadImage read_dicom(const Scan& scan, std::size_t series);
[[nodiscard]] Measured measure_dicom(const Scan& scan, std::size_t series);

// The files of a scan and the planes of its series, one a Scan::series: for the masks of this room.
struct Study {
  std::vector<DicomFile> files;
  std::vector<Stack> stacks;
};

}  // namespace hepar::imaging
