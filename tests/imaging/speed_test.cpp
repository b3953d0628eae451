// SPDX-License-Identifier: Apache-2.0
// Not a check but the measuring end of tests/bench/dicom.py: series to HU, slices a CPU second.
#include "data/imaging/dicom_library.hpp"
#include "data/imaging/image.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace hepar::imaging {
namespace {

TEST(Speed, DISABLED_OfTheFolderInTheEnvironment) {
  const char* folder = std::getenv("HEPAR_DICOM_FOLDER");
  ASSERT_NE(folder, nullptr) << "set HEPAR_DICOM_FOLDER";
  const DicomLibrary library;
  for (int round = 0; round < 3; ++round) {
    const std::clock_t start = std::clock();
    const ReadImage read = read_image(folder);
    ASSERT_TRUE(read.image) << read.detail;
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    std::printf("slices_per_cpu_second %.0f mean %.6f\n", static_cast<double>(read.image->size[2]) / seconds, read.image->mean);
  }
}

}  // namespace
}  // namespace hepar::imaging
