// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/nifti.hpp"

#include "data/base/text.hpp"

#include <nifti/nifti1_io.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>

namespace hepar::imaging {

namespace {

constexpr double kFarthest_mm = 1e6;

using Handle = std::unique_ptr<nifti_image, decltype(&nifti_image_free)>;

// Stored values of one C++ type as rescaled floats.
template <class T>
void convert(const nifti_image& file, const std::vector<std::byte>& bytes, std::vector<float>& out) {
  const auto* stored = reinterpret_cast<const T*>(bytes.data());
  const double slope = file.scl_slope != 0 ? file.scl_slope : 1.0, intercept = file.scl_slope != 0 ? file.scl_inter : 0.0;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(static_cast<double>(stored[i]) * slope + intercept);
}

struct ValueType {
  int code;
  void (*convert)(const nifti_image&, const std::vector<std::byte>&, std::vector<float>&);
};
constexpr std::array<ValueType, 8> kTypes{{{DT_UINT8, &convert<std::uint8_t>},
                                           {DT_INT8, &convert<std::int8_t>},
                                           {DT_INT16, &convert<std::int16_t>},
                                           {DT_UINT16, &convert<std::uint16_t>},
                                           {DT_INT32, &convert<std::int32_t>},
                                           {DT_UINT32, &convert<std::uint32_t>},
                                           {DT_FLOAT32, &convert<float>},
                                           {DT_FLOAT64, &convert<double>}}};

const ValueType* type_of(const nifti_image& file) {
  const auto type = std::find_if(kTypes.begin(), kTypes.end(), [&](const ValueType& t) { return t.code == file.datatype; });
  return type == kTypes.end() ? nullptr : &*type;
}

// NIfTI is RAS; a file without any orientation is taken as axis-aligned with its spacing.
std::array<double, 12> lps_affine(const nifti_image& file) {
  mat44 ras{};
  if (file.sform_code > 0) {
    ras = file.sto_xyz;
  } else if (file.qform_code > 0) {
    ras = file.qto_xyz;
  } else {
    ras.m[0][0] = file.dx;
    ras.m[1][1] = file.dy;
    ras.m[2][2] = file.dz;
  }
  std::array<double, 12> lps{};
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t c = 0; c < 4; ++c) lps[4 * r + c] = (r < 2 ? -1.0 : 1.0) * static_cast<double>(ras.m[r][c]);
  return lps;
}

// A zipped stream is never longer than about a thousand times its file: more than that is a header that lies, and must
// not be believed before memory is asked for.
bool could_hold(const std::filesystem::path& path, std::size_t bytes) {
  std::error_code failed;
  const std::uintmax_t size = std::filesystem::file_size(path, failed);
  const bool zipped = path.extension() != ".nii";
  return !failed && bytes <= (zipped ? 1100 * size : size);
}

// The stored values in the machine's byte order. Read here and not by the library, which turns NaN into 0 and does not
// look at the checksum of a zipped file; zlib reads plain files as they are.
std::optional<std::vector<std::byte>> stored_values(const std::filesystem::path& path, const nifti_image& file) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> stream(gzopen(path.c_str(), "rb"), &gzclose_r);
  const std::size_t wanted = static_cast<std::size_t>(file.nvox) * static_cast<std::size_t>(file.nbyper);
  if (stream == nullptr || file.iname_offset < 0 || !could_hold(path, wanted)) return std::nullopt;
  gzbuffer(stream.get(), 1u << 18);
  if (gzseek(stream.get(), file.iname_offset, SEEK_SET) != file.iname_offset) return std::nullopt;
  std::vector<std::byte> bytes(wanted);
  for (std::size_t done = 0; done < wanted;) {
    const int got = gzread(stream.get(), bytes.data() + done, static_cast<unsigned>(std::min<std::size_t>(wanted - done, 1u << 30)));
    if (got <= 0) return std::nullopt;
    done += static_cast<std::size_t>(got);
  }
  std::array<char, 4096> rest{};
  int more = 0;
  while ((more = gzread(stream.get(), rest.data(), rest.size())) > 0) {
  }
  int problem = Z_OK;
  gzerror(stream.get(), &problem);
  if (more < 0 || (problem != Z_OK && problem != Z_STREAM_END)) return std::nullopt;
  if (file.swapsize > 1 && file.byteorder != nifti_short_order())
    nifti_swap_Nbytes(wanted / static_cast<std::size_t>(file.swapsize), file.swapsize, bytes.data());
  return bytes;
}

ReadImage refused(Reason reason, std::string detail) { return {std::nullopt, reason, std::move(detail)}; }

}  // namespace

bool takes_nifti(const std::filesystem::path& path) {
  const std::string name = fold_case(path.filename().string());
  return name.ends_with(".nii") || name.ends_with(".nii.gz");
}

namespace {

// The header as an image without values.
ReadImage head_of(const nifti_image* file) {
  if (file == nullptr) return refused(Reason::unreadable, "not a whole NIfTI file");
  if (file->nx < 1 || file->ny < 1 || file->nz < 1) return refused(Reason::odd_shape, "no voxels");
  if (file->nt > 1 || file->nu > 1 || file->nv > 1 || file->nw > 1) return refused(Reason::odd_shape, "more than three dimensions");
  if (type_of(*file) == nullptr) return refused(Reason::unsupported, std::string("values of type ") + nifti_datatype_string(file->datatype));
  if (!std::isfinite(file->scl_slope) || !std::isfinite(file->scl_inter)) return refused(Reason::unreadable, "its rescale slope or intercept is not a number");
  Image image;
  image.size = {file->nx, file->ny, file->nz};
  image.affine = lps_affine(*file);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double x = image.affine[axis], y = image.affine[4 + axis], z = image.affine[8 + axis];
    image.spacing_mm[axis] = std::sqrt(x * x + y * y + z * z);
    if (!(image.spacing_mm[axis] > 1e-3 && image.spacing_mm[axis] < 1e3)) return refused(Reason::no_scale, "no usable voxel size");
  }
  if (!std::all_of(image.affine.begin(), image.affine.end(), [](double part) { return std::abs(part) < kFarthest_mm; }))
    return refused(Reason::no_scale, "no usable place in space");
  return {std::move(image), Reason::present, {}};
}

// What the library says on stderr, whatever its debug level, is found before it is asked; a header in text is none of NIfTI-1.
bool opens(const std::filesystem::path& path) {
  const std::unique_ptr<nifti_1_header, decltype(&std::free)> header(nifti_read_header(path.c_str(), nullptr, 0), &std::free);
  return header != nullptr && header->dim[0] >= 1 && header->dim[0] <= 7 && header->dim[1] > 0 && header->datatype > DT_BINARY &&
         nifti_is_valid_datatype(header->datatype) != 0;
}

Handle open(const std::filesystem::path& path) {
  nifti_set_debug_level(0);  // the library writes to stderr otherwise
  return {!opens(path) ? nullptr : nifti_image_read(path.c_str(), 0), &nifti_image_free};
}

}  // namespace

Scan scan_nifti(const std::filesystem::path& path) {
  Scan scan;
  scan.path = path;
  ReadImage head = head_of(open(path).get());
  scan.reason = head.reason;
  scan.detail = head.detail;
  if (!head.image) return scan;
  Series series;
  series.size = head.image->size;
  series.spacing_mm = head.image->spacing_mm;
  series.frames = series.size[2];
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t c = 0; c < 3; ++c) series.direction[3 * r + c] = head.image->affine[4 * r + c] / series.spacing_mm[c];
  scan.series.push_back(std::move(series));
  return scan;
}

ReadImage read_scanned_nifti(const Scan& scan, std::size_t) { return read_nifti(scan.path); }

Measured measure_nifti(const Scan& scan, std::size_t) {
  const ReadImage read = read_nifti(scan.path);
  if (!read.image) return {0, 1, std::nullopt, read.detail, {}};
  return {read.image->size[2], 0, {{read.image->low, read.image->high, read.image->mean}}, {}, {}};
}

ReadImage read_nifti(const std::filesystem::path& path) {
  const Handle file = open(path);
  ReadImage head = head_of(file.get());
  if (!head.image) return head;
  const std::optional<std::vector<std::byte>> stored = stored_values(path, *file);
  if (!stored) return refused(Reason::unreadable, "not a whole NIfTI file");
  Image image = std::move(*head.image);
  image.values.resize(static_cast<std::size_t>(file->nx) * static_cast<std::size_t>(file->ny) * static_cast<std::size_t>(file->nz));
  type_of(*file)->convert(*file, *stored, image.values);
  double sum = 0;
  for (const float value : image.values) {
    if (!std::isfinite(value)) return refused(Reason::not_finite, "NaN or infinity among its values");
    sum += value;
  }
  const auto [low, high] = std::minmax_element(image.values.begin(), image.values.end());
  image.low = *low;
  image.high = *high;
  image.mean = sum / static_cast<double>(image.values.size());
  return {std::move(image), Reason::present, {}};
}

}  // namespace hepar::imaging
