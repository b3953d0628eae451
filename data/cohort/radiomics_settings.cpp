// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/radiomics_settings.hpp"

#include "data/base/table.hpp"
#include "data/base/text.hpp"

#include <algorithm>

namespace hepar {

namespace {

constexpr Range kPositive{1e-6, 1e9};
constexpr Range kBinNumber{2, 65535};

std::vector<double> numbers_of(const char* key, const std::vector<std::string>& texts, const Place& place) {
  std::vector<double> numbers;
  for (const std::string& text : texts) {
    const std::optional<double> number = parse_number(text);
    if (!number) throw usage_error("'" + std::string(key) + "' holds '" + text + "', which is no number", place, "give numbers");
    numbers.push_back(*number);
  }
  return numbers;
}

void check_bins(const char* key, const Bins& bins, const Place& place) {
  if (bins.width > 0 && bins.number > 0) throw usage_error("'" + std::string(key) + "' has both fbs and fbn", place, "give one of them");
}

void read_grid(const RadiomicsKeys& keys, RadiomicsSettings& settings, const Place& place) {
  using Interpolation = RadiomicsSettings::Interpolation;
  if (keys.interpolation == "none" || (keys.interpolation == "auto" && keys.spacing_mm.empty())) return;
  if (keys.spacing_mm.empty()) throw usage_error("'interpolation' is " + keys.interpolation + " without a grid", place, "add spacing_mm: [x, y, z]");
  std::vector<double> mm = numbers_of("spacing_mm", keys.spacing_mm, place);
  if (mm.size() == 2 && settings.by_slice) mm.push_back(mm.back());
  if (mm.size() != 3 || std::any_of(mm.begin(), mm.end(), [](double v) { return v < 0.01 || v > 100; }))
    throw usage_error("'spacing_mm' is [" + join(keys.spacing_mm, ", ") + "]", place, "give [x, y, z] from 0.01 to 100 mm (by slice also [x, y])");
  std::copy(mm.begin(), mm.end(), settings.spacing_mm.begin());
  settings.interpolation = keys.interpolation == "cubic" ? Interpolation::cubic : Interpolation::linear;
}

std::string bins_text(const Bins& bins) {
  if (!bins.said()) return "default";
  return bins.width > 0 ? "fbs " + number_text(bins.width) : "fbn " + std::to_string(bins.number);
}

}  // namespace

std::vector<Row> RadiomicsKeys::rows(const std::string& prefix) {
  return {
      row(prefix + "by", by, {"volume", "slice"}, "volume: 3D aggregations; slice: 2D and 2.5D"),
      row(prefix + "spacing_mm", spacing_mm, "grid to interpolate to, [x, y, z] in mm; empty: the image's own"),
      row(prefix + "interpolation", interpolation, {"auto", "none", "linear", "cubic"}, "auto: linear when spacing_mm is given"),
      row(prefix + "round", round, {"auto", "true", "false"}, "to whole numbers; auto: when the image's values are whole"),
      row(prefix + "resegment_range", resegment_range, "[low, high]: voxels outside leave the intensity mask"),
      row(prefix + "resegment_sigma", resegment_sigma, {0, 100}, "standard deviations", "voxels further from the mean leave; 0: none"),
      row(prefix + "discretise.fbs", discretise.width, kPositive, "", "grey levels of this width"),
      row(prefix + "discretise.fbn", discretise.number, kBinNumber, "", "this many grey levels"),
      row(prefix + "ivh.fbs", ivh.width, kPositive, "", "intensity-volume histogram: bins of this width"),
      row(prefix + "ivh.fbn", ivh.number, kBinNumber, "", "intensity-volume histogram: this many bins"),
  };
}

RadiomicsSettings RadiomicsKeys::settings(const Place& place) const {
  RadiomicsSettings settings;
  settings.by_slice = by == "slice";
  read_grid(*this, settings, place);
  if (round != "auto") settings.round = round == "true";
  if (!resegment_range.empty()) {
    const std::vector<double> range = numbers_of("resegment_range", resegment_range, place);
    if (range.size() != 2 || range[0] >= range[1])
      throw usage_error("'resegment_range' is [" + join(resegment_range, ", ") + "]", place, "give [low, high]");
    settings.resegment_range = {range[0], range[1]};
  }
  if (resegment_sigma > 0) settings.resegment_sigma = resegment_sigma;
  check_bins("discretise", discretise, place);
  check_bins("ivh", ivh, place);
  settings.discretise = discretise;
  settings.ivh = ivh;
  return settings;
}

std::string text_of(const RadiomicsSettings& settings) {
  static constexpr std::array<const char*, 3> kInterpolations{"none", "linear", "cubic"};
  std::string text = settings.by_slice ? "by slice" : "by volume";
  text += std::string(", interpolation ") + kInterpolations.at(static_cast<std::size_t>(settings.interpolation));
  if (settings.interpolation != RadiomicsSettings::Interpolation::none)
    for (const double mm : settings.spacing_mm) text += " " + number_text(mm);
  text += std::string(", round ") + (settings.round ? (*settings.round ? "true" : "false") : "auto");
  if (settings.resegment_range) text += ", range " + number_text((*settings.resegment_range)[0]) + " " + number_text((*settings.resegment_range)[1]);
  if (settings.resegment_sigma) text += ", sigma " + number_text(*settings.resegment_sigma);
  return text + ", discretise " + bins_text(settings.discretise) + ", ivh " + bins_text(settings.ivh);
}

}  // namespace hepar
