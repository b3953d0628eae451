// SPDX-License-Identifier: Apache-2.0
#include "sharding/store/store.hpp"

#include "data/base/files.hpp"
#include "sharding/store/layout.hpp"
#include "sharding/store/manifest.hpp"
#include "sharding/store/shard_file.hpp"
#include "sharding/store/tables_file.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

namespace hepar::store {

struct Store::Impl {
  std::filesystem::path folder;
  Manifest manifest;
  Tables tables;
  std::vector<ShardReader> shards;
  std::vector<std::int64_t> first;       // of a shard, in the order of patients; one more than shards
  std::vector<int> slots;                // of a modality among those with values; -1: vector
  std::vector<std::vector<int>> columns; // of a vector: indices into the tables' columns
  // What changes while reading: which hashes were checked, facts as they are asked for, bytes.
  mutable std::unique_ptr<std::atomic<bool>[]> checked;  // slot x patients
  mutable std::mutex facts_lock;
  mutable std::vector<std::vector<Facts>> facts;
  mutable std::atomic<std::uint64_t> bytes{0};

  struct Position {
    std::size_t shard, patient;
  };
  [[nodiscard]] Position position(std::int64_t patient) const {
    if (patient < 0 || patient >= first.back()) throw Error(ExitCode::bug, "patient " + std::to_string(patient) + " of " + std::to_string(first.back()), folder.string());
    const auto shard = static_cast<std::size_t>(std::upper_bound(first.begin(), first.end(), patient) - first.begin()) - 1;
    return {shard, static_cast<std::size_t>(patient - first[shard])};
  }
  [[nodiscard]] std::size_t slot(int modality) const {
    const int slot = slots.at(static_cast<std::size_t>(modality));
    if (slot < 0) throw Error(ExitCode::bug, "a vector has no feature values", folder.string());
    return static_cast<std::size_t>(slot);
  }
};

namespace {

void check_size(const std::filesystem::path& path, const std::string& part, std::uint64_t expected) {
  std::error_code failed;
  const std::uintmax_t bytes = fs::file_size(path, failed);
  if (failed) throw store_error(part + " is missing", {path.string()}, "restore the file, or run 'hepar shard' again");
  if (bytes != expected)
    throw store_error(part + " has " + std::to_string(bytes) + " bytes instead of " + std::to_string(expected), {path.string()}, "restore the file, or run 'hepar shard' again");
}

// Patients of the shards, one after the other, must be those of the tables.
void check_patients(const Tables& tables, const std::vector<ShardReader>& shards, const std::filesystem::path& folder) {
  std::size_t p = 0;
  for (const ShardReader& shard : shards)
    for (const std::string& key : shard.index().keys) {
      if (p >= tables.rows.size() || tables.rows[p].key != key) throw store_error("features and tables hold different patients", {folder.string()}, "run 'hepar shard' again");
      ++p;
    }
  if (p != tables.rows.size()) throw store_error("features lack patients of the tables", {folder.string()}, "run 'hepar shard' again");
}

std::vector<int> column_indices(const StoredModality& modality, const Tables& tables, const std::filesystem::path& folder) {
  std::vector<int> indices;
  for (const std::string& name : modality.columns) {
    const auto found = std::find_if(tables.columns.begin(), tables.columns.end(), [&](const ColumnSpec& column) { return column.name == name; });
    if (found == tables.columns.end()) throw store_error("modality '" + modality.name + "' names column '" + name + "', which the tables lack", {folder.string()}, "run 'hepar shard' again");
    indices.push_back(static_cast<int>(found - tables.columns.begin()));
  }
  return indices;
}

}  // namespace

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store::~Store() = default;

Store Store::open(const std::filesystem::path& folder) {
  constexpr int kAttempts = 3;
  for (int attempt = 1;; ++attempt) {
    Manifest manifest = read_manifest(folder);
    try {
      return Store(open_as(folder, manifest));
    } catch (const Error&) {
      // `hepar shard` may have replaced the store meanwhile: what the old store.json named is gone then.
      if (attempt == kAttempts || manifest_text(read_manifest(folder)) == manifest_text(manifest)) throw;
    }
  }
}

std::unique_ptr<Store::Impl> Store::open_as(const std::filesystem::path& folder, const Manifest& manifest) {
  auto impl = std::make_unique<Impl>();
  const Names names{folder};
  impl->folder = folder;
  impl->manifest = manifest;
  impl->tables = read_tables(tables_path(folder, impl->manifest));
  impl->first.push_back(0);
  for (const ShardEntry& entry : impl->manifest.shards) {
    const std::filesystem::path path = names.shard(entry.file);
    check_size(path, "shard features/" + entry.file, entry.bytes);
    impl->shards.emplace_back(path, impl->manifest.modalities);
    if (impl->shards.back().index().hash() != entry.index_xxh3)
      throw store_error("the index of shard features/" + entry.file + " is not what was written", {path.string()}, "'hepar inspect --verify' shows more; restore the file");
    impl->first.push_back(impl->first.back() + static_cast<std::int64_t>(impl->shards.back().index().keys.size()));
  }
  check_patients(impl->tables, impl->shards, folder);
  int slots = 0;
  for (const StoredModality& modality : impl->manifest.modalities) {
    const bool vector = modality.layout.kind == Kind::vector;
    impl->slots.push_back(vector ? -1 : slots++);
    impl->columns.push_back(vector ? column_indices(modality, impl->tables, folder) : std::vector<int>{});
  }
  impl->checked = std::make_unique<std::atomic<bool>[]>(static_cast<std::size_t>(slots) * impl->tables.rows.size());
  impl->facts.resize(impl->shards.size());
  return impl;
}

const std::filesystem::path& Store::path() const { return impl_->folder; }
const std::string& Store::features_sha256() const { return impl_->manifest.features_sha256; }
const std::string& Store::tables_sha256() const { return impl_->manifest.tables_sha256; }
std::int64_t Store::patients() const { return static_cast<std::int64_t>(impl_->tables.rows.size()); }
const PatientRow& Store::row(std::int64_t patient) const { return impl_->tables.rows.at(static_cast<std::size_t>(patient)); }
const std::vector<ColumnSpec>& Store::columns() const { return impl_->tables.columns; }
const std::vector<EndpointSpec>& Store::endpoints() const { return impl_->tables.endpoints; }
const StrategySpec& Store::strategies() const { return impl_->tables.strategies; }
const std::vector<RuleSpec>& Store::rules() const { return impl_->tables.rules; }
bool Store::has_histories() const { return impl_->tables.has_histories; }
const std::vector<StoredModality>& Store::modalities() const { return impl_->manifest.modalities; }
std::uint64_t Store::bytes_read() const { return impl_->bytes.load(std::memory_order_relaxed); }

int Store::modality(std::string_view name) const {
  const auto& all = impl_->manifest.modalities;
  const auto found = std::find_if(all.begin(), all.end(), [&](const StoredModality& modality) { return modality.name == name; });
  return found == all.end() ? -1 : static_cast<int>(found - all.begin());
}

Reason Store::reason(int modality, std::int64_t patient) const {
  if (impl_->slots.at(static_cast<std::size_t>(modality)) < 0) {
    bool query = false;
    for (const int column : impl_->columns[static_cast<std::size_t>(modality)]) {
      const Cell& cell = row(patient).cells[static_cast<std::size_t>(column)];
      if (cell.usable()) return Reason::present;
      query = query || cell.state == Cell::State::query;
    }
    return query ? Reason::query : Reason::not_recorded;
  }
  const auto at = impl_->position(patient);
  return static_cast<Reason>(impl_->shards[at.shard].index().modalities[impl_->slot(modality)].reason[at.patient]);
}

std::int64_t Store::items(int modality, std::int64_t patient) const {
  if (impl_->slots.at(static_cast<std::size_t>(modality)) < 0) return reason(modality, patient) == Reason::present ? 1 : 0;
  const auto at = impl_->position(patient);
  return impl_->shards[at.shard].items(impl_->slot(modality), at.patient);
}

void Store::read(int modality, std::int64_t patient, std::int64_t first, std::int64_t count, std::span<std::byte> out) const {
  const auto at = impl_->position(patient);
  const std::size_t slot = impl_->slot(modality);
  const ShardReader& shard = impl_->shards[at.shard];
  shard.read(slot, at.patient, first, count, out);
  impl_->bytes.fetch_add(out.size(), std::memory_order_relaxed);
  std::atomic<bool>& checked = impl_->checked[slot * impl_->tables.rows.size() + static_cast<std::size_t>(patient)];
  if (checked.load(std::memory_order_relaxed)) return;
  const std::int64_t items = shard.items(slot, at.patient);
  if (first == 0 && count == items) {
    shard.check(slot, at.patient, out);
  } else if (count > 0) {
    // The first time that only a part is wanted, all of it is read once: the hash is over the whole.
    std::vector<std::byte> whole(out.size() / static_cast<std::size_t>(count) * static_cast<std::size_t>(items));
    shard.read(slot, at.patient, 0, items, whole);
    shard.check(slot, at.patient, whole);
    impl_->bytes.fetch_add(whole.size(), std::memory_order_relaxed);
  }
  checked.store(true, std::memory_order_relaxed);
}

std::vector<std::array<std::int32_t, 3>> Store::coords(int modality, std::int64_t patient) const {
  const auto at = impl_->position(patient);
  return impl_->shards[at.shard].coords(impl_->slot(modality), at.patient);
}

std::vector<std::uint8_t> Store::phase_present(int modality, std::int64_t patient) const {
  const auto at = impl_->position(patient);
  return impl_->shards[at.shard].phases(impl_->slot(modality), at.patient);
}

std::uint64_t Store::content_hash(int modality, std::int64_t patient) const {
  const auto at = impl_->position(patient);
  return impl_->shards[at.shard].index().modalities[impl_->slot(modality)].xxh3[at.patient];
}

Feature Store::feature(int modality, std::int64_t patient) const {
  const auto at = impl_->position(patient);
  Feature feature = impl_->shards[at.shard].feature(impl_->slot(modality), at.patient);
  impl_->bytes.fetch_add(feature.values.size(), std::memory_order_relaxed);
  return feature;
}

Facts Store::facts(std::int64_t patient) const {
  const auto at = impl_->position(patient);
  const std::lock_guard guard(impl_->facts_lock);
  std::vector<Facts>& of_shard = impl_->facts[at.shard];
  if (of_shard.empty()) of_shard = read_shard_facts(Names{impl_->folder}.shard(impl_->manifest.shards[at.shard].file));
  return of_shard.at(at.patient);
}

}  // namespace hepar::store
