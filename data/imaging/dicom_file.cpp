// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/dicom_file.hpp"

#include "data/base/text.hpp"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>

namespace hepar::imaging {

namespace {

struct Syntax {
  std::string_view uid;
  Coding coding;
};
// Every transfer syntax that is read. DCMTK loads what it cannot decode, so this table decides, not its answer.
constexpr std::array<Syntax, 20> kSyntaxes{
    {{"1.2.840.10008.1.2", Coding::native},          {"1.2.840.10008.1.2.1", Coding::native},       {"1.2.840.10008.1.2.1.99", Coding::native},
     {"1.2.840.10008.1.2.2", Coding::native},        {"1.2.840.10008.1.2.5", Coding::rle},          {"1.2.840.10008.1.2.4.50", Coding::dcmtk},
     {"1.2.840.10008.1.2.4.51", Coding::dcmtk},      {"1.2.840.10008.1.2.4.53", Coding::dcmtk},     {"1.2.840.10008.1.2.4.55", Coding::dcmtk},
     {"1.2.840.10008.1.2.4.57", Coding::dcmtk},      {"1.2.840.10008.1.2.4.70", Coding::dcmtk},     {"1.2.840.10008.1.2.4.80", Coding::jpeg_ls},
     {"1.2.840.10008.1.2.4.81", Coding::jpeg_ls},    {"1.2.840.10008.1.2.4.90", Coding::jpeg_2000}, {"1.2.840.10008.1.2.4.91", Coding::jpeg_2000},
     {"1.2.840.10008.1.2.4.92", Coding::jpeg_2000},  {"1.2.840.10008.1.2.4.93", Coding::jpeg_2000}, {"1.2.840.10008.1.2.4.201", Coding::jpeg_2000},
     {"1.2.840.10008.1.2.4.202", Coding::jpeg_2000}, {"1.2.840.10008.1.2.4.203", Coding::jpeg_2000}}};
constexpr std::string_view kImplicit = "1.2.840.10008.1.2", kDeflated = "1.2.840.10008.1.2.1.99", kBigEndian = "1.2.840.10008.1.2.2";
constexpr std::string_view kWholeSlide = "1.2.840.10008.5.1.4.1.1.77.1.6", kDirectory = "1.2.840.10008.1.3.10";
constexpr int kMostPixels = 1 << 14, kMostFrames = 1 << 16, kMostSamples = 4;
constexpr std::uint64_t kMostGain = 1 << 13;  // by any compression: of a black frame beside its header

std::string text(DcmItem& item, const DcmTagKey& tag) {
  OFString value;
  return item.findAndGetOFStringArray(tag, value).good() ? std::string(trim({value.c_str(), value.size()})) : std::string();
}

std::optional<double> number(DcmItem& item, const DcmTagKey& tag) {
  DcmElement* element = nullptr;
  if (item.findAndGetElement(tag, element).bad() || element == nullptr) return std::nullopt;
  Float64 value = 0;
  if (element->getFloat64(value).good() && std::isfinite(value)) return value;
  OFString as_text;
  if (element->getOFString(as_text, 0).bad()) return std::nullopt;
  return parse_number(trim({as_text.c_str(), as_text.size()}));
}

template <std::size_t N>
std::optional<std::array<double, N>> numbers(DcmItem& item, const DcmTagKey& tag) {
  DcmElement* element = nullptr;
  if (item.findAndGetElement(tag, element).bad() || element == nullptr || element->getVM() != N) return std::nullopt;
  std::array<double, N> values{};
  for (std::size_t i = 0; i < N; ++i) {
    Float64 value = 0;
    if (element->getFloat64(value, static_cast<unsigned long>(i)).bad() || !std::isfinite(value)) return std::nullopt;
    values[i] = value;
  }
  return values;
}

int integer(DcmItem& item, const DcmTagKey& tag, int otherwise) {
  Uint16 value = 0;
  return item.findAndGetUint16(tag, value).good() ? value : otherwise;
}

// Descriptions come in UTF-8, GB18030 or GB 2312 behind escape sequences, with or without a declared character set.
std::string readable(std::string bytes) {
  for (const std::string_view escape : {"\x1b$)A", "\x1b(B", "\x1b)A"})
    for (std::size_t at = bytes.find(escape); at != std::string::npos; at = bytes.find(escape, at)) bytes.erase(at, escape.size());
  const std::optional<Decoded> decoded = decode_text(bytes);
  return decoded ? decoded->text : std::string();
}

// HHMMSS.ffffff as seconds of the day.
std::optional<double> seconds(const std::string& time) {
  if (time.size() < 6 || !std::all_of(time.begin(), time.begin() + 6, [](unsigned char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  const auto two = [&](std::size_t at) { return (time[at] - '0') * 10 + (time[at + 1] - '0'); };
  const double fraction = time.size() > 7 && time[6] == '.' ? parse_number("0" + time.substr(6)).value_or(0) : 0;
  return two(0) * 3600 + two(2) * 60 + two(4) + fraction;
}

// The time part of a DT value.
std::optional<double> seconds_of_date_time(const std::string& value) { return value.size() >= 14 ? seconds(value.substr(8)) : std::nullopt; }

// The functional group of a frame: its own, else the shared one, else nothing.
DcmItem* group(DcmItem& data, int frame, const DcmTagKey& macro) {
  DcmItem *holder = nullptr, *found = nullptr;
  if (data.findAndGetSequenceItem(DCM_PerFrameFunctionalGroupsSequence, holder, frame).good() && holder->findAndGetSequenceItem(macro, found, 0).good())
    return found;
  if (data.findAndGetSequenceItem(DCM_SharedFunctionalGroupsSequence, holder, 0).good() && holder->findAndGetSequenceItem(macro, found, 0).good()) return found;
  return nullptr;
}

void read_values(DcmItem& item, Plane& plane) {
  if (const auto slope = number(item, DCM_RescaleSlope)) plane.slope = slope;
  if (const auto intercept = number(item, DCM_RescaleIntercept)) plane.intercept = intercept;
}

void read_measures(DcmItem& item, Plane& plane) {
  if (const auto spacing = numbers<2>(item, DCM_PixelSpacing)) plane.spacing = {{(*spacing)[1], (*spacing)[0]}};
  if (const auto thickness = number(item, DCM_SliceThickness); thickness && *thickness > 0) plane.thickness = *thickness;
}

// What a classic file says once, for all of its frames.
Plane plane_of_data_set(DcmItem& data) {
  Plane plane;
  plane.position = numbers<3>(data, DCM_ImagePositionPatient);
  plane.orientation = numbers<6>(data, DCM_ImageOrientationPatient);
  read_measures(data, plane);
  read_values(data, plane);
  plane.echo = number(data, DCM_EchoTime).value_or(0);
  plane.repeat[b_value] = number(data, DCM_DiffusionBValue);
  plane.repeat[acquisition_number] = number(data, DCM_AcquisitionNumber);
  plane.repeat[temporal_position] = number(data, DCM_TemporalPositionIdentifier);
  plane.repeat[trigger_time] = number(data, DCM_TriggerTime);
  plane.repeat[acquisition_time] = seconds(text(data, DCM_AcquisitionTime));
  if (!plane.repeat[acquisition_time]) plane.repeat[acquisition_time] = seconds_of_date_time(text(data, DCM_AcquisitionDateTime));
  plane.repeat[content_time] = seconds(text(data, DCM_ContentTime));
  return plane;
}

// What the functional groups of an enhanced file say of one frame.
void read_groups(DcmItem& data, Plane& plane) {
  if (DcmItem* item = group(data, plane.frame, DCM_PlanePositionSequence)) plane.position = numbers<3>(*item, DCM_ImagePositionPatient);
  if (DcmItem* item = group(data, plane.frame, DCM_PlaneOrientationSequence)) plane.orientation = numbers<6>(*item, DCM_ImageOrientationPatient);
  if (DcmItem* item = group(data, plane.frame, DCM_PixelMeasuresSequence)) read_measures(*item, plane);
  if (DcmItem* item = group(data, plane.frame, DCM_PixelValueTransformationSequence)) read_values(*item, plane);
  if (DcmItem* item = group(data, plane.frame, DCM_MRDiffusionSequence)) plane.repeat[b_value] = number(*item, DCM_DiffusionBValue);
  if (DcmItem* item = group(data, plane.frame, DCM_MREchoSequence)) plane.echo = number(*item, DCM_EffectiveEchoTime).value_or(0);
  if (DcmItem* item = group(data, plane.frame, DCM_FrameContentSequence)) {
    plane.repeat[acquisition_number] = number(*item, DCM_FrameAcquisitionNumber);
    plane.repeat[temporal_position] = number(*item, DCM_TemporalPositionIndex);
    plane.repeat[acquisition_time] = seconds_of_date_time(text(*item, DCM_FrameAcquisitionDateTime));
  }
}

// Where native little-endian pixels lie: PixelData is the file's last element, so they are its end. The bytes before them
// must be the element's own tag and length, or the question goes to DCMTK.
std::int64_t pixel_offset(const std::filesystem::path& path, const DcmItem& data, DcmElement& pixels, bool implicit) {
  if (const_cast<DcmItem&>(data).getElement(const_cast<DcmItem&>(data).card() - 1) != &pixels) return -1;
  std::error_code failed;
  const std::uintmax_t size = std::filesystem::file_size(path, failed);
  const std::uint32_t length = pixels.getLengthField(), head = implicit ? 8 : 12;
  if (failed || length == 0 || length == DCM_UndefinedLength || size < length + head + 132) return -1;
  std::array<unsigned char, 12> bytes{};
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(size - length - head));
  if (!file.read(reinterpret_cast<char*>(bytes.data()), head)) return -1;
  std::uint32_t stated = 0;
  std::memcpy(&stated, bytes.data() + head - 4, 4);
  const bool tag = bytes[0] == 0xe0 && bytes[1] == 0x7f && bytes[2] == 0x10 && bytes[3] == 0x00;
  return tag && stated == length ? static_cast<std::int64_t>(size - length) : -1;
}

void read_padding(DcmItem& data, PixelFormat& format) {
  const auto stored = [&](const DcmTagKey& tag) -> std::optional<std::int64_t> {
    DcmElement* element = nullptr;
    if (data.findAndGetElement(tag, element).bad() || element == nullptr) return std::nullopt;
    Uint16 bits = 0;
    Sint16 value = 0;
    // Its VR follows PixelRepresentation, and many writers get it wrong: the bits count.
    if (element->getUint16(bits).good()) return format.is_signed ? static_cast<std::int64_t>(static_cast<std::int16_t>(bits)) : static_cast<std::int64_t>(bits);
    if (element->getSint16(value).good())
      return format.is_signed ? static_cast<std::int64_t>(value) : static_cast<std::int64_t>(static_cast<std::uint16_t>(value));
    return std::nullopt;
  };
  const std::optional<std::int64_t> one = stored(DCM_PixelPaddingValue);
  if (!one) return;
  const std::int64_t other = stored(DCM_PixelPaddingRangeLimit).value_or(*one);
  format.padding = {{std::min(*one, other), std::max(*one, other)}};
}

PixelFormat read_format(DcmItem& data) {
  PixelFormat format;
  format.rows = integer(data, DCM_Rows, 0);
  format.columns = integer(data, DCM_Columns, 0);
  format.samples = integer(data, DCM_SamplesPerPixel, 1);
  format.bits_allocated = integer(data, DCM_BitsAllocated, 16);
  format.bits_stored = integer(data, DCM_BitsStored, format.bits_allocated);
  format.high_bit = integer(data, DCM_HighBit, format.bits_stored - 1);
  format.is_signed = integer(data, DCM_PixelRepresentation, 0) == 1;
  format.palette = text(data, DCM_PhotometricInterpretation) == "PALETTE COLOR";
  format.frames = static_cast<int>(std::clamp(number(data, DCM_NumberOfFrames).value_or(1), 0.0, 1e9));
  read_padding(data, format);
  return format;
}

struct Unfit {
  const char* why;
  bool (*is)(const PixelFormat& format);
};
const std::array<Unfit, 6> kUnfit{{
    {"no rows or columns", [](const PixelFormat& f) { return f.rows < 1 || f.columns < 1 || f.rows > kMostPixels || f.columns > kMostPixels; }},
    {"an impossible number of samples a pixel", [](const PixelFormat& f) { return f.samples < 1 || f.samples > kMostSamples; }},
    {"an impossible number of frames", [](const PixelFormat& f) { return f.frames < 1 || f.frames > kMostFrames; }},
    {"an unknown pixel size",
     [](const PixelFormat& f) { return !f.floating && f.bits_allocated != 1 && f.bits_allocated != 8 && f.bits_allocated != 16 && f.bits_allocated != 32; }},
    {"bits stored that do not fit",
     [](const PixelFormat& f) {
       return !f.floating && (f.bits_stored < 1 || f.bits_stored > f.bits_allocated || f.high_bit < f.bits_stored - 1 || f.high_bit >= f.bits_allocated);
     }},
    {"1-bit pixels in a compression that no decoder knows",
     [](const PixelFormat& f) { return f.bits_allocated == 1 && f.coding != Coding::native && f.coding != Coding::jpeg_2000; }},
}};

void read_identity(DcmItem& data, DicomFile& file) {
  file.patient = text(data, DCM_PatientID);
  file.study = text(data, DCM_StudyInstanceUID);
  file.series = text(data, DCM_SeriesInstanceUID);
  file.instance = text(data, DCM_SOPInstanceUID);
  file.frame_of_reference = text(data, DCM_FrameOfReferenceUID);
  file.modality = text(data, DCM_Modality);
  file.sop_class = text(data, DCM_SOPClassUID);
  file.kernel = fold_case(text(data, DCM_ConvolutionKernel));
  file.image_type = split(text(data, DCM_ImageType), '\\');
  file.description =
      readable(text(data, DCM_SeriesDescription)) + " | " + readable(text(data, DCM_ProtocolName)) + " | " + readable(text(data, DCM_ImageComments));
  DcmElement* agent = nullptr;
  file.contrast = !text(data, DCM_ContrastBolusAgent).empty() ||
                  (data.findAndGetElement(DCM_ContrastBolusAgentSequence, agent).good() && agent != nullptr && !agent->isEmpty());
  file.injection_s = seconds(text(data, DCM_ContrastBolusStartTime));
  file.study_date = parse_date(text(data, DCM_StudyDate), "%Y%m%d");
  file.burned_in = text(data, DCM_BurnedInAnnotation) == "YES";
}

// A syntax of the standard by its UID; what else stands in that field may be anything and is not repeated.
std::string spoken_syntax(const std::string& uid) {
  static constexpr std::string_view kStandard = "1.2.840.10008.1.2.";
  return uid.starts_with(kStandard) && uid.size() <= kStandard.size() + 7 ? "the transfer syntax " + uid : "an unknown transfer syntax";
}

HeaderScan refused(DicomFile file, Reason reason, std::string detail) { return {Verdict::refused, std::move(file), reason, std::move(detail)}; }

HeaderScan read_planes(DcmItem& data, DicomFile file) {
  const Plane common = plane_of_data_set(data);
  const bool groups = data.tagExists(DCM_PerFrameFunctionalGroupsSequence) || data.tagExists(DCM_SharedFunctionalGroupsSequence);
  for (int frame = 0; frame < file.format.frames; ++frame) {
    Plane plane = common;
    plane.frame = frame;
    if (groups) read_groups(data, plane);
    file.planes.push_back(plane);
  }
  return {Verdict::image, std::move(file), Reason::present, {}};
}

}  // namespace

bool DicomFile::is_type(std::string_view value) const { return std::find(image_type.begin(), image_type.end(), value) != image_type.end(); }

bool looks_like_dicom(const std::filesystem::path& path) {
  std::array<char, 132> head{};
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), head.size());
  const std::streamsize got = file.gcount();
  if (got == static_cast<std::streamsize>(head.size()) && std::memcmp(head.data() + 128, "DICM", 4) == 0) return true;
  if (got < 16) return false;
  // Without preamble: the first element is of group 2 or 8, little-endian, and has a value representation or a short length.
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(head[at]); };
  const bool group = (byte(0) == 2 || byte(0) == 8) && byte(1) == 0 && byte(3) == 0;
  const bool explicit_vr = byte(4) >= 'A' && byte(4) <= 'Z' && byte(5) >= 'A' && byte(5) <= 'Z';
  return group && (explicit_vr || (byte(5) == 0 && byte(6) == 0 && byte(7) == 0));
}

HeaderScan scan_header(const std::filesystem::path& path) {
  if (!looks_like_dicom(path)) return {};
  DcmFileFormat whole;
  const OFCondition loaded = whole.loadFile(path.c_str());
  DcmDataset& data = *whole.getDataset();
  DicomFile file;
  file.path = path;
  // A data set that is not whole is not looked at: DCMTK leaves values of its last element unset.
  if (loaded.bad()) return refused(std::move(file), Reason::unreadable, "the file is cut short or damaged");
  read_identity(data, file);
  if (text(*whole.getMetaInfo(), DCM_MediaStorageSOPClassUID) == kDirectory)
    return {Verdict::no_pixels, std::nullopt, Reason::unsupported, "a DICOM directory"};
  file.transfer_syntax = text(*whole.getMetaInfo(), DCM_TransferSyntaxUID);
  if (file.transfer_syntax.empty()) file.transfer_syntax = DcmXfer(data.getOriginalXfer()).getXferID();
  if (file.transfer_syntax == kImplicit && !dcmDataDict.isDictionaryLoaded())
    return refused(std::move(file), Reason::unsupported, "implicit value representations need DCMTK's dictionary: unset DCMDICTPATH or point it to dicom.dic");
  DcmElement* pixels = nullptr;
  file.format = read_format(data);
  if (data.findAndGetElement(DCM_PixelData, pixels).bad()) {
    file.format.floating = data.findAndGetElement(DCM_FloatPixelData, pixels).good() || data.findAndGetElement(DCM_DoubleFloatPixelData, pixels).good();
    if (!file.format.floating) return {Verdict::no_pixels, std::move(file), Reason::unreadable, "no pixel data element"};
  }
  if (file.sop_class == kWholeSlide) return refused(std::move(file), Reason::unsupported, "a whole slide in DICOM: convert it to a tiled TIFF");
  const auto syntax = std::find_if(kSyntaxes.begin(), kSyntaxes.end(), [&](const Syntax& one) { return one.uid == file.transfer_syntax; });
  if (syntax == kSyntaxes.end())
    return refused(std::move(file), Reason::unsupported,
                   "no decoder for " + spoken_syntax(file.transfer_syntax) + ": convert it, for example with gdcmconv -w");
  file.format.coding = syntax->coding;
  for (const Unfit& unfit : kUnfit)
    if (unfit.is(file.format)) return refused(std::move(file), Reason::unreadable, std::string("its header states ") + unfit.why);
  if (data.tagExists(DCM_ModalityLUTSequence))
    return refused(std::move(file), Reason::unsupported, "it maps its values by a table (modality LUT), not by slope and intercept");
  std::error_code failed;
  file.format.most_bytes = std::filesystem::file_size(path, failed) * (syntax->coding == Coding::native && file.transfer_syntax != kDeflated ? 1 : kMostGain);
  const bool little = file.transfer_syntax != kBigEndian && file.transfer_syntax != kDeflated;
  if (syntax->coding == Coding::native && little && !file.format.floating)
    file.format.offset = pixel_offset(path, data, *pixels, file.transfer_syntax == kImplicit);
  return read_planes(data, std::move(file));
}

}  // namespace hepar::imaging
