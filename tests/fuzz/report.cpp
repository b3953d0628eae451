// SPDX-License-Identifier: Apache-2.0
// A letter as it lies on disk: its encoding, the lexicon's ids, what it states.
#include "data/reports/sequence.hpp"
#include "tests/fuzz/target.hpp"

using namespace hepar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFolder folder;
  fuzz::reads([&] {
    PatientRecord patient;
    patient.reports.push_back({folder.write("letter.txt", fuzz::text_of(data, size)), {}, {}, {}});
    ModalitySpec modality;
    modality.name = "report";
    modality.kind = Kind::sequence;
    Facts facts;
    static_cast<void>(reports::read_sequence(patient, modality, facts));
  });
  return 0;
}
