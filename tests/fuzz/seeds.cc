// SPDX-License-Identifier: Apache-2.0
// Small whole files to begin from, a folder a reader: usage: fuzz_seeds FOLDER
#include "data/base/files.hpp"
#include "data/synthetic/nifti_writer.hpp"
#include "tests/imaging/made_dicom.hpp"
#include "tests/pathology/slide_maker.hpp"

#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <openjpeg.h>

#include <numeric>

namespace fs = std::filesystem;
using namespace hepar;

namespace {

void put_frames(DcmDataset& data, int frames) {
  data.putAndInsertString(DCM_NumberOfFrames, std::to_string(frames).c_str());
  for (int frame = 0; frame < frames; ++frame) {
    DcmItem *groups = nullptr, *place = nullptr;
    data.findOrCreateSequenceItem(DCM_PerFrameFunctionalGroupsSequence, groups, frame);
    groups->findOrCreateSequenceItem(DCM_PlanePositionSequence, place, 0);
    place->putAndInsertString(DCM_ImagePositionPatient, imaging::joined(std::array<double, 3>{0, 0, 4.0 * frame}).c_str());
  }
}

void put_segments(DcmDataset& data) {
  data.putAndInsertString(DCM_SOPClassUID, UID_SegmentationStorage);
  data.putAndInsertString(DCM_Modality, "SEG");
  for (const DcmTagKey& tag : {DCM_BitsAllocated, DCM_BitsStored}) data.putAndInsertUint16(tag, 1);
  for (const DcmTagKey& tag : {DCM_HighBit, DCM_PixelRepresentation}) data.putAndInsertUint16(tag, 0);
  DcmItem *segment = nullptr, *groups = nullptr, *which = nullptr;
  data.findOrCreateSequenceItem(DCM_SegmentSequence, segment, 0);
  segment->putAndInsertUint16(DCM_SegmentNumber, 1);
  segment->putAndInsertString(DCM_SegmentLabel, "Tumor 1");
  for (long frame = 0; frame < 4; ++frame) {
    data.findOrCreateSequenceItem(DCM_PerFrameFunctionalGroupsSequence, groups, frame);
    groups->findOrCreateSequenceItem(DCM_SegmentIdentificationSequence, which, 0);
    which->putAndInsertUint16(DCM_ReferencedSegmentNumber, 1);
  }
}

void put_structure(DcmDataset& data) {
  data.putAndInsertString(DCM_SOPClassUID, UID_RTStructureSetStorage);
  data.findAndDeleteElement(DCM_PixelData);
  DcmItem *region = nullptr, *drawn = nullptr, *contour = nullptr;
  data.findOrCreateSequenceItem(DCM_StructureSetROISequence, region, 0);
  region->putAndInsertString(DCM_ROINumber, "1");
  region->putAndInsertString(DCM_ROIName, "GTV");
  data.findOrCreateSequenceItem(DCM_ROIContourSequence, drawn, 0);
  drawn->putAndInsertString(DCM_ReferencedROINumber, "1");
  drawn->findOrCreateSequenceItem(DCM_ContourSequence, contour, 0);
  contour->putAndInsertString(DCM_ContourGeometricType, "CLOSED_PLANAR");
  contour->putAndInsertString(DCM_ContourData, "-19\\31\\104\\-9\\31\\104\\-9\\36\\104\\-19\\36\\104");
}

// The codestream of 8 x 6 pixels of 16 bits.
std::string jpeg_2000(const fs::path& scratch) {
  opj_image_cmptparm_t part{1, 1, 8, 6, 0, 0, 16, 16, 0};
  opj_image_t* image = opj_image_create(1, &part, OPJ_CLRSPC_GRAY);
  image->x1 = 8;
  image->y1 = 6;
  for (int i = 0; i < 48; ++i) image->comps[0].data[i] = 100 + 7 * i;
  opj_cparameters_t parameters;
  opj_set_default_encoder_parameters(&parameters);
  parameters.numresolution = 2;
  opj_codec_t* codec = opj_create_compress(OPJ_CODEC_J2K);
  opj_setup_encoder(codec, &parameters, image);
  opj_stream_t* stream = opj_stream_create_default_file_stream(scratch.c_str(), OPJ_FALSE);
  opj_start_compress(codec, image, stream);
  opj_encode(codec, stream);
  opj_end_compress(codec, stream);
  opj_stream_destroy(stream);
  opj_destroy_codec(codec);
  opj_image_destroy(image);
  std::string bytes = read_file(scratch);
  fs::remove(scratch);
  return bytes.size() % 2 == 0 ? bytes : bytes + '\0';
}

// `native` is a slice of those pixels, which this one holds as JPEG 2000.
void write_jpeg_2000(const fs::path& native, const fs::path& path) {
  const std::string bytes = jpeg_2000(path);
  DcmFileFormat whole;
  whole.loadFile(native.c_str());
  auto* sequence = new DcmPixelSequence(DCM_PixelSequenceTag);
  sequence->insert(new DcmPixelItem(DCM_PixelItemTag));
  auto* item = new DcmPixelItem(DCM_PixelItemTag);
  item->putUint8Array(reinterpret_cast<const Uint8*>(bytes.data()), static_cast<unsigned long>(bytes.size()));
  sequence->insert(item);
  auto* pixels = new DcmPixelData(DCM_PixelData);
  pixels->putOriginalRepresentation(EXS_JPEG2000LosslessOnly, nullptr, sequence);
  whole.getDataset()->insert(pixels, true);
  whole.saveFile(path.c_str(), EXS_JPEG2000LosslessOnly);
}

void write_dicom(const fs::path& folder) {
  const imaging::Codecs codecs;
  imaging::MadeSlice slice;
  slice.instance = "1.2.3.1.1";
  slice.stored.resize(48 * 4);
  std::iota(slice.stored.begin(), slice.stored.end(), std::uint16_t{100});
  imaging::MadeSlice one = slice;
  one.stored.resize(48);
  for (const E_TransferSyntax syntax : {EXS_LittleEndianExplicit, EXS_LittleEndianImplicit, EXS_BigEndianExplicit, EXS_DeflatedLittleEndianExplicit,
                                        EXS_RLELossless, EXS_JPEGProcess14SV1, EXS_JPEGLSLossless}) {
    one.syntax = syntax;
    imaging::write_slice(folder / ("slice_" + std::to_string(syntax)), one);
  }
  write_jpeg_2000(folder / ("slice_" + std::to_string(EXS_LittleEndianExplicit)), folder / "jpeg_2000");
  slice.change = [](DcmDataset& data) { put_frames(data, 4); };
  imaging::write_slice(folder / "frames", slice);
  slice.change = [](DcmDataset& data) {
    put_frames(data, 4);
    put_segments(data);
  };
  imaging::write_slice(folder / "segments", slice);
  one.syntax = EXS_LittleEndianExplicit;
  one.change = &put_structure;
  imaging::write_slice(folder / "structure", one);
}

void write_nifti(const fs::path& folder) {
  const synthetic::VoxelGrid grid{{6, 5, 4}, {2, 2, 5}, {0, 0, 0}};
  std::vector<std::int16_t> values(120);
  std::iota(values.begin(), values.end(), std::int16_t{-60});
  synthetic::write_nifti(folder / "image.nii", grid, values);
  synthetic::write_nifti(folder / "mask.nii", grid, std::vector<std::uint8_t>(120, 1));
}

// Of 2 um a pixel, so that a slide of a few kB holds tissue enough for tiles.
void write_slides(const fs::path& folder) {
  namespace made = pathology::made;
  made::Picture picture(160, 144);
  made::stain(picture, made::ellipse(80, 72, 76, 68));
  const auto write = [&](const char* name, const made::Format& format) { made::write_slide(folder / name, picture, format); };
  write("jpeg.tif", {.tile = 64, .um_per_pixel = 2, .levels = 2});
  write("aperio.svs", {.tile = 64, .subsampling = 1, .description = "Aperio Image Library v1\n160x144 (64x64) JPEG|AppMag = 5|MPP = 2.0", .levels = 2});
  write("rgb.tif", {.tile = 64, .ycbcr = false, .um_per_pixel = 2});
  write("lzw.tif", {.tile = 64, .compression = COMPRESSION_LZW, .um_per_pixel = 2});
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return 2;
  const fs::path out = words[1];
  for (const char* reader : {"dicom", "nifti", "tiff"}) fs::create_directories(out / reader);
  write_dicom(out / "dicom");
  write_nifti(out / "nifti");
  write_slides(out / "tiff");
  return 0;
}
