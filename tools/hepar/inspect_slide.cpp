// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/inspect_slide.hpp"

#include "data/pathology/slide_facts.hpp"

#include <cmath>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

double rounded(double value) { return std::round(value * 1e6) / 1e6; }

Json levels_json(const pathology::Slide& slide) {
  Json levels = Json::array();
  for (std::size_t i = 0; i < slide.file_levels(); ++i) {
    const pathology::SlideLevel& level = slide.levels()[i];
    levels.push_back({{"size", {level.width, level.height}},
                      {"downsample", {rounded(level.downsample_x), rounded(level.downsample_y)}},
                      {"decoder", level.direct ? "libjpeg" : "openslide"},
                      {"used", level.trouble.empty()}});
  }
  return levels;
}

Json quality_json(const pathology::SlideQuality& quality) {
  Json json = Json::object();
  for (const pathology::QualityNumber& number : pathology::quality_numbers())
    if (const double value = number.of(quality); value >= 0 && std::string_view(number.name) != "tissue_mm2" && std::string_view(number.name) != "tiles" && std::string_view(number.name) != "um_per_pixel")
      json[number.name] = rounded(value);
  if (quality.stain) {
    json["stain_hematoxylin"] = Json(quality.stain->hematoxylin);
    json["stain_eosin"] = Json(quality.stain->eosin);
  }
  return json;
}

}  // namespace

void describe_slide(const std::filesystem::path& path, std::optional<double> um_per_pixel, Json& json) {
  SlideRow row;
  row.path = path;
  row.um_per_pixel = um_per_pixel;
  const pathology::SlideLook look = pathology::look_at_slide(row, ModalitySpec{}, true);
  json["readable"] = look.slide != nullptr;
  json["usable"] = look.reason == Reason::present;
  if (look.reason != Reason::present) json["reason"] = look.detail;
  for (const pathology::SlideNote& note : look.notes) json["notes"].push_back({{"code", note.code}, {"text", note.text}});
  if (!look.slide) return;
  const pathology::SlideLevel& level0 = look.slide->levels().front();
  json["levels"] = look.slide->file_levels();
  json["size"] = {level0.width, level0.height};
  json["um_per_pixel"] = look.scale.x > 0 ? Json{rounded(look.scale.x), rounded(look.scale.y)} : Json(nullptr);
  json["um_per_pixel_source"] = look.scale.source.empty() ? Json(nullptr) : Json(look.scale.source);
  json["vendor"] = look.slide->vendor();
  json["tissue_mm2"] = look.scale.usable() ? Json(rounded(look.quality.tissue_mm2)) : Json(nullptr);
  json["tiles"] = look.scale.usable() ? Json(look.quality.tiles) : Json(nullptr);
  json["quality"] = look.scale.usable() ? quality_json(look.quality) : Json(nullptr);
  json["level_list"] = levels_json(*look.slide);
}

}  // namespace hepar::program
