// SPDX-License-Identifier: Apache-2.0
// Writes a whole store from memory in one process: small stores, and the parts that big ones are published with.
#pragma once

#include "sharding/store/manifest.hpp"
#include "sharding/store/shard_file.hpp"
#include "sharding/store/tables_file.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace hepar::store {

// Usage: StoreWriter writer(folder, modalities, tables-without-rows); writer.add(row, features, facts) …; writer.finish().
class StoreWriter {
 public:
  StoreWriter(std::filesystem::path folder, std::vector<StoredModality> modalities, Tables tables);
  // One feature a modality that is no vector, in order; an absent one has its reason and no values. Rows of any order.
  void add(PatientRow row, std::vector<Feature> features, Facts facts = {});
  // Writes shards of at most `patients_per_shard` patients, the tables, and store.json last.
  void finish(std::size_t patients_per_shard = 1024);

 private:
  struct Patient {
    PatientRow row;
    PatientFeatures features;
  };
  std::filesystem::path folder_;
  std::vector<StoredModality> modalities_;
  Tables tables_;
  std::vector<Patient> patients_;
};

// Writes one shard under its final name (law 3) and describes it.
[[nodiscard]] ShardEntry publish_shard(const std::filesystem::path& folder, std::size_t index, const std::vector<StoredModality>& modalities,
                                       const std::vector<PatientSize>& sizes, const std::function<PatientFeatures(std::size_t)>& load);

// Whether store.json and tables.h5 are these, both under their own names.
[[nodiscard]] bool is_published(const std::filesystem::path& folder, const Manifest& manifest);
// Replaces tables.h5 and store.json as one for readers: `Store::open` sees the old pair or the new one, wherever this is cut
// off; done again it completes. `manifest` is complete, `image` are its tables.
void publish_tables(const std::filesystem::path& folder, const Manifest& manifest, const std::string& image);

// Fills in hashes and counts. `manifest` has settings, modalities and shards; `image` is tables_image(tables).
void complete_manifest(Manifest& manifest, const Tables& tables, const std::string& image);

}  // namespace hepar::store
