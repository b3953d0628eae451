// SPDX-License-Identifier: Apache-2.0
// A slide as a bag of tiles: OpenSlide, the tiled-JPEG reader beside it, tissue, tiles, quality.
#include "data/pathology/bag.hpp"
#include "tests/fuzz/target.hpp"

using namespace hepar;

namespace {

ModalitySpec slides() {
  ModalitySpec modality;
  modality.name = "slide";
  modality.kind = Kind::bag;
  modality.um_per_pixel = 2;
  modality.tile = 32;
  return modality;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFolder folder;
  static ModalitySpec modality = slides();
  static const std::shared_ptr<pathology::TileEncoder> encoder = pathology::builtin_encoder(modality);
  fuzz::reads([&] {
    PatientRecord patient;
    patient.slides.push_back({folder.write("slide.tif", fuzz::text_of(data, size)), {}, "HE", 2.0, {}});
    for (const Resample resample : {Resample::area, Resample::dct}) {
      modality.resample = resample;
      const std::optional<Layout> layout = pathology::layout_of({patient}, *encoder);
      if (!layout) return;
      Facts facts;
      Pictures pictures;
      static_cast<void>(pathology::read_bag(patient, modality, *layout, *encoder, facts, pictures));
    }
  });
  return 0;
}
