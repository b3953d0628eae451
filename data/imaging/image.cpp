// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/image.hpp"

#include "data/imaging/affine.hpp"
#include "data/imaging/nifti.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::imaging {

namespace {

constexpr std::array<Reader, 1> kReaders{{{"NIfTI", &takes_nifti, &read_nifti}}};
constexpr float kAir = -1024.0f;

struct Point { double x = 0, y = 0, z = 0; };

// Trilinear at a continuous voxel position; half a voxel beyond the edge still belongs to the edge voxel.
float sample(const Image& image, const Point& at) {
  const std::array<double, 3> position{at.x, at.y, at.z};
  std::array<std::int64_t, 3> low{};
  std::array<double, 3> share{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto last = static_cast<double>(image.size[axis] - 1);
    if (position[axis] < -0.5 || position[axis] > last + 0.5) return kAir;
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
    if (weight > 0) sum += weight * static_cast<double>(image.values[static_cast<std::size_t>((voxel[2] * image.size[1] + voxel[1]) * image.size[0] + voxel[0])]);
  }
  return static_cast<float>(sum);
}

}  // namespace

std::span<const Reader> readers() { return kReaders; }

ReadImage read_image(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return {std::nullopt, Reason::missing_file, "no such file"};
  for (const Reader& reader : kReaders)
    if (reader.takes(path)) return reader.read(path);
  return {std::nullopt, Reason::unsupported, "no reader takes this format"};
}

std::vector<float> resample(const Image& image, const std::array<int, 3>& size, const std::array<double, 3>& spacing_mm) {
  std::vector<float> out(static_cast<std::size_t>(size[0]) * static_cast<std::size_t>(size[1]) * static_cast<std::size_t>(size[2]), kAir);
  const std::optional<Affine> to_voxel = inverse(image.affine);
  if (!to_voxel) return out;
  const std::array<double, 3> middle{(static_cast<double>(image.size[0]) - 1) / 2, (static_cast<double>(image.size[1]) - 1) / 2, (static_cast<double>(image.size[2]) - 1) / 2};
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
              const auto offset = [&](int index, int extent, int sub, int count, double mm) { return (index - (extent - 1) / 2.0 + (sub + 0.5) / count - 0.5) * mm; };
              const std::array<double, 3> mm{offset(x, size[0], sx, samples[0], spacing_mm[0]), offset(y, size[1], sy, samples[1], spacing_mm[1]), offset(z, size[2], sz, samples[2], spacing_mm[2])};
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
