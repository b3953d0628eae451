// SPDX-License-Identifier: Apache-2.0
// DCMTK's process-wide state: decoders, log, dictionary. One object lives in main, outside of every thread; compressed
// DICOM cannot be decoded without it.
#pragma once

namespace hepar::imaging {

class DicomLibrary {
 public:
  DicomLibrary();  // registers the decoders; silences DCMTK's log, which would print identifiers
  ~DicomLibrary();
  DicomLibrary(const DicomLibrary&) = delete;
  DicomLibrary& operator=(const DicomLibrary&) = delete;
};

}  // namespace hepar::imaging
