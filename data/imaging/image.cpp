// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/image.hpp"

#include "data/cohort/file_state.hpp"
#include "data/imaging/affine.hpp"
#include "data/imaging/dicom.hpp"
#include "data/imaging/nifti.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace hepar::imaging {

namespace {

constexpr std::array<Reader, 2> kReaders{
    {{"NIfTI", &takes_nifti, &scan_nifti, &read_scanned_nifti, &measure_nifti}, {"DICOM", &takes_dicom, &scan_dicom, &read_dicom, &measure_dicom}}};
constexpr float kAir = -1024.0f;

struct Point {
  double x = 0, y = 0, z = 0;
};

// Trilinear at a continuous voxel position; half a voxel beyond the edge still belongs to the edge voxel.
float sample(const Image& image, const Point& at) {
  const std::array<double, 3> position{at.x, at.y, at.z};
  std::array<std::int64_t, 3> low{};
  std::array<double, 3> share{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto last = static_cast<double>(image.size[axis] - 1);
    if (!(position[axis] >= -0.5 && position[axis] <= last + 0.5)) return kAir;
    const double inside = std::clamp(position[axis], 0.0, last);
    low[axis] = std::min(static_cast<std::int64_t>(inside), std::max<std::int64_t>(image.size[axis] - 2, 0));
    share[axis] = inside - static_cast<double>(low[axis]);
  }
  double sum = 0;
  for (int corner = 0; corner < 8; ++corner) {
    double weight = 1;
    std::array<std::int64_t, 3> voxel{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const bool upper = ((corner >> axis) & 1) != 0;
      weight *= upper ? share[axis] : 1 - share[axis];
      voxel[axis] = std::min(low[axis] + (upper ? 1 : 0), image.size[axis] - 1);
    }
    if (weight > 0)
      sum += weight * static_cast<double>(image.values[static_cast<std::size_t>((voxel[2] * image.size[1] + voxel[1]) * image.size[0] + voxel[0])]);
  }
  return static_cast<float>(sum);
}

}  // namespace

std::span<const Reader> readers() { return kReaders; }

namespace {

const Reader* reader_of(const std::filesystem::path& path) {
  const auto reader = std::find_if(kReaders.begin(), kReaders.end(), [&](const Reader& one) { return one.takes(path); });
  return reader == kReaders.end() ? nullptr : &*reader;
}

}  // namespace

Scan scan_images(const std::filesystem::path& path) {
  const FileState file = file_state(path);
  Scan nothing;
  nothing.path = path;
  if (file.reason != Reason::present) {
    nothing.reason = file.reason;
    nothing.detail = file.detail;
    return nothing;
  }
  if (const Reader* reader = reader_of(path)) return reader->scan(path);
  nothing.reason = Reason::unsupported;
  nothing.detail = "no reader takes this format";
  return nothing;
}

ReadImage read_series(const Scan& scan, std::size_t series) {
  const Reader* reader = reader_of(scan.path);
  if (reader == nullptr) return {std::nullopt, Reason::missing_file, "no such file"};
  return reader->read(scan, series);
}

Measured measure_series(const Scan& scan, std::size_t series) {
  const Reader* reader = reader_of(scan.path);
  return reader == nullptr ? Measured{} : reader->measure(scan, series);
}

std::vector<std::size_t> by_preference(const Scan& scan, std::optional<long> day) {
  const auto score = [&](std::size_t index) {
    const Series& one = scan.series[index];
    const long away = day && one.study_date ? std::abs(*one.study_date - *day) : 0;
    const double thickness = std::isfinite(one.spacing_mm[2]) ? one.spacing_mm[2] : 1e3;
    const long stretch = -std::lround(static_cast<double>(one.size[2]) * thickness / 10);
    return std::tuple(one.reason != Reason::present, away, !one.original, !one.soft_kernel, stretch, thickness, -one.size[0] * one.size[1]);
  };
  std::vector<std::size_t> order(scan.series.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return score(a) < score(b); });
  return order;
}

ReadImage read_image(const std::filesystem::path& path) {
  const Scan scan = scan_images(path);
  if (scan.series.empty()) return {std::nullopt, scan.reason, scan.detail};
  return read_series(scan, by_preference(scan).front());
}

std::array<double, 3> centre_of(const Image& image) {
  return mapped(image.affine,
                {(static_cast<double>(image.size[0]) - 1) / 2, (static_cast<double>(image.size[1]) - 1) / 2, (static_cast<double>(image.size[2]) - 1) / 2});
}

std::vector<float> resample(const Image& image, const std::array<int, 3>& size, const std::array<double, 3>& spacing_mm, const std::optional<Vec3>& centre) {
  std::vector<float> out(static_cast<std::size_t>(size[0]) * static_cast<std::size_t>(size[1]) * static_cast<std::size_t>(size[2]), kAir);
  const std::optional<Affine> to_voxel = inverse(image.affine);
  if (!to_voxel) return out;
  const Vec3 middle = mapped(*to_voxel, centre ? *centre : centre_of(image));
  // Step in voxels for one millimetre along each LPS axis, and how many samples an output voxel needs.
  std::array<int, 3> samples{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    double step = 0;
    for (std::size_t r = 0; r < 3; ++r) step = std::max(step, std::abs((*to_voxel)[4 * r + axis]) * spacing_mm[axis]);
    samples[axis] = std::clamp(static_cast<int>(std::ceil(step - 1e-6)), 1, 16);
  }
  const double all = static_cast<double>(samples[0]) * samples[1] * samples[2];
  std::size_t at = 0;
  for (int z = 0; z < size[2]; ++z)
    for (int y = 0; y < size[1]; ++y)
      for (int x = 0; x < size[0]; ++x, ++at) {
        double sum = 0;
        for (int sz = 0; sz < samples[2]; ++sz)
          for (int sy = 0; sy < samples[1]; ++sy)
            for (int sx = 0; sx < samples[0]; ++sx) {
              const auto offset = [&](int index, int extent, int sub, int count, double mm) {
                return (index - (extent - 1) / 2.0 + (sub + 0.5) / count - 0.5) * mm;
              };
              const std::array<double, 3> mm{offset(x, size[0], sx, samples[0], spacing_mm[0]), offset(y, size[1], sy, samples[1], spacing_mm[1]),
                                             offset(z, size[2], sz, samples[2], spacing_mm[2])};
              std::array<double, 3> voxel = middle;
              for (std::size_t r = 0; r < 3; ++r)
                for (std::size_t c = 0; c < 3; ++c) voxel[r] += (*to_voxel)[4 * r + c] * mm[c];
              sum += static_cast<double>(sample(image, {voxel[0], voxel[1], voxel[2]}));
            }
        out[at] = static_cast<float>(sum / all);
      }
  return out;
}

}  // namespace hepar::imaging
