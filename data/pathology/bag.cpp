// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/bag.hpp"

#include "data/cohort/file_state.hpp"
#include "data/pathology/slide_features.hpp"
#include "data/pathology/slide_facts.hpp"
#include "data/pathology/tile_features.hpp"

#include <algorithm>
#include <array>
#include <functional>

namespace hepar::pathology {

namespace {

// A reader of slide rows. The first that takes a row reads it; the last takes every file.
struct Reader {
  const char* name;
  bool (*takes)(const std::filesystem::path& path);
  std::optional<std::int64_t> (*width)(const SlideRow& row, const TileEncoder& encoder);  // at a glance: the file may still not be readable
  std::optional<Layout> (*layout)(const SlideRow& row, const TileEncoder& encoder);
  SlideFeatures (*read)(const SlideRow& row, const ModalitySpec& modality, TileEncoder& encoder);
};

Layout bag_of(std::int64_t width, std::string meaning) { return {Kind::bag, DType::float16, {width}, "tile feature", std::move(meaning)}; }

std::optional<Layout> imported_layout(const SlideRow& row, const TileEncoder&) {
  const TileFeatures tiles = read_tile_features(row.path);
  return tiles.reason == Reason::present ? std::optional(bag_of(tiles.width, "imported tile features")) : std::nullopt;
}

SlideFeatures read_imported(const SlideRow& row, const ModalitySpec&, TileEncoder&) { return {read_tile_features(row.path), std::nullopt, std::nullopt}; }

std::optional<Layout> slide_layout(const SlideRow& row, const TileEncoder& encoder) {
  if (!Slide::open(row.path).slide) return std::nullopt;
  return bag_of(encoder.width(), encoder.identity());
}

constexpr std::array<Reader, 2> kReaders{
    {{kImported, &takes_tile_features, [](const SlideRow& row, const TileEncoder&) { return width_of_tile_features(row.path); }, &imported_layout, &read_imported},
     {kWholeSlide, [](const std::filesystem::path&) { return true; }, [](const SlideRow&, const TileEncoder& encoder) { return std::optional(encoder.width()); }, &slide_layout,
      &read_slide_features}}};

const Reader& reader_of(const SlideRow& row) {
  for (const Reader& reader : kReaders)
    if (reader.takes(row.path)) return reader;
  return kReaders.back();
}

SlideFeatures read_row(const SlideRow& row, const ModalitySpec& modality, TileEncoder& encoder) {
  const FileState file = file_state(row.path);
  if (file.reason == Reason::present) return reader_of(row).read(row, modality, encoder);
  SlideFeatures none;
  none.tiles.reason = file.reason;
  none.tiles.detail = file.detail;
  return none;
}

struct Width {
  std::int64_t values = 0;
  std::vector<const SlideRow*> rows;
};

// Of the files that are there, the most common width first; of equally common ones that of the earlier file.
std::vector<Width> widths_of(const std::vector<PatientRecord>& patients, const TileEncoder& encoder) {
  std::vector<Width> widths;
  for (const PatientRecord& patient : patients)
    for (const SlideRow& row : patient.slides) {
      if (file_state(row.path).reason != Reason::present) continue;
      const std::optional<std::int64_t> width = reader_of(row).width(row, encoder);
      if (!width) continue;
      auto same = std::ranges::find(widths, *width, &Width::values);
      if (same == widths.end()) same = widths.insert(widths.end(), {*width, {}});
      same->rows.push_back(&row);
    }
  std::ranges::stable_sort(widths, std::ranges::greater(), [](const Width& width) { return width.rows.size(); });
  return widths;
}

}  // namespace

std::optional<Layout> layout_of(const std::vector<PatientRecord>& patients, const TileEncoder& encoder) {
  for (const Width& width : widths_of(patients, encoder))
    for (const SlideRow* row : width.rows)
      if (const std::optional<Layout> layout = reader_of(*row).layout(*row, encoder)) return layout;
  return std::nullopt;
}

Feature read_bag(const PatientRecord& patient, const ModalitySpec& modality, const Layout& layout, TileEncoder& encoder, Facts& facts, Pictures& pictures) {
  Feature feature;
  std::vector<std::optional<SlideQuality>> qualities;
  for (std::size_t slide = 0; slide < patient.slides.size(); ++slide) {
    SlideFeatures read = read_row(patient.slides[slide], modality, encoder);
    TileFeatures& tiles = read.tiles;
    qualities.push_back(read.quality);
    if (read.picture) {
      read.picture->name = std::to_string(slide + 1);
      pictures.push_back(std::move(*read.picture));
    }
    if (tiles.reason == Reason::present && tiles.width != layout.item.front()) {
      tiles.reason = Reason::odd_shape;
      tiles.detail = "width " + std::to_string(tiles.width) + ", the cohort's slides have " + std::to_string(layout.item.front());
    }
    const std::string name = modality.name + "." + std::to_string(slide + 1) + ".";
    facts[name + "state"] = {Fact::State::known, std::string(name_of(tiles.reason)), reader_of(patient.slides[slide]).name, 1};
    if (!read.quality && tiles.reason == Reason::present) add_imported_facts(name, tiles, facts);
    if (!tiles.detail.empty()) feature.detail += (feature.detail.empty() ? "" : "; ") + std::string("slide ") + std::to_string(slide + 1) + ": " + tiles.detail;
    if (tiles.reason != Reason::present) {
      if (feature.reason == Reason::not_recorded) feature.reason = tiles.reason;
      continue;
    }
    feature.values.insert(feature.values.end(), tiles.values.begin(), tiles.values.end());
    for (const auto& [x, y] : tiles.coords) feature.coords.push_back({static_cast<std::int32_t>(slide), x, y});
    feature.items += tiles.count;
  }
  add_slide_facts(modality.name, qualities, facts);
  if (feature.items > 0) feature.reason = Reason::present;
  return feature;
}

}  // namespace hepar::pathology
