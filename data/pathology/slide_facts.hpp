// SPDX-License-Identifier: Apache-2.0
// What slides say of themselves, as facts that rules and tables may name, and as a table a person can read.
#pragma once

#include "data/pathology/slide_features.hpp"

namespace hepar::pathology {

// One number of a slide's quality: the name that facts and `inspect` use. Sums add up over a patient's slides, other numbers
// are means weighted by tissue.
struct QualityNumber {
  const char* name;
  bool sum;
  double (*of)(const SlideQuality& quality);
};
[[nodiscard]] std::span<const QualityNumber> quality_numbers();

// Where a slide's facts are from: the file itself, or features that another tool made of it.
inline constexpr const char* kWholeSlide = "whole slide";
inline constexpr const char* kImported = "imported tile features";

// What is known without pixels, of slide `<modality>.<k>.`: its number of tiles, and their resolution where the file says it.
void add_imported_facts(const std::string& slide, const TileFeatures& tiles, Facts& facts);

// `<modality>.<name>` over all slides and `<modality>.<k>.<name>` for slide k. Nothing over all slides when one of them has no
// pixels to judge (imported features): a part would pass for the whole.
void add_slide_facts(const std::string& modality, const std::vector<std::optional<SlideQuality>>& slides, Facts& facts);

}  // namespace hepar::pathology
