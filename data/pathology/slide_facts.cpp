// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/slide_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hepar::pathology {

namespace {

constexpr std::array<QualityNumber, 12> kNumbers{{
    {"tissue_mm2", true, [](const SlideQuality& q) { return q.tissue_mm2; }},
    {"tiles", true, [](const SlideQuality& q) { return static_cast<double>(q.tiles); }},
    {"corrupt_tiles", true, [](const SlideQuality& q) { return static_cast<double>(q.corrupt_tiles); }},
    {"corrupt_mm2", true, [](const SlideQuality& q) { return q.corrupt_mm2; }},
    {"blur", false, [](const SlideQuality& q) { return q.blur; }},
    {"sharpness", false, [](const SlideQuality& q) { return q.sharpness; }},
    {"pen", false, [](const SlideQuality& q) { return q.pen; }},
    {"fold", false, [](const SlideQuality& q) { return q.fold; }},
    {"fading", false, [](const SlideQuality& q) { return q.fading; }},
    {"background", false, [](const SlideQuality& q) { return q.background; }},
    {"stain_angle", false, [](const SlideQuality& q) { return q.stain ? q.stain->angle_degrees : -1; }},
    {"um_per_pixel", false, [](const SlideQuality& q) { return (q.scale.x + q.scale.y) / 2; }},
}};

Fact known(std::string text, const char* source = kWholeSlide) { return {Fact::State::known, std::move(text), source, 1}; }
std::string text_of(double value) { return fmt::format("{:.6g}", value); }
std::string text_of(const std::array<double, 3>& colour) { return fmt::format("{:.4f} {:.4f} {:.4f}", colour[0], colour[1], colour[2]); }
bool has(const QualityNumber& number, const SlideQuality& quality) { return number.of(quality) >= 0; }

}  // namespace

std::span<const QualityNumber> quality_numbers() { return kNumbers; }

void add_imported_facts(const std::string& slide, const TileFeatures& tiles, Facts& facts) {
  facts[slide + "tiles"] = known(std::to_string(tiles.count), kImported);
  if (tiles.um_per_pixel_source.empty()) return;
  facts[slide + "um_per_pixel"] = known(text_of(tiles.um_per_pixel), kImported);
  facts[slide + "um_per_pixel_source"] = known(tiles.um_per_pixel_source, kImported);
}

void add_slide_facts(const std::string& modality, const std::vector<std::optional<SlideQuality>>& slides, Facts& facts) {
  for (std::size_t k = 0; k < slides.size(); ++k) {
    if (!slides[k]) continue;
    const std::string name = modality + "." + std::to_string(k + 1) + ".";
    for (const QualityNumber& number : kNumbers)
      if (has(number, *slides[k])) facts[name + number.name] = known(text_of(number.of(*slides[k])));
    facts[name + "um_per_pixel_source"] = known(slides[k]->scale.source);
    if (slides[k]->stain) {
      facts[name + "stain_hematoxylin"] = known(text_of(slides[k]->stain->hematoxylin));
      facts[name + "stain_eosin"] = known(text_of(slides[k]->stain->eosin));
    }
  }
  if (slides.empty() || std::any_of(slides.begin(), slides.end(), [](const auto& one) { return !one; })) return;
  for (const QualityNumber& number : kNumbers) {
    double sum = 0, weight = 0;
    for (const auto& one : slides) {
      const double share = number.sum ? 1 : one->tissue_mm2;
      if (!has(number, *one) || share <= 0) continue;
      sum += share * number.of(*one);
      weight += share;
    }
    if (number.sum || weight > 0) facts[modality + "." + number.name] = known(text_of(number.sum ? sum : sum / weight));
  }
}

}  // namespace hepar::pathology
