// SPDX-License-Identifier: Apache-2.0
// store.json: what a store is made of. It is published last, so that a store is there when it is complete.
#pragma once

#include "sharding/store/store.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace hepar::store {

struct ShardEntry {
  std::string file, sha256;
  std::uint64_t bytes = 0;
  std::int64_t patients = 0;
  std::uint64_t index_xxh3 = 0;                     // ShardIndex::hash
  std::map<std::string, std::uint64_t> data_sets;   // "/slide/values" -> byte offset
};

struct Manifest {
  std::string settings = "{}";                      // how features are made, as JSON text
  std::vector<StoredModality> modalities;
  std::vector<ShardEntry> shards;                   // patients in key order, one shard after the other
  std::map<std::string, std::int64_t> patients_by_centre;
  std::string features_sha256, tables_sha256;
  std::uint64_t tables_bytes = 0;
  std::int64_t previews = 0;                        // files of preview/
  std::string preview_sha256;
};

// Over the settings, the layouts and the sorted hashes of the shards.
[[nodiscard]] std::string features_hash(const Manifest& manifest);
// Over the names of the pictures, which carry hashes of their bytes.
[[nodiscard]] std::string preview_hash(std::vector<std::string> files);
[[nodiscard]] std::string manifest_text(const Manifest& manifest);
// store_error: no store, another schema version, not readable.
[[nodiscard]] Manifest read_manifest(const std::filesystem::path& folder);

// The file that holds the tables which the manifest names: tables.h5, or, where `hepar shard` was cut off or is at it just
// now, the one that is about to be. store_error: missing, cut or another.
[[nodiscard]] std::filesystem::path tables_path(const std::filesystem::path& folder, const Manifest& manifest);

// The entry of a shard that lies at `path` under the name `file`; reads and hashes it.
[[nodiscard]] ShardEntry describe_shard(const std::filesystem::path& path, const std::string& file, const std::vector<StoredModality>& modalities);

// A shard entry alone, for the journal.
[[nodiscard]] std::string shard_entry_text(const ShardEntry& entry);
[[nodiscard]] ShardEntry shard_entry_of(const std::string& text);

}  // namespace hepar::store
