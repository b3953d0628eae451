// SPDX-License-Identifier: Apache-2.0
// One features/*.h5: the features of some patients, each modality in one contiguous, aligned data set.
#pragma once

#include "data/base/files.hpp"
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

// Writes a shard at `path` (not published). `load` gives patient i of `sizes`, called once each in order. store_error when
// what it gives is not of the modality's layout or of the size that was laid out.
void write_shard(const std::filesystem::path& path, const std::vector<StoredModality>& modalities, const std::vector<PatientSize>& sizes,
                 const std::function<PatientFeatures(std::size_t)>& load);

// Where the values of a shard lie, for pread, and the small arrays.
struct ModalityIndex {
  std::uint64_t values_at = 0;               // byte offset in the file
  std::uint64_t coords_at = 0;               // bags
  std::vector<std::int64_t> offsets;         // items, patients + 1
  std::vector<std::uint8_t> reason;
  std::vector<std::uint64_t> xxh3;
  std::vector<double> affine;                // volumes: patients x 12
  std::vector<std::uint8_t> phases;          // volumes: patients x phases
};
struct ShardIndex {
  std::vector<std::string> keys;
  std::vector<ModalityIndex> modalities;     // one a modality that is no vector
  [[nodiscard]] std::uint64_t hash() const;  // XXH3 of all of it
};

// A shard open for reading. Values are read by pread without HDF5, from any thread.
class ShardReader {
 public:
  // `modalities`: all of the store; vectors are passed over. store_error when the file does not hold what they say.
  ShardReader(const std::filesystem::path& path, const std::vector<StoredModality>& modalities);

  [[nodiscard]] const ShardIndex& index() const { return index_; }
  [[nodiscard]] std::int64_t items(std::size_t slot, std::size_t patient) const;
  // Items [first, first + count) of modality `slot` (vectors not counted).
  void read(std::size_t slot, std::size_t patient, std::int64_t first, std::int64_t count, std::span<std::byte> out) const;
  // store_error naming data set and patient when the values are not those that were written.
  void check(std::size_t slot, std::size_t patient, std::span<const std::byte> values) const;
  [[nodiscard]] std::vector<std::array<std::int32_t, 3>> coords(std::size_t slot, std::size_t patient) const;
  [[nodiscard]] std::vector<std::uint8_t> phases(std::size_t slot, std::size_t patient) const;
  // Everything of one feature, its hash checked.
  [[nodiscard]] Feature feature(std::size_t slot, std::size_t patient) const;
  // Everything of one patient, hashes checked; `facts` from read_shard_facts.
  [[nodiscard]] PatientFeatures load(std::size_t patient, const std::vector<Facts>& facts) const;

 private:
  std::filesystem::path path_;
  std::vector<StoredModality> modalities_;   // without vectors
  ShardIndex index_;
  ReadOnlyFile file_;
};

// A fact that says nothing is not there: reading gives only what extraction gave.
[[nodiscard]] std::vector<Facts> read_shard_facts(const std::filesystem::path& path);

// The hash that is stored with a patient's values.
[[nodiscard]] std::uint64_t hash_of(std::span<const std::byte> values);

[[nodiscard]] std::vector<StoredModality> without_vectors(const std::vector<StoredModality>& modalities);

}  // namespace hepar::store
