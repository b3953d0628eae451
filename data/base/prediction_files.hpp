// SPDX-License-Identifier: Apache-2.0
// The files that `predict` makes: PREDICTIONS.csv, and under its name what lies beside it.
#pragma once

#include <filesystem>

namespace hepar {

inline constexpr const char* kSealSchema = "hepar-seal/1";
inline constexpr const char* kPredictionColumns = "patient_id,centre,fold,endpoint,strategy,strategy_observed,risk";  // its first; then survival_12, …

struct PredictionFiles {
  std::filesystem::path table;

  [[nodiscard]] std::filesystem::path decisions() const { return beside(".decisions.csv"); }
  [[nodiscard]] std::filesystem::path seal() const { return beside(".seal.json"); }

 private:
  [[nodiscard]] std::filesystem::path beside(const char* ending) const { return std::filesystem::path(table).replace_extension(ending); }
};

}  // namespace hepar
