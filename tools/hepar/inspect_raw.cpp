// SPDX-License-Identifier: Apache-2.0
// What `hepar inspect` says of raw files: images, tile features, reports.
#include "data/base/files.hpp"
#include "data/base/text.hpp"
#include "data/pathology/slide.hpp"
#include "data/pathology/tile_features.hpp"
#include "data/reports/attributes.hpp"
#include "data/reports/sequence.hpp"
#include "data/reports/tokens.hpp"
#include "tools/hepar/inspect.hpp"
#include "tools/hepar/inspect_image.hpp"
#include "tools/hepar/inspect_slide.hpp"

#include <optional>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

Finding look_at_features(const fs::path& path, const InspectOptions&) {
  const pathology::TileFeatures tiles = pathology::read_tile_features(path);
  if (tiles.reason != Reason::present && tiles.count > 0) {
    Finding found = finding(path, "bag");
    found.json["usable"] = false;
    found.json["reason"] = tiles.detail;
    found.json["tiles"] = tiles.count;
    found.json["dimension"] = 0;
    return found;
  }
  if (tiles.reason != Reason::present) return refused(path, "bag", tiles.detail.empty() ? std::string(name_of(tiles.reason)) : tiles.detail);
  Finding found = finding(path, "bag");
  found.json["tiles"] = tiles.count;
  found.json["dimension"] = tiles.width;
  return found;
}

Finding look_at_slide(const fs::path& path, const InspectOptions& options) {
  Finding found = finding(path, "bag");
  describe_slide(path, options.um_per_pixel > 0 ? std::optional(options.um_per_pixel) : std::nullopt, found.json);
  return found;
}

Finding look_at_image(const fs::path& path, const InspectOptions&) {
  Finding found = finding(path, "volume");
  found.json.update(image_summary(path));
  return found;
}

Finding look_at_report(const fs::path& path, const InspectOptions&) {
  PatientRecord patient;
  ReportRow row;
  row.path = path;
  patient.reports.push_back(row);
  ModalitySpec modality;
  modality.name = "report";
  modality.kind = Kind::sequence;
  Facts facts;
  const Feature feature = reports::read_sequence(patient, modality, facts);
  if (!feature.present()) return refused(path, "sequence", feature.detail.empty() ? std::string(name_of(feature.reason)) : feature.detail);
  const std::optional<Decoded> decoded = decode_text(read_file(path));
  Finding found = finding(path, "sequence");
  found.json["tokens"] = feature.items;
  found.json["language"] = reports::language_of(decoded->text);
  found.json["attributes"] = Json::object();
  for (const reports::Attribute& attribute : reports::attributes_of(decoded->text))
    found.json["attributes"][attribute.name] = {{"value", attribute.value}, {"text", attribute.text}, {"start", attribute.start},
                                                {"end", attribute.end},     {"rule", attribute.rule}, {"confidence", attribute.confidence}};
  return found;
}

}  // namespace

std::vector<Look> raw_looks() {
  return {{"bag",
           [](const fs::path& p) {
             return ends_with_one_of(p, {".h5", ".hdf5"});
           },
           &look_at_features, &export_feature_file},
          {"bag", [](const fs::path& p) { return pathology::takes_slide(p); }, &look_at_slide, &export_mask},
          {"sequence",
           [](const fs::path& p) {
             return ends_with_one_of(p, {".txt", ".md", ".report"});
           },
           &look_at_report},
          {"volume", [](const fs::path&) { return true; }, &look_at_image}};
}

}  // namespace hepar::program
