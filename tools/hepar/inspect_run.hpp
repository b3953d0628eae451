// SPDX-License-Identifier: Apache-2.0
// What `hepar inspect` says of a run, without LibTorch.
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace hepar::program {

// The main entries of run.json or validation.json; store_error when it is no run of this schema.
[[nodiscard]] nlohmann::ordered_json run_summary(const std::filesystem::path& folder);
// Re-hashes model.safetensors of the run, or of every fold of a validation; problems, empty: good.
[[nodiscard]] std::vector<std::string> verify_run(const std::filesystem::path& folder);
// The hash that run.json carries: over the tensors in byte order of their names, as name LF dtype LF sizes LF bytes.
[[nodiscard]] std::string parameters_hash(const std::filesystem::path& safetensors);

}  // namespace hepar::program
