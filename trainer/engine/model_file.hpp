// SPDX-License-Identifier: Apache-2.0
// model.json: everything beside the weights that a prediction needs.
#pragma once

#include "trainer/dataset/dataset.hpp"
#include "trainer/engine/engine.hpp"
#include "trainer/objective/objective.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hepar::engine {

// Hashes of slides and volumes by modality, ascending: one file under two ids has one.
using Contents = std::map<std::string, std::vector<std::string>>;
[[nodiscard]] Contents contents_of(const store::Store& store, const std::vector<std::int64_t>& patients);

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
  std::vector<std::string> seen_before{};  // keys, beyond this store, of those whom the runs that this began from had seen
  Contents contents{};                     // of everybody who was trained on, here or there
};

[[nodiscard]] std::string to_text(const ModelFile& model);
[[nodiscard]] ModelFile read_model_file(const std::filesystem::path& path);

// Shapes of the heads for make_network.
[[nodiscard]] std::vector<model::HeadShape> shapes_of(const std::vector<objective::HeadSpec>& heads);

}  // namespace hepar::engine
