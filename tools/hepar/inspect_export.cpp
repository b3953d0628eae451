// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/inspect_export.hpp"

#include "data/base/error.hpp"
#include "data/base/files.hpp"
#include "data/pathology/feature_export.hpp"
#include "data/pathology/geojson.hpp"
#include "data/pathology/slide_features.hpp"
#include "sharding/store/store.hpp"

#include <algorithm>

namespace hepar::program {

namespace {

// Keys hold a slash where ids repeat between centres.
std::string file_name_of(std::string key) {
  std::replace(key.begin(), key.end(), '/', '_');
  return key;
}

pathology::TileFeatures slide_of(const Feature& bag, const Layout& layout, std::int32_t slide) {
  pathology::TileFeatures tiles;
  tiles.width = layout.item.front();
  const auto bytes = static_cast<std::size_t>(2 * tiles.width);
  for (std::size_t t = 0; t < bag.coords.size(); ++t) {
    if (bag.coords[t][0] != slide) continue;
    const auto from = bag.values.begin() + static_cast<std::ptrdiff_t>(t * bytes);
    tiles.values.insert(tiles.values.end(), from, from + static_cast<std::ptrdiff_t>(bytes));
    tiles.coords.push_back({bag.coords[t][1], bag.coords[t][2]});
    ++tiles.count;
  }
  return tiles;
}

}  // namespace

std::size_t export_store(const fs::path& path, const ExportRequest& request) {
  const store::Store store = store::Store::open(path);
  make_folder(request.folder);
  std::size_t files = 0;
  bool found = request.patient.empty();
  for (std::int64_t p = 0; p < store.patients(); ++p) {
    const store::PatientRow& row = store.row(p);
    if (!request.patient.empty() && row.key != request.patient && row.id != request.patient) continue;
    found = true;
    for (std::size_t m = 0; m < store.modalities().size(); ++m) {
      const Layout& layout = store.modalities()[m].layout;
      if (layout.kind != Kind::bag || store.reason(static_cast<int>(m), p) != Reason::present) continue;
      Feature bag;
      bag.items = store.items(static_cast<int>(m), p);
      bag.values.resize(static_cast<std::size_t>(bag.items * layout.values_per_item()) * bytes_of(layout.type));
      store.read(static_cast<int>(m), p, 0, bag.items, bag.values);
      bag.coords = store.coords(static_cast<int>(m), p);
      std::int32_t last = 0;
      for (const auto& coord : bag.coords) last = std::max(last, coord[0]);
      for (std::int32_t slide = 0; slide <= last; ++slide) {
        const pathology::TileFeatures tiles = slide_of(bag, layout, slide);
        if (tiles.count == 0) continue;  // a slide that was left out: failures.csv says why
        const std::string name = file_name_of(row.key) + "_" + std::to_string(slide + 1);
        pathology::export_features(request.folder / (name + ".h5"), tiles, request.layout, {name, 0, 0});
        ++files;
      }
    }
  }
  if (!found) throw input_error("the store has no patient '" + request.patient + "'", {path.string()}, "see patient/key in its tables.h5");
  return files;
}

std::size_t export_feature_file(const fs::path& file, const ExportRequest& request) {
  const pathology::TileFeatures tiles = pathology::read_tile_features(file);
  if (tiles.reason != Reason::present) throw input_error(tiles.detail, {file.string()});
  make_folder(request.folder);
  pathology::export_features(request.folder / file.filename(), tiles, request.layout, {file.stem().string(), 0, 0});
  return 1;
}

std::size_t export_mask(const fs::path& slide, const ExportRequest& request) {
  SlideRow row;
  row.path = slide;
  row.um_per_pixel = request.um_per_pixel;
  const pathology::SlideLook look = pathology::look_at_slide(row, ModalitySpec{}, false);
  if (!look.slide || !look.scale.usable()) throw input_error(look.detail, {slide.string()});
  make_folder(request.folder);
  publish(request.folder / (slide.stem().string() + ".geojson"), pathology::geojson_of(look.map.tissue, look.overview));
  return 1;
}

}  // namespace hepar::program
