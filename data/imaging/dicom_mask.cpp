// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/dicom_mask.hpp"

#include "data/base/text.hpp"
#include "data/imaging/affine.hpp"
#include "data/imaging/dicom_file.hpp"
#include "data/imaging/pixels.hpp"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace hepar::imaging {

namespace {

constexpr double kFarthest_mm = 1e6;  // of a contour; DCMTK also reads "nan" and "inf"
constexpr std::string_view kSegmentation = "1.2.840.10008.5.1.4.1.1.66.4", kStructureSet = "1.2.840.10008.5.1.4.1.1.481.3";

ReadMask refused(Reason reason, std::string detail) { return {std::nullopt, reason, std::move(detail)}; }

// Words that mean the same region.
constexpr std::array<std::array<std::string_view, 6>, 2> kSynonyms{
    {{"tumour", "tumor", "肿瘤", "gtv", "lesion", "病灶"}, {"liver", "肝", "hepar", "leber", "foie", "肝脏"}}};

bool means(const std::string& name, std::string_view label) {
  const std::string folded = fold_case(nfkc(name)), wanted = fold_case(nfkc(label));
  if (wanted.empty() || folded.find(wanted) != std::string::npos) return true;
  for (const auto& group : kSynonyms)
    if (std::find(group.begin(), group.end(), wanted) != group.end())
      return std::any_of(group.begin(), group.end(), [&](std::string_view word) { return folded.find(word) != std::string::npos; });
  return false;
}

std::string text(DcmItem& item, const DcmTagKey& tag) {
  OFString value;
  if (item.findAndGetOFStringArray(tag, value).bad()) return {};
  const std::optional<Decoded> decoded = decode_text({value.c_str(), value.size()});
  return decoded ? std::string(trim(decoded->text)) : std::string();
}

long number(DcmItem& item, const DcmTagKey& tag) {
  DcmElement* element = nullptr;
  Float64 value = -1;
  if (item.findAndGetElement(tag, element).bad() || element == nullptr) return -1;
  if (element->getFloat64(value).good()) return std::lround(value);
  return static_cast<long>(parse_integer(text(item, tag)).value_or(-1));
}

// The regions of a file whose names mean the label: number -> name.
std::map<long, std::string> regions(DcmItem& data, std::string_view label, const DcmTagKey& list, const DcmTagKey& number_tag, const DcmTagKey& name_tag) {
  std::map<long, std::string> found;
  DcmSequenceOfItems* sequence = nullptr;
  if (data.findAndGetSequence(list, sequence).bad() || sequence == nullptr) return found;
  for (unsigned long i = 0; i < sequence->card(); ++i) {
    DcmItem& item = *sequence->getItem(i);
    if (const std::string name = text(item, name_tag); means(name, label)) found[number(item, number_tag)] = name;
  }
  return found;
}

// The image's slices as planes.
struct Grid {
  const Image& image;
  Affine to_voxel{};
  Vec3 normal{};
  double step_mm = 1;  // between slices along the normal

  static std::optional<Grid> of(const Image& image) {
    const std::optional<Affine> back = inverse(image.affine);
    if (!back) return std::nullopt;
    const auto column = [&](std::size_t c) { return Vec3{image.affine[c], image.affine[4 + c], image.affine[8 + c]}; };
    Vec3 normal = cross(column(0), column(1));
    const double size = length(normal);
    for (double& part : normal) part /= size;
    return Grid{image, *back, normal, std::abs(dot(column(2), normal))};
  }
  [[nodiscard]] std::size_t at(std::int64_t x, std::int64_t y, std::int64_t z) const {
    return static_cast<std::size_t>((z * image.size[1] + y) * image.size[0] + x);
  }
};

Mask empty_mask(const Image& image) { return {image.size, std::vector<std::uint8_t>(image.values.size(), 0), 0, {}}; }

void note_together(Mask& mask, std::size_t regions, const char* what) {
  if (regions > 1) mask.notes.push_back(std::to_string(regions) + " " + what + " taken together");
}

// One frame of a segmentation onto the slices that it covers. False: its plane is not parallel to the slices.
bool lay_frame(const Grid& grid, const DicomFile& file, const Plane& plane, std::span<const float> values, float threshold, Mask& mask) {
  if (!plane.position || !plane.orientation || !plane.spacing) return false;
  const auto& o = *plane.orientation;
  const Vec3 x{o[0], o[1], o[2]}, y{o[3], o[4], o[5]}, normal = cross(x, y);
  if (std::abs(dot(normal, grid.normal)) < 0.9999) return false;
  const Image& image = grid.image;
  const double reach = std::max(grid.step_mm, plane.thickness) / 2 + 1e-3;
  for (std::int64_t k = 0; k < image.size[2]; ++k) {
    const Vec3 corner = mapped(image.affine, {0, 0, static_cast<double>(k)});
    if (std::abs(dot(minus(corner, *plane.position), grid.normal)) > reach) continue;
    for (std::int64_t j = 0; j < image.size[1]; ++j)
      for (std::int64_t i = 0; i < image.size[0]; ++i) {
        const Vec3 off = minus(mapped(image.affine, {static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}), *plane.position);
        const double column = std::floor(dot(off, x) / (*plane.spacing)[0] + 0.5), row = std::floor(dot(off, y) / (*plane.spacing)[1] + 0.5);
        if (!(column >= 0 && row >= 0 && column < file.format.columns && row < file.format.rows)) continue;
        if (values[static_cast<std::size_t>(row) * static_cast<std::size_t>(file.format.columns) + static_cast<std::size_t>(column)] >= threshold)
          mask.inside[grid.at(i, j, k)] = 1;
      }
  }
  return true;
}

// Which segment each frame belongs to.
long segment_of(DcmItem& data, int frame) {
  for (const auto& [list, index] :
       {std::pair(DCM_PerFrameFunctionalGroupsSequence, static_cast<long>(frame)), std::pair(DCM_SharedFunctionalGroupsSequence, 0L)}) {
    DcmItem *group = nullptr, *segment = nullptr;
    if (data.findAndGetSequenceItem(list, group, index).good() && group->findAndGetSequenceItem(DCM_SegmentIdentificationSequence, segment, 0).good())
      return number(*segment, DCM_ReferencedSegmentNumber);
  }
  return -1;
}

ReadMask segmentation(const Grid& grid, const std::filesystem::path& path, DcmItem& data, std::string_view label) {
  const HeaderScan scan = scan_header(path);
  if (scan.verdict != Verdict::image) return refused(scan.reason, scan.detail);
  const std::map<long, std::string> wanted = regions(data, label, DCM_SegmentSequence, DCM_SegmentNumber, DCM_SegmentLabel);
  if (wanted.empty()) return refused(Reason::too_few, "no segment of the asked name");
  const bool fractional = text(data, DCM_SegmentationType) == "FRACTIONAL";
  const long most = fractional ? number(data, DCM_MaximumFractionalValue) : 1;
  Mask mask = empty_mask(grid.image);
  note_together(mask, wanted.size(), "segments");
  PixelSource source(*scan.file);
  std::vector<float> values(scan.file->format.pixels());
  std::size_t oblique = 0;
  for (const Plane& plane : scan.file->planes) {
    if (!wanted.contains(segment_of(data, plane.frame))) continue;
    if (!source.read(plane, values)) return refused(Reason::unreadable, source.problem());
    oblique += lay_frame(grid, *scan.file, plane, values, fractional ? static_cast<float>(most) / 2 : 0.5f, mask) ? 0 : 1;
  }
  if (oblique > 0) return refused(Reason::odd_shape, std::to_string(oblique) + " frames of the segmentation are not parallel to the image's slices");
  return {std::move(mask), Reason::present, {}};
}

// A closed contour in voxels of the image.
std::vector<Vec3> contour_of(DcmItem& item, const Grid& grid) {
  DcmElement* element = nullptr;
  std::vector<Vec3> points;
  if (item.findAndGetElement(DCM_ContourData, element).bad() || element == nullptr) return points;
  const unsigned long count = element->getVM() / 3;
  for (unsigned long p = 0; p < count; ++p) {
    Vec3 mm{};
    for (unsigned long axis = 0; axis < 3; ++axis) {
      Float64 value = 0;
      if (element->getFloat64(value, 3 * p + axis).bad() || !(std::abs(value) < kFarthest_mm)) return {};
      mm[axis] = value;
    }
    points.push_back(mapped(grid.to_voxel, mm));
  }
  return points;
}

// Flips every voxel whose centre is inside the polygon (x to the right of an odd number of edges).
void flip_inside(const std::vector<Vec3>& points, const Grid& grid, std::int64_t slice, std::vector<std::uint8_t>& inside) {
  for (std::int64_t row = 0; row < grid.image.size[1]; ++row) {
    std::vector<double> crossings;
    const auto y = static_cast<double>(row);
    for (std::size_t p = 0; p < points.size(); ++p) {
      const Vec3 &a = points[p], &b = points[(p + 1) % points.size()];
      if ((a[1] <= y) != (b[1] <= y)) crossings.push_back(a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]));
    }
    std::sort(crossings.begin(), crossings.end());
    for (std::size_t c = 0; c + 1 < crossings.size(); c += 2) {
      const auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(crossings[c]))),
                 last = std::min(grid.image.size[0] - 1, static_cast<std::int64_t>(std::ceil(crossings[c + 1])) - 1);
      for (std::int64_t x = first; x <= last; ++x) inside[grid.at(x, row, slice)] ^= 1;
    }
  }
}

struct Contours {
  std::size_t closed = 0, other = 0, oblique = 0;
};

void draw_structure(DcmItem& structure, const Grid& grid, std::vector<std::uint8_t>& inside, Contours& count) {
  DcmSequenceOfItems* contours = nullptr;
  if (structure.findAndGetSequence(DCM_ContourSequence, contours).bad() || contours == nullptr) return;
  for (unsigned long c = 0; c < contours->card(); ++c) {
    DcmItem& item = *contours->getItem(c);
    const std::vector<Vec3> points = contour_of(item, grid);
    if (text(item, DCM_ContourGeometricType) != "CLOSED_PLANAR" || points.size() < 3) {
      ++count.other;
      continue;
    }
    const auto [low, high] = std::minmax_element(points.begin(), points.end(), [](const Vec3& a, const Vec3& b) { return a[2] < b[2]; });
    const auto slice = static_cast<std::int64_t>(std::floor(((*low)[2] + (*high)[2]) / 2 + 0.5));
    if ((*high)[2] - (*low)[2] > 0.5) {
      ++count.oblique;
    } else if (slice >= 0 && slice < grid.image.size[2]) {
      ++count.closed;
      flip_inside(points, grid, slice, inside);
    }
  }
}

ReadMask structure_set(const Grid& grid, const std::filesystem::path&, DcmItem& data, std::string_view label) {
  const std::map<long, std::string> wanted = regions(data, label, DCM_StructureSetROISequence, DCM_ROINumber, DCM_ROIName);
  if (wanted.empty()) return refused(Reason::too_few, "no structure of the asked name");
  Mask mask = empty_mask(grid.image);
  note_together(mask, wanted.size(), "structures");
  DcmSequenceOfItems* structures = nullptr;
  Contours count;
  if (data.findAndGetSequence(DCM_ROIContourSequence, structures).good() && structures != nullptr)
    for (unsigned long s = 0; s < structures->card(); ++s) {
      DcmItem& structure = *structures->getItem(s);
      if (!wanted.contains(number(structure, DCM_ReferencedROINumber))) continue;
      std::vector<std::uint8_t> inside(mask.inside.size(), 0);
      draw_structure(structure, grid, inside, count);
      for (std::size_t i = 0; i < inside.size(); ++i) mask.inside[i] |= inside[i];
    }
  if (count.oblique > 0) return refused(Reason::odd_shape, std::to_string(count.oblique) + " contours do not lie in the image's slices");
  if (count.other > 0) mask.notes.push_back(std::to_string(count.other) + " open contours or points left out");
  return {std::move(mask), Reason::present, {}};
}

struct Kind {
  std::string_view sop_class;
  ReadMask (*read)(const Grid& grid, const std::filesystem::path& path, DcmItem& data, std::string_view label);
};
constexpr std::array<Kind, 2> kKinds{{{kSegmentation, &segmentation}, {kStructureSet, &structure_set}}};

const Kind* kind_of(DcmItem& data) {
  const std::string sop_class = text(data, DCM_SOPClassUID);
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& one) { return one.sop_class == sop_class; });
  return kind == kKinds.end() ? nullptr : &*kind;
}

// The masks below a path: itself, or the files of a folder.
std::vector<std::filesystem::path> masks_below(const std::filesystem::path& path) {
  std::error_code failed;
  if (!std::filesystem::is_directory(path, failed)) return {path};
  std::vector<std::filesystem::path> found;
  for (std::filesystem::recursive_directory_iterator it(path, failed), end; !failed && it != end; it.increment(failed)) {
    DcmFileFormat whole;
    if (it->is_regular_file(failed) && looks_like_dicom(it->path()) && whole.loadFile(it->path().c_str()).good() && kind_of(*whole.getDataset()) != nullptr)
      found.push_back(it->path());
  }
  return found;
}

}  // namespace

bool takes_dicom_mask(const std::filesystem::path& path) {
  std::error_code failed;
  return std::filesystem::is_directory(path, failed) || looks_like_dicom(path);
}

ReadMask read_dicom_mask(const Image& image, const std::filesystem::path& path, std::string_view label) {
  const std::vector<std::filesystem::path> found = masks_below(path);
  if (found.empty()) return refused(Reason::unsupported, "no segmentation or structure set");
  if (found.size() > 1) return refused(Reason::odd_shape, std::to_string(found.size()) + " segmentations or structure sets: name one file");
  DcmFileFormat whole;
  if (whole.loadFile(found.front().c_str()).bad()) return refused(Reason::unreadable, "the file is cut short or damaged");
  DcmDataset& data = *whole.getDataset();
  const Kind* kind = kind_of(data);
  const std::optional<Grid> grid = Grid::of(image);
  if (kind == nullptr) return refused(Reason::unsupported, "neither a segmentation nor a structure set");
  if (!grid) return refused(Reason::no_scale, "the image has no usable grid");
  ReadMask read = kind->read(*grid, found.front(), data, label);
  const std::string frame = text(data, DCM_FrameOfReferenceUID);
  if (read.mask && !frame.empty() && !image.frame_of_reference.empty() && frame != image.frame_of_reference)
    read.mask->notes.emplace_back("drawn in another frame of reference than the image's");
  return read;
}

}  // namespace hepar::imaging
