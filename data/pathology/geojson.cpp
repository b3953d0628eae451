// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/geojson.hpp"

#include "data/base/error.hpp"
#include "data/pathology/contours.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace hepar::pathology {

namespace {

using Json = nlohmann::ordered_json;
using Points = std::vector<std::array<double, 2>>;

Json ring_json(const Ring& ring, const Overview& overview) {
  Json json = Json::array();
  const auto add = [&](const std::array<std::int32_t, 2>& point) {
    json.push_back({std::round((overview.left + point[0] * overview.step_x) * 100) / 100, std::round((overview.top + point[1] * overview.step_y) * 100) / 100});
  };
  for (const auto& point : ring) add(point);
  add(ring.front());  // GeoJSON closes its rings
  return json;
}

std::vector<Points> rings_of(const Json& polygon) {
  std::vector<Points> rings;
  for (const Json& ring : polygon) {
    Points points;
    for (const Json& point : ring) points.push_back({point.at(0).get<double>(), point.at(1).get<double>()});
    rings.push_back(std::move(points));
  }
  return rings;
}

// Even-odd over all rings of one polygon, so that holes stay out.
void fill(Plane& mask, const Overview& overview, const std::vector<Points>& rings, std::uint8_t value) {
  std::vector<double> crossings;
  for (int row = 0; row < mask.height; ++row) {
    const double y = overview.top + (row + 0.5) * overview.step_y;
    crossings.clear();
    for (const Points& ring : rings)
      for (std::size_t i = 0, j = ring.size() - 1; i < ring.size(); j = i++)
        if ((ring[i][1] > y) != (ring[j][1] > y)) crossings.push_back(ring[j][0] + (y - ring[j][1]) / (ring[i][1] - ring[j][1]) * (ring[i][0] - ring[j][0]));
    std::sort(crossings.begin(), crossings.end());
    for (std::size_t k = 0; k + 1 < crossings.size(); k += 2) {
      const double first = std::ceil((crossings[k] - overview.left) / overview.step_x - 0.5), last = std::ceil((crossings[k + 1] - overview.left) / overview.step_x - 0.5);
      for (int x = static_cast<int>(std::clamp(first, 0.0, static_cast<double>(mask.width))); x < static_cast<int>(std::clamp(last, 0.0, static_cast<double>(mask.width))); ++x) mask(x, row) = value;
    }
  }
}

bool cuts_out(const Json& feature) {
  if (!feature.contains("properties") || !feature.at("properties").is_object() || !feature.at("properties").contains("classification")) return false;
  const Json& classification = feature.at("properties").at("classification");
  if (!classification.is_object() || !classification.contains("name") || !classification.at("name").is_string()) return false;
  const auto name = classification.at("name").get<std::string>();
  return name.starts_with("Ignore") || name.starts_with("Exclude");
}

std::vector<std::vector<Points>> polygons_of(const Json& geometry) {
  std::vector<std::vector<Points>> polygons;
  const auto type = geometry.at("type").get<std::string>();
  if (type == "Polygon") polygons.push_back(rings_of(geometry.at("coordinates")));
  if (type == "MultiPolygon")
    for (const Json& polygon : geometry.at("coordinates")) polygons.push_back(rings_of(polygon));
  return polygons;
}

std::vector<const Json*> features_of(const Json& json) {
  std::vector<const Json*> features;
  if (json.is_array()) {  // QuPath also writes a bare list
    for (const Json& feature : json) features.push_back(&feature);
  } else if (json.at("type") == "FeatureCollection") {
    for (const Json& feature : json.at("features")) features.push_back(&feature);
  } else {
    features.push_back(&json);
  }
  return features;
}

}  // namespace

std::string geojson_of(const Plane& mask, const Overview& overview) {
  Json json{{"type", "FeatureCollection"}, {"features", Json::array()}};
  for (const Region& region : outlines(mask)) {
    Json rings = Json::array({ring_json(region.border, overview)});
    for (const Ring& hole : region.holes) rings.push_back(ring_json(hole, overview));
    json["features"].push_back({{"type", "Feature"},
                                {"geometry", {{"type", "Polygon"}, {"coordinates", rings}}},
                                {"properties", {{"objectType", "annotation"}, {"classification", {{"name", "Tissue"}, {"color", {0, 128, 0}}}}}}});
  }
  return json.dump(1) + "\n";
}

Plane mask_of_geojson(const std::string& text, const Overview& overview) {
  Plane mask(overview.width, overview.height);
  std::size_t polygons = 0;
  try {
    const Json json = Json::parse(text);
    // What is cut out is cut last, whatever its place in the file.
    for (const bool cutting : {false, true})
      for (const Json* feature : features_of(json)) {
        const Json& geometry = feature->contains("geometry") ? feature->at("geometry") : *feature;
        if (cuts_out(*feature) != cutting || !geometry.is_object()) continue;
        for (const std::vector<Points>& rings : polygons_of(geometry)) {
          fill(mask, overview, rings, cutting ? 0 : 1);
          polygons += cutting ? 0 : 1;
        }
      }
  } catch (const nlohmann::json::exception&) {
    throw input_error("the mask is no GeoJSON of polygons", {}, "export it from QuPath as GeoJSON, in pixels of level 0");
  }
  if (polygons == 0) throw input_error("the mask holds no polygon", {}, "export annotations as GeoJSON polygons");
  return mask;
}

}  // namespace hepar::pathology
