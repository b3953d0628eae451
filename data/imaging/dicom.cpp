// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/dicom.hpp"

#include "data/base/error.hpp"
#include "data/base/files.hpp"
#include "data/imaging/phase.hpp"
#include "data/imaging/pixels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <set>

namespace hepar::imaging {

namespace {

constexpr std::int64_t kMostVoxels = std::int64_t{1} << 29;

// Every regular file below a path, sorted; links are not followed into folders.
std::vector<std::filesystem::path> files_below(const std::filesystem::path& path) {
  std::error_code failed;
  if (!std::filesystem::is_directory(path, failed)) return {path};
  std::vector<std::filesystem::path> files;
  for (std::filesystem::recursive_directory_iterator it(path, std::filesystem::directory_options::skip_permission_denied, failed), end; !failed && it != end;
       it.increment(failed))
    if (it->is_regular_file(failed)) files.push_back(it->path());
  std::sort(files.begin(), files.end());
  return files;
}

std::uint64_t content_hash(const std::filesystem::path& path) {
  try {
    const std::string bytes = read_file(path);
    return xxh3(std::as_bytes(std::span(bytes)));
  } catch (const Error&) {
    return 0;
  }
}

// Copies of an instance leave one: the one whose content hashes lowest, so that no file name decides. How many went.
std::size_t drop_copies(std::vector<DicomFile>& files) {
  const auto key = [](const DicomFile& f) { return std::tie(f.study, f.series, f.instance); };
  std::stable_sort(files.begin(), files.end(), [&](const DicomFile& a, const DicomFile& b) { return key(a) < key(b); });
  std::vector<DicomFile> kept;
  std::size_t dropped = 0;
  for (std::size_t first = 0; first < files.size();) {
    std::size_t last = first + 1;
    while (last < files.size() && !files[first].instance.empty() && key(files[last]) == key(files[first])) ++last;
    if (last - first > 1)
      std::stable_sort(files.begin() + static_cast<long>(first), files.begin() + static_cast<long>(last),
                       [](const DicomFile& a, const DicomFile& b) { return content_hash(a.path) < content_hash(b.path); });
    dropped += last - first - 1;
    kept.push_back(std::move(files[first]));
    first = last;
  }
  files = std::move(kept);
  return dropped;
}

// What parts the planes of a series before geometry does. Exposure is not among it: it varies within one scan.
std::string part_of(const DicomFile& file, const Plane& plane) {
  const bool mr = file.modality == "MR";
  std::string type = mr                          ? fmt::format("{}", fmt::join(file.image_type, "/"))
                     : file.is_type("LOCALIZER") ? "localizer"
                     : file.image_type.empty()   ? ""
                                                 : file.image_type.front();
  const std::string spacing = plane.spacing ? fmt::format("{:.4f}x{:.4f}", (*plane.spacing)[0], (*plane.spacing)[1]) : "";
  return fmt::format("{}|{}|{}|{}|{}x{}x{}|{}|{}|{}|{}|{:.2f}", file.study, file.series, file.modality, file.sop_class, file.format.columns, file.format.rows,
                     file.format.samples, file.format.colour() || file.format.floating, spacing, type, file.kernel, mr ? plane.echo : 0.0);
}

// Files that make no volume for training, whatever their geometry.
struct NoVolume {
  const char* why;
  bool (*is)(const DicomFile& file, const Plane& plane);
};
bool any_type(const DicomFile& file, std::initializer_list<const char*> types) {
  return std::any_of(types.begin(), types.end(), [&](const char* type) { return file.is_type(type); });
}
const std::array<NoVolume, 8> kNoVolume{{
    {"a segmentation: name it as the mask of an image", [](const DicomFile& f, const Plane&) { return f.modality == "SEG" || f.format.bits_allocated == 1; }},
    {"colour, no intensities", [](const DicomFile& f, const Plane&) { return f.format.colour(); }},
    {"a screen capture",
     [](const DicomFile& f, const Plane&) {
       return f.sop_class.starts_with("1.2.840.10008.5.1.4.1.1.7") && !f.sop_class.starts_with("1.2.840.10008.5.1.4.1.1.77");
     }},
    {"has text burned into its pixels", [](const DicomFile& f, const Plane&) { return f.burned_in; }},
    {"a localiser", [](const DicomFile& f, const Plane&) { return f.is_type("LOCALIZER"); }},
    {"a projection or rendering",
     [](const DicomFile& f, const Plane&) {
       return any_type(f, {"MIP", "MINIP", "MNIP", "PROJECTION IMAGE", "VRT", "SSD", "SCREEN SAVE"});
     }},
    {"a map of other values", [](const DicomFile& f, const Plane&) { return f.format.floating; }},
    {"a CT without rescale slope: its values are no HU",
     [](const DicomFile& f, const Plane& p) { return f.modality == "CT" && (!p.slope || !p.intercept || *p.slope == 0); }},
}};

bool sharp(const std::string& kernel) {
  static constexpr std::array<std::string_view, 5> kSharp{"bone", "lung", "edge", "detail", "sharp"};
  if (std::any_of(kSharp.begin(), kSharp.end(), [&](std::string_view word) { return kernel.find(word) != std::string::npos; })) return true;
  // Siemens: B60f, Bl57d, Br64, Hr68: 50 and above is sharp.
  const auto digit = std::find_if(kernel.begin(), kernel.end(), [](unsigned char c) { return std::isdigit(c); });
  return kernel.end() - digit >= 2 && digit != kernel.begin() && std::isdigit(static_cast<unsigned char>(digit[1])) && (digit[0] - '0') >= 5 &&
         kernel.front() >= 'a' && kernel.front() <= 'z';
}

Series series_of(const Stack& stack, const Study& study) {
  const DicomFile& file = study.files[static_cast<std::size_t>(stack.planes.front().file)];
  Series series;
  series.modality = file.modality;
  series.transfer_syntax = file.transfer_syntax;
  series.size = stack.size;
  series.spacing_mm = stack.spacing_mm;
  series.direction = stack.direction;
  series.frames = static_cast<std::int64_t>(stack.planes.size());
  series.reason = stack.reason;
  series.detail = stack.detail;
  series.notes = stack.notes;
  series.study_date = file.study_date;
  series.original = file.image_type.empty() || file.image_type.front() != "DERIVED";
  series.soft_kernel = !sharp(file.kernel);
  for (const NoVolume& kind : kNoVolume)
    if (kind.is(file, stack.planes.front())) {
      series.reason = Reason::unsupported;
      series.detail = kind.why;
      break;
    }
  return series;
}

void find_phases(Scan& scan, const Study& study) {
  std::vector<PhaseEvidence> evidence;
  for (const Stack& stack : study.stacks) {
    const DicomFile& file = study.files[static_cast<std::size_t>(stack.planes.front().file)];
    PhaseEvidence one{file.study, file.modality, file.description, file.contrast, std::nullopt, file.injection_s};
    for (const Plane& plane : stack.planes)
      if (const auto& time = plane.repeat[acquisition_time]; time && (!one.acquired_s || *time < *one.acquired_s)) one.acquired_s = time;
    // A description that stands for several volumes names none of them; the kind of an MR sequence it still names.
    const bool split = std::any_of(stack.notes.begin(), stack.notes.end(), [](const Note& note) { return note.code == "several_phases"; });
    if (split) one.description.clear();
    evidence.push_back(std::move(one));
  }
  const std::vector<Phase> phases = phases_of(evidence);
  for (std::size_t i = 0; i < phases.size(); ++i) {
    scan.series[i].phase = phases[i].name;
    scan.series[i].phase_rule = phases[i].rule;
  }
}

// Which code repeated positions get: contrast in time gives phases, anything else times.
std::string split_code(const DicomFile& file) {
  const Phase named = phase_by_description(file.description, file.modality == "MR");
  const bool sequence = named.name == "t2" || named.name == "dwi" || named.name == "adc";
  return file.modality == "CT" || (file.contrast && !sequence) ? "several_phases" : "several_times";
}

// Everything that was found in the files of a path.
struct Found {
  std::vector<DicomFile> files;
  std::size_t no_dicom = 0, no_pixels = 0;
  std::map<std::string, std::size_t> refused;  // reason in words -> files
  Reason reason = Reason::unsupported;
  std::string detail;
};

Found look_into(const std::filesystem::path& path) {
  Found found;
  const auto remember = [&](const HeaderScan& scan) {
    if (!found.detail.empty()) return;
    found.reason = scan.reason;
    found.detail = scan.detail;
  };
  for (const std::filesystem::path& one : files_below(path)) {
    HeaderScan scan = scan_header(one);
    if (scan.verdict == Verdict::image) {
      found.files.push_back(std::move(*scan.file));
    } else if (scan.verdict == Verdict::no_dicom) {
      ++found.no_dicom;
    } else {
      remember(scan);
      if (scan.verdict == Verdict::no_pixels)
        ++found.no_pixels;
      else
        ++found.refused[scan.detail];
    }
  }
  return found;
}

std::string files_text(std::size_t n) { return n == 1 ? "1 file" : std::to_string(n) + " files"; }

void note_what_was_left_out(const Found& found, std::size_t copies, Scan& scan) {
  if (found.no_dicom > 0) scan.notes.push_back({"left_out", files_text(found.no_dicom) + " without DICOM"});
  if (found.no_pixels > 0) scan.notes.push_back({"left_out", files_text(found.no_pixels) + " without pixels (directories, reports, presentations, plans)"});
  for (const auto& [why, count] : found.refused) scan.notes.push_back({"left_out", files_text(count) + ": " + why});
  if (copies > 0) scan.notes.push_back({"duplicate", fmt::format("{} {} the copy of an instance, dropped", copies, copies == 1 ? "is" : "are")});
  std::set<std::string> patients;
  for (const DicomFile& file : found.files) patients.insert(file.patient);
  if (patients.size() > 1)
    scan.notes.push_back({"several_patients", fmt::format("{} patient ids among the files: check that all are of one patient", patients.size())});
}

}  // namespace

bool takes_dicom(const std::filesystem::path& path) {
  std::error_code failed;
  return std::filesystem::is_directory(path, failed) || looks_like_dicom(path);
}

Scan scan_dicom(const std::filesystem::path& path) {
  Scan scan;
  scan.path = path;
  Found found = look_into(path);
  const std::size_t copies = drop_copies(found.files);
  note_what_was_left_out(found, copies, scan);
  if (found.files.empty()) {
    scan.reason = found.reason;
    scan.detail = found.detail.empty() ? "holds no DICOM image" : found.detail;
    return scan;
  }
  auto study = std::make_shared<Study>();
  study->files = std::move(found.files);
  std::map<std::string, std::vector<Plane>> parts;
  for (std::size_t f = 0; f < study->files.size(); ++f)
    for (Plane plane : study->files[f].planes) {
      plane.file = static_cast<int>(f);
      parts[part_of(study->files[f], plane)].push_back(plane);
    }
  std::map<std::string, std::set<std::size_t>> stacks_of_series;
  for (const auto& [key, planes] : parts) {
    const DicomFile& file = study->files[static_cast<std::size_t>(planes.front().file)];
    for (Stack& stack : stacks_of(planes, file.format, split_code(file))) {
      if (!file.is_type("LOCALIZER")) stacks_of_series[file.study + "|" + file.series].insert(study->stacks.size());
      study->stacks.push_back(std::move(stack));
    }
  }
  // Planes of other directions may also differ in spacing and were parted before geometry saw them.
  for (const auto& [key, indices] : stacks_of_series) {
    const Stack& first = study->stacks[*indices.begin()];
    const bool mixed = std::any_of(indices.begin(), indices.end(), [&](std::size_t i) {
      const auto &a = first.direction, &b = study->stacks[i].direction;
      return std::abs(a[2] * b[2] + a[5] * b[5] + a[8] * b[8]) < 0.999 && study->stacks[i].planes.front().orientation && first.planes.front().orientation;
    });
    for (const std::size_t i : indices) {
      std::vector<Note>& notes = study->stacks[i].notes;
      if (mixed && std::none_of(notes.begin(), notes.end(), [](const Note& note) { return note.code == "mixed_orientation"; }))
        notes.push_back({"mixed_orientation", "several orientations in one series, split"});
    }
  }
  for (const Stack& stack : study->stacks) scan.series.push_back(series_of(stack, *study));
  find_phases(scan, *study);
  scan.study = std::move(study);
  return scan;
}

namespace {

// Every plane of a stack, file by file; `out` empty: only measured.
Measured decode(const Study& study, const Stack& stack, std::span<float> out) {
  Measured measured;
  std::vector<std::size_t> order(stack.planes.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(stack.planes[a].file, stack.planes[a].frame) < std::pair(stack.planes[b].file, stack.planes[b].frame);
  });
  double low = INFINITY, high = -INFINITY, sum = 0;
  std::int64_t count = 0;
  for (std::size_t at = 0; at < order.size();) {
    const int index = stack.planes[order[at]].file;
    const DicomFile& file = study.files[static_cast<std::size_t>(index)];
    PixelSource source(file);
    for (; at < order.size() && stack.planes[order[at]].file == index; ++at) {
      const std::size_t n = file.format.pixels();
      const std::optional<FrameTotals> totals = source.read(stack.planes[order[at]], out.empty() ? out : out.subspan(order[at] * n, n));
      if (!totals) {
        ++measured.frames_failed;
        if (measured.problem.empty()) measured.problem = source.problem();
        continue;
      }
      ++measured.frames_read;
      low = std::min(low, totals->low);
      high = std::max(high, totals->high);
      sum += totals->sum;
      count += static_cast<std::int64_t>(n);
    }
    if (!source.doubt().empty()) measured.doubt = source.doubt();
  }
  const bool colour = study.files[static_cast<std::size_t>(stack.planes.front().file)].format.colour();
  if (count > 0 && !colour) measured.values = {{low, high, sum / static_cast<double>(count)}};
  return measured;
}

// Whether the files of a stack can hold the pixels that their headers state.
bool can_hold(const Study& study, const Stack& stack) {
  std::uint64_t stated = 0, most = 0;
  std::set<int> files;
  for (const Plane& plane : stack.planes) {
    const PixelFormat& format = study.files[static_cast<std::size_t>(plane.file)].format;
    stated += format.pixels() * static_cast<std::uint64_t>(format.bits_allocated) / 8;
    if (files.insert(plane.file).second) most += format.most_bytes;
  }
  return stated <= most;
}

}  // namespace

Measured measure_dicom(const Scan& scan, std::size_t series) { return decode(*scan.study, scan.study->stacks.at(series), {}); }

ReadImage read_dicom(const Scan& scan, std::size_t index) {
  const Series& series = scan.series.at(index);
  const Stack& stack = scan.study->stacks.at(index);
  if (series.reason != Reason::present) return {std::nullopt, series.reason, series.detail};
  const std::int64_t voxels = series.size[0] * series.size[1] * series.size[2];
  if (voxels > kMostVoxels || series.frames != series.size[2]) return {std::nullopt, Reason::odd_shape, "too many voxels"};
  if (!can_hold(*scan.study, stack)) return {std::nullopt, Reason::unreadable, "its files are too short for the pixels that their headers state"};
  Image image;
  image.size = series.size;
  image.spacing_mm = series.spacing_mm;
  image.affine = stack.affine;
  image.frame_of_reference = scan.study->files[static_cast<std::size_t>(stack.planes.front().file)].frame_of_reference;
  image.values.resize(static_cast<std::size_t>(voxels));
  const Measured measured = decode(*scan.study, stack, image.values);
  if (measured.frames_failed > 0)
    return {std::nullopt, Reason::unreadable, fmt::format("{} of {} slices: {}", measured.frames_failed, series.frames, measured.problem)};
  if (!measured.doubt.empty()) return {std::nullopt, Reason::unreadable, measured.doubt};
  if (!measured.values) return {std::nullopt, Reason::unsupported, "colour, no intensities"};
  for (const double value : *measured.values)
    if (!(std::abs(value) <= std::numeric_limits<float>::max())) return {std::nullopt, Reason::not_finite, "its rescaled values are no finite numbers"};
  image.low = (*measured.values)[0];
  image.high = (*measured.values)[1];
  image.mean = (*measured.values)[2];
  return {std::move(image), Reason::present, {}};
}

}  // namespace hepar::imaging
