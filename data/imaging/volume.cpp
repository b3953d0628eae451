// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/volume.hpp"

#include "data/imaging/affine.hpp"
#include "data/imaging/image.hpp"
#include "data/imaging/mask.hpp"
#include "data/imaging/montage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace hepar::imaging {

namespace {

constexpr float kAir = -1024.0f;

// The rows of a timing, scanned once for all phases.
class Rows {
 public:
  Rows(const PatientRecord& patient, const ModalitySpec& modality) : patient_(patient), modality_(modality), scans_(patient.imaging.size()) {}

  [[nodiscard]] bool of_timing(std::size_t index) const { return patient_.imaging[index].timing == modality_.timing; }
  const Scan& scan(std::size_t index) {
    if (!scans_[index]) scans_[index] = scan_images(patient_.imaging[index].path);
    return *scans_[index];
  }

  // The usable series of a row that may show a phase, best first; `why` says in words why there is none.
  std::vector<std::size_t> of_phase(std::size_t index, const std::string& phase, std::string& why);

 private:
  // Law 5: a study of the other side of surgery is not of this timing, whatever the table says.
  [[nodiscard]] bool other_side(const Series& series) const {
    if (!patient_.surgery_date || !series.study_date) return false;
    const long day = *series.study_date - *patient_.surgery_date;
    return modality_.timing == "pre_op" ? day > 0 : day < 0;
  }

  const PatientRecord& patient_;
  const ModalitySpec& modality_;
  std::vector<std::optional<Scan>> scans_;
};

// The table's phase wins over what a series says of itself, unless another series of the path says that very phase. A row
// without phase is searched for it; where one phase is asked for, series of unknown phase will do.
std::vector<std::size_t> Rows::of_phase(std::size_t index, const std::string& phase, std::string& why) {
  const std::string& declared = patient_.imaging[index].phase;
  const Scan& found = scan(index);
  std::vector<std::size_t> usable, same, unknown;
  std::size_t other_days = 0;
  for (const std::size_t s : by_preference(found, patient_.surgery_date)) {
    const Series& series = found.series[s];
    if (series.reason != Reason::present) continue;
    if (other_side(series)) {
      ++other_days;
      continue;
    }
    usable.push_back(s);
    if (series.phase == phase) same.push_back(s);
    if (series.phase.empty()) unknown.push_back(s);
  }
  const bool any = phase == "any" || declared == "any";
  if (other_days > 0) why = std::to_string(other_days) + " series of the other side of surgery left out";
  if (any) return usable;
  if (!same.empty()) return same;
  if (declared == phase && !unknown.empty()) return unknown;
  if (declared == phase && usable.size() == 1) return usable;
  if (declared.empty() && modality_.phases.size() == 1 && !unknown.empty()) return unknown;
  if (!usable.empty() && why.empty()) why = "no series of phase " + phase + " among " + std::to_string(usable.size());
  return {};
}

void put(std::vector<std::byte>& values, std::size_t first, const std::vector<float>& hu) {
  for (std::size_t i = 0; i < hu.size(); ++i) {
    const std::uint16_t half = to_half(std::clamp(hu[i], -32768.0f, 32767.0f));
    std::memcpy(values.data() + 2 * (first + i), &half, 2);
  }
}

// The affine of the grid: LPS axes about a centre.
std::array<double, 12> grid_affine(const std::array<double, 3>& centre, const ModalitySpec& modality) {
  std::array<double, 12> affine{};
  for (std::size_t r = 0; r < 3; ++r) {
    affine[4 * r + r] = modality.spacing_mm[r];
    affine[4 * r + 3] = centre[r] - modality.spacing_mm[r] * (modality.grid[r] - 1) / 2.0;
  }
  return affine;
}

// What happened to a patient's rows, in words and as the first reason.
struct Account {
  Feature& feature;
  void say(std::size_t row, const std::string& what) const {
    // By its number, never by path: file names carry accession numbers.
    const std::string text = "image " + std::to_string(row + 1) + ": " + what;
    if (feature.detail.find(text) == std::string::npos) feature.detail += (feature.detail.empty() ? "" : "; ") + text;
  }
  void fail(std::size_t row, Reason reason, const std::string& what) const {
    say(row, what);
    if (feature.reason == Reason::missing_phase) feature.reason = reason;
  }
};

struct Taken {
  Image image;
  std::size_t row = 0;
  Series series;                // as its headers tell it
  std::size_t of_series = 0;    // in the row's path
};

// Which series was taken and what else was there.
std::string choice(const Scan& scan, std::size_t taken, std::size_t candidates, const std::string& phase) {
  const Series& series = scan.series[taken];
  std::string text = phase + " from series " + std::to_string(taken + 1) + " of " + std::to_string(scan.series.size()) + " (" +
                     (series.phase_rule.empty() ? "phase as in the table" : series.phase_rule) + ")";
  if (candidates > 1) text += ", preferred to " + std::to_string(candidates - 1) + " other" + (candidates > 2 ? "s" : "");
  return text;
}

// The first image of a phase that can be read, rows in table order.
std::optional<Taken> take(Rows& rows, const PatientRecord& patient, const std::string& phase, const Account& account) {
  for (std::size_t row = 0; row < patient.imaging.size(); ++row) {
    const std::string& declared = patient.imaging[row].phase;
    if (!rows.of_timing(row) || !(declared.empty() || declared == phase || declared == "any" || phase == "any")) continue;
    const Scan& scan = rows.scan(row);
    if (scan.series.empty()) {
      account.fail(row, scan.reason, scan.detail);
      continue;
    }
    std::string why;
    const std::vector<std::size_t> candidates = rows.of_phase(row, phase, why);
    const Series& best = scan.series[by_preference(scan).front()];
    if (best.reason != Reason::present)
      account.fail(row, best.reason, best.detail);
    else if (!why.empty())
      account.say(row, why);
    for (const std::size_t series : candidates) {
      ReadImage read = read_series(scan, series);
      if (!read.image) {
        account.fail(row, read.reason, read.detail);
        continue;
      }
      if (scan.series.size() > 1) account.say(row, choice(scan, series, candidates.size(), phase));
      return Taken{std::move(*read.image), row, scan.series[series], scan.series.size()};
    }
  }
  return std::nullopt;
}

// The mask of a row, if it names one; one that cannot be read is said and left.
std::optional<Mask> mask_of(const Image& image, const std::filesystem::path& path, std::size_t row, const Account& account) {
  if (path.empty()) return std::nullopt;
  ReadMask read = read_mask(image, path);
  if (!read.mask) account.say(row, "mask: " + read.detail);
  return std::move(read.mask);
}

// The middle of the box around the mask's voxels.
std::array<double, 3> mask_centre(const Image& image, const Mask& mask) {
  std::array<std::int64_t, 3> low = image.size, high{};
  std::size_t at = 0;
  for (std::int64_t z = 0; z < image.size[2]; ++z)
    for (std::int64_t y = 0; y < image.size[1]; ++y)
      for (std::int64_t x = 0; x < image.size[0]; ++x, ++at) {
        if (mask.inside[at] == 0) continue;
        const std::array<std::int64_t, 3> voxel{x, y, z};
        for (std::size_t axis = 0; axis < 3; ++axis) {
          low[axis] = std::min(low[axis], voxel[axis]);
          high[axis] = std::max(high[axis], voxel[axis]);
        }
      }
  return mapped(image.affine,
                {static_cast<double>(low[0] + high[0]) / 2, static_cast<double>(low[1] + high[1]) / 2, static_cast<double>(low[2] + high[2]) / 2});
}

// What a phase was taken from, for people and rules.
void add_phase_facts(const std::string& name, const Taken& taken, const Mask* mask, Facts& facts) {
  const auto add = [&](const char* part, std::string text) { facts[name + part] = {Fact::State::known, std::move(text), "image", 1}; };
  const Vec3& mm = taken.image.spacing_mm;
  add(".state", "present");
  add(".rule", taken.series.phase_rule.empty() ? "as in the table" : taken.series.phase_rule);
  add(".spacing_mm", fmt::format("{:.4g} {:.4g} {:.4g}", mm[0], mm[1], mm[2]));
  add(".slices", std::to_string(taken.image.size[2]));
  add(".series", std::to_string(taken.of_series));
  std::string notes;
  for (const Note& note : taken.series.notes) notes += (notes.empty() ? "" : "; ") + note.code + ": " + note.text;
  if (!notes.empty()) add(".notes", notes);
  if (mask != nullptr) add(".mask_ml", fmt::format("{:.6g}", static_cast<double>(mask->voxels) * mm[0] * mm[1] * mm[2] / 1000));
}

}  // namespace

Layout layout_of(const ModalitySpec& modality) {
  return {Kind::volume,
          DType::float16,
          {static_cast<std::int64_t>(modality.phases.size()), modality.grid[2], modality.grid[1], modality.grid[0]},
          "HU",
          "resampled to the grid, trilinear with a box filter"};
}

Feature read_volume(const PatientRecord& patient, const ModalitySpec& modality, Facts& facts, Pictures& pictures) {
  Feature feature;
  const std::size_t per_phase =
      static_cast<std::size_t>(modality.grid[0]) * static_cast<std::size_t>(modality.grid[1]) * static_cast<std::size_t>(modality.grid[2]);
  const bool any_row = std::any_of(patient.imaging.begin(), patient.imaging.end(), [&](const ImagingRow& row) { return row.timing == modality.timing; });
  if (!any_row) return feature;  // not_recorded
  feature.values.resize(2 * per_phase * modality.phases.size());
  feature.phase_present.assign(modality.phases.size(), 0);
  feature.reason = Reason::missing_phase;
  const Account account{feature};
  Rows rows(patient, modality);
  Montage montage(modality);
  std::optional<std::array<double, 3>> centre;  // of the first phase, for all that share its frame of reference
  std::string frame;
  for (std::size_t phase = 0; phase < modality.phases.size(); ++phase) {
    std::vector<float> hu(per_phase, kAir);
    const std::string name = modality.name + "." + modality.phases[phase];
    if (const std::optional<Taken> taken = take(rows, patient, modality.phases[phase], account)) {
      const Image& image = taken->image;
      const std::optional<Mask> mask = mask_of(image, patient.imaging[taken->row].mask, taken->row, account);
      const std::optional<std::array<double, 3>> own = mask ? std::optional(mask_centre(image, *mask)) : std::nullopt;
      const bool shared = centre && !frame.empty() && image.frame_of_reference == frame;
      const std::array<double, 3> about = shared ? *centre : own.value_or(centre_of(image));
      if (!centre) {
        centre = about;
        frame = image.frame_of_reference;
        feature.affine = grid_affine(about, modality);
      }
      hu = resample(image, modality.grid, modality.spacing_mm, about);
      feature.phase_present[phase] = 1;
      montage.add(phase, image, mask ? &*mask : nullptr, about);
      add_phase_facts(name, *taken, mask ? &*mask : nullptr, facts);
    } else {
      facts[name + ".state"] = {Fact::State::known, std::string(name_of(Reason::missing_phase)), "image", 1};
    }
    put(feature.values, phase * per_phase, hu);
  }
  const bool some = std::any_of(feature.phase_present.begin(), feature.phase_present.end(), [](std::uint8_t p) { return p != 0; });
  if (some) {
    feature.reason = Reason::present;
    feature.items = 1;
    pictures.push_back(montage.picture());
  } else {
    feature.values.clear();
    feature.phase_present.clear();
    if (feature.detail.empty()) feature.detail = "no image of a declared phase";
  }
  return feature;
}

}  // namespace hepar::imaging
