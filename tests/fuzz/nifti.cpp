// SPDX-License-Identifier: Apache-2.0
// A NIfTI file, plain or gzipped, as image and as mask.
#include "data/imaging/mask.hpp"
#include "data/imaging/volume.hpp"
#include "tests/fuzz/target.hpp"

using namespace hepar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFolder folder;
  fuzz::reads([&] {
    const bool zipped = size > 2 && data[0] == 0x1f && data[1] == 0x8b;
    const std::filesystem::path file = folder.write(zipped ? "image.nii.gz" : "image.nii", fuzz::text_of(data, size));
    const imaging::Scan scan = imaging::scan_images(file);
    for (std::size_t series = 0; series < scan.series.size(); ++series) static_cast<void>(imaging::measure_series(scan, series));
    PatientRecord patient;
    patient.imaging.push_back({file, file, "pre_op", "any", std::nullopt, {}});
    ModalitySpec modality;
    modality.name = "ct";
    modality.kind = Kind::volume;
    modality.phases = {"portal"};
    modality.grid = {8, 8, 4};
    Facts facts;
    Pictures pictures;
    static_cast<void>(imaging::read_volume(patient, modality, facts, pictures));
  });
  return 0;
}
