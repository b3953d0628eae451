// SPDX-License-Identifier: Apache-2.0
// model.json: everything beside the weights that a prediction needs.
#pragma once

#include "trainer/dataset/dataset.hpp"
#include "trainer/engine/engine.hpp"
#include "trainer/objective/objective.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace hepar::engine {

struct ModelFile {
  dataset::Transform transform;
  std::vector<objective::HeadSpec> heads;
  std::vector<EndpointSpec> endpoints;   // those that are predicted, in the store's order
  std::vector<std::string> arms;
  std::vector<std::string> modalities, columns;
  std::string config_yaml, features_sha256, tables_sha256, parameters_sha256;
  std::int64_t patients = 0;
  std::uint64_t seed = 0;
  std::vector<std::string> trained_on;   // keys of the patients that entered a step
  nlohmann::ordered_json extra = nlohmann::ordered_json::object();  // propensity, calibration
};

[[nodiscard]] std::string to_text(const ModelFile& model);
[[nodiscard]] ModelFile read_model_file(const std::filesystem::path& path);

// Shapes of the heads for make_network.
[[nodiscard]] std::vector<model::HeadShape> shapes_of(const std::vector<objective::HeadSpec>& heads);

}  // namespace hepar::engine
