// SPDX-License-Identifier: Apache-2.0
// A DICOM file as image and as mask: header, geometry, pixels of every series.
#include "data/imaging/dicom_library.hpp"
#include "data/imaging/mask.hpp"
#include "data/imaging/volume.hpp"
#include "tests/fuzz/target.hpp"

using namespace hepar;

namespace {

imaging::Image small_image() {
  imaging::Image image;
  image.size = {8, 6, 4};
  image.spacing_mm = {2, 1.5, 4};
  image.affine = {2, 0, 0, -20, 0, 1.5, 0, 30, 0, 0, 4, 100};
  image.values.assign(8 * 6 * 4, 0.0f);
  return image;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const imaging::DicomLibrary library;
  static const fuzz::MemoryFolder folder;
  static const imaging::Image image = small_image();
  fuzz::reads([&] {
    const std::filesystem::path file = folder.write("slice", fuzz::text_of(data, size));
    const imaging::Scan scan = imaging::scan_images(file);
    for (std::size_t series = 0; series < scan.series.size(); ++series) static_cast<void>(imaging::measure_series(scan, series));
    static_cast<void>(imaging::read_mask(image, file, "tumour"));
    PatientRecord patient;
    patient.imaging.push_back({file, file, "pre_op", "any", std::nullopt, {}});
    ModalitySpec modality;
    modality.name = "ct";
    modality.kind = Kind::volume;
    modality.phases = {"arterial", "portal"};
    modality.grid = {8, 8, 4};
    Facts facts;
    Pictures pictures;
    static_cast<void>(imaging::read_volume(patient, modality, facts, pictures));
  });
  return 0;
}
