// SPDX-License-Identifier: Apache-2.0
// What `hepar inspect` says of a run, without LibTorch.
#pragma once

#include "tools/hepar/inspect.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

namespace hepar::program {

// The main entries of run.json or validation.json; store_error when it is no run of this schema.
[[nodiscard]] nlohmann::ordered_json run_summary(const std::filesystem::path& folder);
// For people: what a validation found, as `validate` printed it; empty for a run.
[[nodiscard]] std::string headline_of(const std::filesystem::path& folder);
// Re-hashes every part of a run that has a hash, or of a validation and all its folds, or of a sweep.
[[nodiscard]] Verified verify_run(const std::filesystem::path& folder);
// The hash that run.json carries: over the tensors in byte order of their names, as name LF dtype LF sizes LF bytes.
[[nodiscard]] std::string parameters_hash(const std::filesystem::path& safetensors);

}  // namespace hepar::program
