// SPDX-License-Identifier: Apache-2.0
// DICOM slices written by DCMTK for the tests of the imaging room: every field that matters can be set, every field that
// identifies is salted with kSalt.
#pragma once

#include "data/imaging/dicom_library.hpp"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcrleerg.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpeg/djrplol.h>
#include <dcmtk/dcmjpls/djencode.h>

#include <array>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace hepar::imaging {

constexpr const char* kSalt = "ZHANGSAN";

struct MadeSlice {
  int rows = 6, columns = 8;
  std::array<double, 3> position{0, 0, 0};
  std::array<double, 6> orientation{1, 0, 0, 0, 1, 0};
  std::array<double, 2> spacing{0.8, 0.7};  // between rows, between columns
  std::vector<std::uint16_t> stored;        // rows x columns, as bits
  bool is_signed = true;
  int bits_stored = 12;
  double slope = 1, intercept = -1024;
  std::string modality = "CT", series = "1.2.3.1", study = "1.2.3", instance, description = "CT abdomen", acquisition_time = "101500", study_date = "20240310";
  E_TransferSyntax syntax = EXS_LittleEndianExplicit;
  std::function<void(DcmDataset&)> change = [](DcmDataset&) {};
};

// Decoders and encoders as long as a test lives.
struct Codecs {
  DicomLibrary library;
  Codecs() {
    DcmRLEEncoderRegistration::registerCodecs();
    DJEncoderRegistration::registerCodecs(ECC_lossyYCbCr, EUC_default, OFFalse, 0, 0, 0, OFTrue, ESS_444, OFFalse, OFFalse, 0, 0, 0.0, 0.0, 0, 0, 0, 0, OFTrue,
                                          OFTrue);
    DJLSEncoderRegistration::registerCodecs();
  }
  ~Codecs() {
    DJLSEncoderRegistration::cleanup();
    DJEncoderRegistration::cleanup();
    DcmRLEEncoderRegistration::cleanup();
  }
};

template <class List>
std::string joined(const List& values) {
  std::string text;
  for (const double value : values) {
    std::array<char, 32> one{};
    std::snprintf(one.data(), one.size(), "%.12g", value);
    text += (text.empty() ? "" : "\\") + std::string(one.data());
  }
  return text;
}

inline void put_identity(DcmDataset& data, const MadeSlice& made) {
  const std::string salt = kSalt;
  for (const auto& [tag, value] :
       std::vector<std::pair<DcmTagKey, std::string>>{{DCM_PatientName, salt + "^NAME"},
                                                      {DCM_PatientID, salt + "-ID"},
                                                      {DCM_PatientBirthDate, "19610203"},
                                                      {DCM_AccessionNumber, salt + "ACC"},
                                                      {DCM_InstitutionName, salt + " hospital"},
                                                      {DCM_ReferringPhysicianName, salt + "^DR"},
                                                      {DCM_StudyDescription, salt + " study"},
                                                      {DCM_OperatorsName, salt + "^OP"},
                                                      {DCM_StudyInstanceUID, made.study},
                                                      {DCM_SeriesInstanceUID, made.series},
                                                      {DCM_SOPInstanceUID, made.instance},
                                                      {DCM_SOPClassUID, made.modality == "MR" ? UID_MRImageStorage : UID_CTImageStorage},
                                                      {DCM_Modality, made.modality},
                                                      {DCM_SeriesDescription, made.description},
                                                      {DCM_AcquisitionTime, made.acquisition_time},
                                                      {DCM_StudyDate, made.study_date},
                                                      {DCM_FrameOfReferenceUID, "1.2.9"},
                                                      {DCM_ImageType, "ORIGINAL\\PRIMARY\\AXIAL"}})
    data.putAndInsertString(tag, value.c_str());
}

inline void put_geometry(DcmDataset& data, const MadeSlice& made) {
  data.putAndInsertString(DCM_ImagePositionPatient, joined(made.position).c_str());
  data.putAndInsertString(DCM_ImageOrientationPatient, joined(made.orientation).c_str());
  data.putAndInsertString(DCM_PixelSpacing, joined(made.spacing).c_str());
}

// Writes the slice, compressed where its syntax is; false when DCMTK could not.
inline bool write_slice(const std::filesystem::path& path, const MadeSlice& made) {
  DcmFileFormat whole;
  DcmDataset& data = *whole.getDataset();
  put_identity(data, made);
  put_geometry(data, made);
  data.putAndInsertUint16(DCM_Rows, static_cast<Uint16>(made.rows));
  data.putAndInsertUint16(DCM_Columns, static_cast<Uint16>(made.columns));
  data.putAndInsertUint16(DCM_SamplesPerPixel, 1);
  data.putAndInsertUint16(DCM_BitsAllocated, 16);
  data.putAndInsertUint16(DCM_BitsStored, static_cast<Uint16>(made.bits_stored));
  data.putAndInsertUint16(DCM_HighBit, static_cast<Uint16>(made.bits_stored - 1));
  data.putAndInsertUint16(DCM_PixelRepresentation, made.is_signed ? 1 : 0);
  data.putAndInsertString(DCM_PhotometricInterpretation, "MONOCHROME2");
  data.putAndInsertString(DCM_RescaleSlope, joined(std::array{made.slope}).c_str());
  data.putAndInsertString(DCM_RescaleIntercept, joined(std::array{made.intercept}).c_str());
  data.putAndInsertUint16Array(DCM_PixelData, made.stored.data(), static_cast<unsigned long>(made.stored.size()));
  made.change(data);
  if (DcmXfer(made.syntax).isEncapsulated()) {
    const DJ_RPLossless jpeg(6, 0);
    const DcmRepresentationParameter* parameter = made.syntax == EXS_RLELossless || made.syntax == EXS_JPEGLSLossless ? nullptr : &jpeg;
    if (data.chooseRepresentation(made.syntax, parameter).bad() || !data.canWriteXfer(made.syntax)) return false;
  }
  return whole.saveFile(path.c_str(), made.syntax).good();
}

}  // namespace hepar::imaging
