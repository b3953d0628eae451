// SPDX-License-Identifier: Apache-2.0
// store.json: which files make up a store, what they hold, and their hashes.
#pragma once

#include "sharding/store/layout.hpp"
#include "sharding/store/store.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace hepar::store {

struct ShardEntry {
  std::string file, sha256;
  std::uint64_t bytes = 0;
  std::int64_t first = 0, patients = 0;  // in the order of keys
};

struct Manifest {
  nlohmann::ordered_json extraction;         // settings of the modalities that are extracted, by name
  std::vector<StoredModality> modalities;    // those with values in features/
  std::vector<ShardEntry> shards;
  std::map<std::string, std::int64_t> patients_per_centre;
  std::string features_sha256, tables_sha256;
  std::uint64_t tables_bytes = 0;
};

[[nodiscard]] std::string features_hash(const Manifest& manifest);  // over settings, layouts and shard hashes
void publish_manifest(const Names& names, const Manifest& manifest);
// Throws store_error: absent, not JSON, another schema version, a listed file missing or of another size.
[[nodiscard]] Manifest read_manifest(const Names& names);

}  // namespace hepar::store
