// SPDX-License-Identifier: Apache-2.0
// safetensors files (float32): a length, a JSON header, the bytes. Python's `safetensors` opens them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace hepar::engine {

struct NamedValues {
  std::string name;
  std::vector<std::int64_t> shape;
  std::span<const float> values;
};

[[nodiscard]] std::string safetensors_text(const std::vector<NamedValues>& tensors);  // the whole file
void safetensors_text(const std::vector<NamedValues>& tensors, std::string& out);      // the same, in memory that is there

struct LoadedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};
// store_error on anything that is not a whole, well-formed file.
[[nodiscard]] std::vector<LoadedTensor> load_safetensors(const std::filesystem::path& path);

// CONTRACTS.md, "A run": SHA-256 over the tensors in byte order of their names.
[[nodiscard]] std::string parameters_sha256(std::vector<NamedValues> tensors);

}  // namespace hepar::engine
