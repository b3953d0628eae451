// SPDX-License-Identifier: Apache-2.0
// A store of every kind of modality, small enough to be written by every test.
#pragma once

#include "sharding/store/writer.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace hepar::store::testing {

// A folder of its own for one test, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline constexpr std::int64_t kWidth = 6, kPhases = 2;

struct SmallPatient {
  PatientRow row;
  std::vector<Feature> features;  // slide (bag), ct (volume), report (sequence)
  Facts facts;
};

[[nodiscard]] std::vector<StoredModality> small_modalities();
[[nodiscard]] Tables small_tables();                      // without rows
[[nodiscard]] std::vector<SmallPatient> small_patients(int n);
void write_small_store(const std::filesystem::path& folder, int n, std::size_t patients_per_shard);

}  // namespace hepar::store::testing
