// SPDX-License-Identifier: Apache-2.0
// The one place that knows the file names of a run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace hepar::engine {

struct RunFolder {
  std::filesystem::path root;

  [[nodiscard]] std::filesystem::path run() const { return root / "run.json"; }
  [[nodiscard]] std::filesystem::path status() const { return root / "status.json"; }
  [[nodiscard]] std::filesystem::path config() const { return root / "config.yaml"; }
  [[nodiscard]] std::filesystem::path events() const { return root / "events.jsonl"; }
  [[nodiscard]] std::filesystem::path tensorboard() const { return root / "tensorboard"; }
  [[nodiscard]] std::filesystem::path checkpoints() const { return root / "checkpoints"; }
  [[nodiscard]] std::filesystem::path checkpoint(std::int64_t step) const { return checkpoints() / ("step-" + std::to_string(step)); }
  [[nodiscard]] std::filesystem::path model() const { return root / "model.safetensors"; }
  [[nodiscard]] std::filesystem::path model_json() const { return root / "model.json"; }
  [[nodiscard]] std::filesystem::path predictions() const { return root / "predictions.csv"; }
};

}  // namespace hepar::engine
