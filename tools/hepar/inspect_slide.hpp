// SPDX-License-Identifier: Apache-2.0
// The part of `hepar inspect` for whole slides.
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <optional>

namespace hepar::program {

// What the contract says of a slide: readable, usable, reason, notes; scale, levels, tissue, tiles, quality. Tiles are counted
// as `shard` would cut them by default (0.5 um/px, 256 px). `um_per_pixel`: what a slides table would say.
void describe_slide(const std::filesystem::path& path, std::optional<double> um_per_pixel, nlohmann::ordered_json& json);

}  // namespace hepar::program
