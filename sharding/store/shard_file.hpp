// SPDX-License-Identifier: Apache-2.0
// One features/*.h5: the features of some patients, each modality in one contiguous, aligned data set.
#pragma once

#include "sharding/store/store.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace hepar::store {

// One patient on the way into a shard: a feature a stored modality that is no vector, in order.
struct PatientFeatures {
  std::string key;
  std::vector<Feature> features;
  Facts facts;
};

// What must be known of a patient before its shard can be laid out.
struct PatientSize {
  std::string key;
  std::vector<std::int64_t> items;  // one a modality that is no vector
};

// Writes a shard at `path` (not published). `load` gives patient i of `sizes`, called once each in order.
void write_shard(const std::filesystem::path& path, const std::vector<StoredModality>& modalities, const std::vector<PatientSize>& sizes,
                 const std::function<PatientFeatures(std::size_t)>& load);

// Where the values of a shard lie, for pread.
struct ModalityIndex {
  std::uint64_t values_at = 0;               // byte offset in the file
  std::vector<std::int64_t> offsets;         // items, patients + 1
  std::vector<std::uint8_t> reason;
  std::vector<std::uint64_t> xxh3;
};
struct ShardIndex {
  std::vector<std::string> keys;
  std::vector<ModalityIndex> modalities;     // one a modality that is no vector
};
[[nodiscard]] ShardIndex read_shard_index(const std::filesystem::path& path, const std::vector<StoredModality>& modalities);

[[nodiscard]] std::vector<Facts> read_shard_facts(const std::filesystem::path& path);
[[nodiscard]] std::vector<std::int32_t> read_coords(const std::filesystem::path& path, const std::string& modality, std::int64_t first, std::int64_t count);
[[nodiscard]] std::vector<std::uint8_t> read_phases(const std::filesystem::path& path, const std::string& modality, std::int64_t patient);
[[nodiscard]] std::vector<double> read_affine(const std::filesystem::path& path, const std::string& modality, std::int64_t patient);

// The hash that is stored with a patient's values.
[[nodiscard]] std::uint64_t hash_of(std::span<const std::byte> values);

}  // namespace hepar::store
