// SPDX-License-Identifier: Apache-2.0
// The leak audit (law 5): a pure function of what every fold says it saw.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace hepar::validation {

struct FoldRecord {
  std::string name;
  std::vector<std::string> held_out;                          // centres
  std::vector<std::string> train, inner, test;                // patient keys
  std::map<std::string, std::vector<std::string>> fitted_on;  // "network", "transform", "propensity", "clinical_cox", … -> keys
  std::vector<std::string> predicted;                         // keys with predictions
  std::string features_sha256, tables_sha256;
  std::vector<std::string> inputs_known_late;  // inputs that are not known at predict_at
  std::string not_trained{};                                  // why nothing could be learned from `train`; then nobody is predicted
  std::vector<std::string> settings_chosen_on{};              // centres whose patients chose the settings
};

struct Audit {
  std::vector<std::string> checks, problems;
  [[nodiscard]] bool passed() const { return problems.empty(); }
};

// Two patients whose values of one modality are the same bytes: one person under two ids, or one file given twice.
struct Twins {
  std::string modality, one, other;
};

// `everyone`: keys that must be held out exactly once (empty: not asked, as with a split). `centre_of`: key -> centre.
[[nodiscard]] Audit audit(const std::vector<FoldRecord>& folds, const std::vector<std::string>& everyone, const std::map<std::string, std::string>& centre_of,
                          const std::vector<Twins>& twins = {});
// The first pair of which one is tested and the other trains or calibrates; null when there is none.
[[nodiscard]] const Twins* parted(const std::vector<Twins>& twins, const FoldRecord& fold);

}  // namespace hepar::validation
