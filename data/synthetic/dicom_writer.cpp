// SPDX-License-Identifier: Apache-2.0
#include "data/synthetic/dicom_writer.hpp"

#include "data/base/error.hpp"
#include "data/base/random.hpp"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcrleerg.h>
#include <dcmtk/dcmdata/dcrlerp.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpeg/djrplol.h>

#include <fmt/format.h>

#include <cmath>

namespace hepar::synthetic {

namespace {

std::string time_text(double second_of_day) {
  const long whole = std::lround(std::floor(second_of_day));
  return fmt::format("{:02}{:02}{:02}.{:03}", whole / 3600, whole / 60 % 60, whole % 60,
                     std::lround((second_of_day - static_cast<double>(whole)) * 1000) % 1000);
}

std::string decimal(double value) { return fmt::format("{:.6g}", value); }

struct Text {
  DcmTagKey tag;
  std::string value;
};

void put(DcmDataset& data, const std::vector<Text>& texts) {
  for (const Text& text : texts) data.putAndInsertString(text.tag, text.value.c_str());
}

void put_identity(DcmDataset& data, const DicomImage& image) {
  if (!image.character_set.empty()) data.putAndInsertString(DCM_SpecificCharacterSet, image.character_set.c_str());
  put(data, {{DCM_SOPClassUID, image.position ? UID_CTImageStorage : UID_SecondaryCaptureImageStorage},
             {DCM_SOPInstanceUID, image.instance},
             {DCM_StudyInstanceUID, image.study},
             {DCM_SeriesInstanceUID, image.series},
             {DCM_Modality, "CT"},
             {DCM_ImageType, image.image_type},
             {DCM_PatientName, "Synthetic^" + image.patient},
             {DCM_PatientID, image.patient},
             {DCM_PatientBirthDate, ""},
             {DCM_PatientSex, ""},
             {DCM_InstitutionName, image.institution},
             {DCM_Manufacturer, "Hepar synth"},
             {DCM_StudyDate, image.study_date},
             {DCM_SeriesDate, image.study_date},
             {DCM_AcquisitionDate, image.study_date},
             {DCM_StudyTime, "085000"},
             {DCM_AcquisitionTime, time_text(image.acquired_s)},
             {DCM_ContentTime, time_text(image.acquired_s + 4)},
             {DCM_AccessionNumber, ""},
             {DCM_ReferringPhysicianName, ""},
             {DCM_StudyID, "1"},
             {DCM_SeriesDescription, image.series_description},
             {DCM_SeriesNumber, std::to_string(image.series_number)},
             {DCM_InstanceNumber, std::to_string(image.instance_number)},
             {DCM_AcquisitionNumber, std::to_string(image.acquisition_number)}});
}

void put_geometry(DcmDataset& data, const DicomImage& image) {
  const std::array<double, 3>& at = *image.position;
  put(data, {{DCM_FrameOfReferenceUID, image.frame_of_reference},
             {DCM_PositionReferenceIndicator, ""},
             {DCM_ImagePositionPatient, decimal(at[0]) + "\\" + decimal(at[1]) + "\\" + decimal(at[2])},
             {DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0"},
             {DCM_SliceLocation, decimal(at[2])},
             {DCM_PixelSpacing, decimal(image.pixel_mm) + "\\" + decimal(image.pixel_mm)},
             {DCM_SliceThickness, decimal(image.thickness_mm)},
             {DCM_KVP, "120"},
             {DCM_ConvolutionKernel, "B30f"},
             {DCM_PatientPosition, "HFS"},
             {DCM_RescaleIntercept, decimal(image.intercept)},
             {DCM_RescaleSlope, "1"},
             {DCM_RescaleType, "HU"}});
  if (!image.injected_s) return;
  put(data, {{DCM_ContrastBolusAgent, "Iohexol 350"}, {DCM_ContrastBolusStartTime, time_text(*image.injected_s)}});
}

void put_pixels(DcmDataset& data, const DicomImage& image) {
  const bool grey16 = image.position.has_value();
  data.putAndInsertString(DCM_PhotometricInterpretation, "MONOCHROME2");
  data.putAndInsertUint16(DCM_SamplesPerPixel, 1);
  data.putAndInsertUint16(DCM_Rows, static_cast<Uint16>(image.rows));
  data.putAndInsertUint16(DCM_Columns, static_cast<Uint16>(image.columns));
  data.putAndInsertUint16(DCM_BitsAllocated, grey16 ? 16 : 8);
  data.putAndInsertUint16(DCM_BitsStored, image.padding ? 16 : grey16 ? 12 : 8);
  data.putAndInsertUint16(DCM_HighBit, image.padding ? 15 : grey16 ? 11 : 7);
  data.putAndInsertUint16(DCM_PixelRepresentation, image.padding ? 1 : 0);
  if (image.padding) data.putAndInsertSint16(DCM_PixelPaddingValue, static_cast<Sint16>(*image.padding));
  if (grey16) {
    data.putAndInsertUint16Array(DCM_PixelData, image.pixels.data(), image.pixels.size());
    return;
  }
  const std::vector<Uint8> bytes(image.pixels.begin(), image.pixels.end());
  data.putAndInsertUint8Array(DCM_PixelData, bytes.data(), bytes.size());
}

E_TransferSyntax encoded(DcmDataset& data, Syntax syntax) {
  if (syntax == Syntax::explicit_little) return EXS_LittleEndianExplicit;
  if (syntax == Syntax::implicit_little) return EXS_LittleEndianImplicit;
  const DJ_RPLossless jpeg;
  const DcmRLERepresentationParameter rle;
  const E_TransferSyntax wanted = syntax == Syntax::rle ? EXS_RLELossless : EXS_JPEGProcess14SV1;
  const DcmRepresentationParameter* how = &jpeg;
  if (syntax == Syntax::rle) how = &rle;
  return data.chooseRepresentation(wanted, how).good() ? wanted : EXS_LittleEndianExplicit;
}

}  // namespace

DicomEncoders::DicomEncoders() {
  DcmRLEEncoderRegistration::registerCodecs();
  DJEncoderRegistration::registerCodecs();
}

DicomEncoders::~DicomEncoders() {
  DJEncoderRegistration::cleanup();
  DcmRLEEncoderRegistration::cleanup();
}

void write_dicom(const std::filesystem::path& path, const DicomImage& image, Syntax syntax) {
  DcmFileFormat file;
  DcmDataset& data = *file.getDataset();
  put_identity(data, image);
  if (image.position) put_geometry(data, image);
  put_pixels(data, image);
  const E_TransferSyntax written = encoded(data, syntax);
  if (file.saveFile(path.c_str(), written).bad()) throw disk_error("cannot write", {path.string()});
}

std::string uid_of(std::initializer_list<std::uint64_t> key) { return "2.25." + std::to_string(hash_words(key)); }

}  // namespace hepar::synthetic
