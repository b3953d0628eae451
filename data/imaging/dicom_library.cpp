// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/dicom_library.hpp"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>

namespace hepar::imaging {

DicomLibrary::DicomLibrary() {
  OFLog::configure(OFLogger::OFF_LOG_LEVEL);
  DcmRLEDecoderRegistration::registerCodecs();
  DJDecoderRegistration::registerCodecs();
  DJLSDecoderRegistration::registerCodecs();
}

DicomLibrary::~DicomLibrary() {
  DJLSDecoderRegistration::cleanup();
  DJDecoderRegistration::cleanup();
  DcmRLEDecoderRegistration::cleanup();
}

}  // namespace hepar::imaging
