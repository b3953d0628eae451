// SPDX-License-Identifier: Apache-2.0
#include "data/base/error.hpp"
#include "data/base/files.hpp"
#include "data/base/text.hpp"
#include "trainer/encode/torch_encoder.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace hepar::encode {

namespace {

using Json = nlohmann::ordered_json;

const std::vector<std::string> kKeys{"tile", "um_per_pixel", "mean", "std", "dim", "precision", "batch", "golden"};

void check(const EncoderCard& card, const Place& place) {
  if (card.tile < 8 || card.tile > 8192) throw usage_error("'tile' must lie from 8 to 8192 pixels", place);
  if (!(card.um_per_pixel > 0)) throw usage_error("'um_per_pixel' must be positive", place);
  if (card.dim < 1 || card.dim > 65536) throw usage_error("'dim' must lie from 1 to 65536", place);
  if (card.batch < 1 || card.batch > 1024) throw usage_error("'batch' must lie from 1 to 1024", place);
  if (card.precision != "fp32" && card.precision != "bf16") throw usage_error("'precision' is '" + card.precision + "'", place, "known: fp32, bf16");
  if (std::any_of(card.std.begin(), card.std.end(), [](float s) { return !(s > 0); })) throw usage_error("'std' must be positive", place);
  if (static_cast<std::int64_t>(card.golden.size()) > card.dim) throw usage_error("'golden' has more values than 'dim'", place);
}

}  // namespace

EncoderCard read_card(const std::filesystem::path& path) {
  const Place place{path.string()};
  std::error_code missing;
  if (!fs::exists(path, missing)) throw usage_error("the encoder's card is not there", place, "a TorchScript file NAME.pt needs NAME.json beside it (tools/export-encoder writes both)");
  EncoderCard card;
  try {
    const Json json = Json::parse(read_file(path));
    for (const auto& [key, value] : json.items())
      if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) throw usage_error("unknown key '" + key + "'", place, name_advice(key, kKeys));
    card.tile = json.at("tile");
    card.um_per_pixel = json.at("um_per_pixel");
    card.mean = json.at("mean");
    card.std = json.at("std");
    card.dim = json.at("dim");
    card.precision = json.value("precision", card.precision);
    card.batch = json.value("batch", card.batch);
    if (json.contains("golden")) {
      card.golden = json.at("golden").at("features").get<std::vector<float>>();
      card.tolerance = json.at("golden").value("tolerance", card.tolerance);
    }
  } catch (const nlohmann::json::exception&) {
    throw usage_error("is no card of an encoder", place, "it needs tile, um_per_pixel, mean and std (three numbers each) and dim");
  }
  check(card, place);
  return card;
}

std::vector<std::uint8_t> golden_tile(int edge) {
  std::vector<std::uint8_t> rgb;
  for (int y = 0; y < edge; ++y)
    for (int x = 0; x < edge; ++x)
      for (int c = 0; c < 3; ++c) rgb.push_back(static_cast<std::uint8_t>((7 * x + 13 * y + 31 * c + x * y % 251) % 256));
  return rgb;
}

}  // namespace hepar::encode
