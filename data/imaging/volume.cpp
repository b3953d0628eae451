// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/volume.hpp"

#include "data/imaging/image.hpp"

#include <algorithm>
#include <cstring>

namespace hepar::imaging {

namespace {

constexpr float kAir = -1024.0f;

// The patient's images of this timing that show a phase, in table order. "any" and an empty phase column match each other.
std::vector<std::size_t> images_of(const PatientRecord& patient, const ModalitySpec& modality, const std::string& phase) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < patient.imaging.size(); ++i) {
    const ImagingRow& row = patient.imaging[i];
    if (row.timing != modality.timing) continue;
    if (row.phase == phase || phase == "any" || (row.phase.empty() && modality.phases.size() == 1)) found.push_back(i);
  }
  return found;
}

void put(std::vector<std::byte>& values, std::size_t first, const std::vector<float>& hu) {
  for (std::size_t i = 0; i < hu.size(); ++i) {
    const std::uint16_t half = to_half(std::clamp(hu[i], -32768.0f, 32767.0f));
    std::memcpy(values.data() + 2 * (first + i), &half, 2);
  }
}

// The affine of the grid: LPS axes, its centre at the image's centre.
std::array<double, 12> grid_affine(const Image& image, const ModalitySpec& modality) {
  std::array<double, 12> affine{};
  for (std::size_t r = 0; r < 3; ++r) {
    double centre = image.affine[4 * r + 3];
    for (std::size_t c = 0; c < 3; ++c) centre += image.affine[4 * r + c] * (static_cast<double>(image.size[c]) - 1) / 2;
    affine[4 * r + r] = modality.spacing_mm[r];
    affine[4 * r + 3] = centre - modality.spacing_mm[r] * (modality.grid[r] - 1) / 2.0;
  }
  return affine;
}

}  // namespace

Layout layout_of(const ModalitySpec& modality) {
  return {Kind::volume, DType::float16, {static_cast<std::int64_t>(modality.phases.size()), modality.grid[2], modality.grid[1], modality.grid[0]}, "HU", "resampled to the grid, trilinear with a box filter"};
}

Feature read_volume(const PatientRecord& patient, const ModalitySpec& modality) {
  Feature feature;
  const std::size_t per_phase = static_cast<std::size_t>(modality.grid[0]) * static_cast<std::size_t>(modality.grid[1]) * static_cast<std::size_t>(modality.grid[2]);
  const bool any_row = std::any_of(patient.imaging.begin(), patient.imaging.end(), [&](const ImagingRow& row) { return row.timing == modality.timing; });
  if (!any_row) return feature;  // not_recorded
  feature.values.resize(2 * per_phase * modality.phases.size());
  feature.phase_present.assign(modality.phases.size(), 0);
  feature.reason = Reason::missing_phase;
  for (std::size_t phase = 0; phase < modality.phases.size(); ++phase) {
    std::vector<float> hu(per_phase, kAir);
    for (const std::size_t index : images_of(patient, modality, modality.phases[phase])) {
      const ReadImage read = read_image(patient.imaging[index].path);
      if (!read.image) {
        // By its number, never by path: file names carry accession numbers.
        feature.detail += (feature.detail.empty() ? "" : "; ") + std::string("image ") + std::to_string(index + 1) + ": " + read.detail;
        if (feature.reason == Reason::missing_phase) feature.reason = read.reason;
        continue;
      }
      hu = resample(*read.image, modality.grid, modality.spacing_mm);
      const bool first = std::none_of(feature.phase_present.begin(), feature.phase_present.end(), [](std::uint8_t p) { return p != 0; });
      if (first) feature.affine = grid_affine(*read.image, modality);
      feature.phase_present[phase] = 1;
      break;
    }
    put(feature.values, phase * per_phase, hu);
  }
  const bool some = std::any_of(feature.phase_present.begin(), feature.phase_present.end(), [](std::uint8_t p) { return p != 0; });
  if (some) {
    feature.reason = Reason::present;
    feature.items = 1;
  } else {
    feature.values.clear();
    feature.phase_present.clear();
    if (feature.detail.empty()) feature.detail = "no image of a declared phase";
  }
  return feature;
}

}  // namespace hepar::imaging
