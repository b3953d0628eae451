// SPDX-License-Identifier: Apache-2.0
#include "sharding/store/store.hpp"

#include "data/base/files.hpp"
#include "sharding/store/manifest.hpp"
#include "sharding/store/shard_file.hpp"
#include "sharding/store/tables_file.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

namespace hepar::store {

namespace {

struct Shard {
  fs::path path;
  ReadOnlyFile file;
  ShardIndex index;
};

// Where a patient's features lie.
struct Position {
  std::size_t shard = 0, row = 0;
};

}  // namespace

struct Store::Impl {
  Names names;
  Manifest manifest;
  Tables tables;
  std::vector<StoredModality> modalities;   // vectors first, then those with values
  std::vector<int> slot;                    // modality -> index in a shard's modalities, -1 for vectors
  std::vector<std::vector<std::size_t>> vector_columns;
  std::vector<Shard> shards;
  std::vector<Position> positions;
  std::vector<std::atomic<std::uint8_t>> checked;  // (slot, patient): hash was right
  std::atomic<std::uint64_t> bytes_read{0};
  std::mutex facts_lock;
  std::vector<std::vector<Facts>> facts;    // by shard, read on demand

  [[nodiscard]] const ModalityIndex& index(int modality, std::int64_t patient) const {
    return shards[positions.at(static_cast<std::size_t>(patient)).shard].index.modalities.at(static_cast<std::size_t>(slot.at(static_cast<std::size_t>(modality))));
  }
  [[nodiscard]] std::size_t row_in_shard(std::int64_t patient) const { return positions[static_cast<std::size_t>(patient)].row; }
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store::~Store() = default;

Store Store::open(const fs::path& folder) {
  auto impl = std::make_unique<Impl>();
  impl->names = {folder};
  impl->manifest = read_manifest(impl->names);
  if (sha256_file(impl->names.tables()) != impl->manifest.tables_sha256)
    throw store_error("does not match the hash in store.json", {impl->names.tables().string()}, "restore it, or run hepar shard again");
  impl->tables = read_tables(impl->names.tables());
  for (const StoredModality& vector : impl->tables.spec.vectors) {
    impl->modalities.push_back(vector);
    impl->slot.push_back(-1);
    impl->vector_columns.emplace_back();
    for (const std::string& name : vector.columns)
      for (std::size_t c = 0; c < impl->tables.spec.columns.size(); ++c)
        if (impl->tables.spec.columns[c].name == name) impl->vector_columns.back().push_back(c);
  }
  for (std::size_t m = 0; m < impl->manifest.modalities.size(); ++m) {
    impl->modalities.push_back(impl->manifest.modalities[m]);
    impl->slot.push_back(static_cast<int>(m));
    impl->vector_columns.emplace_back();
  }
  for (const ShardEntry& entry : impl->manifest.shards) {
    const fs::path path = impl->names.shard(entry.file);
    impl->shards.push_back({path, ReadOnlyFile(path), read_shard_index(path, impl->manifest.modalities)});
    for (std::size_t row = 0; row < impl->shards.back().index.keys.size(); ++row) impl->positions.push_back({impl->shards.size() - 1, row});
  }
  impl->facts.resize(impl->shards.size());
  if (impl->positions.size() != impl->tables.rows.size()) throw store_error("its tables and features speak of different patients", {folder.string()}, "run hepar shard again");
  for (std::size_t p = 0; p < impl->positions.size(); ++p)
    if (impl->shards[impl->positions[p].shard].index.keys[impl->positions[p].row] != impl->tables.rows[p].key)
      throw store_error("its tables and features speak of different patients", {folder.string()}, "run hepar shard again");
  impl->checked = std::vector<std::atomic<std::uint8_t>>(impl->positions.size() * std::max<std::size_t>(1, impl->manifest.modalities.size()));
  return Store(std::move(impl));
}

const fs::path& Store::path() const { return impl_->names.root; }
const std::string& Store::features_sha256() const { return impl_->manifest.features_sha256; }
const std::string& Store::tables_sha256() const { return impl_->manifest.tables_sha256; }
std::int64_t Store::patients() const { return static_cast<std::int64_t>(impl_->tables.rows.size()); }
const PatientRow& Store::row(std::int64_t patient) const { return impl_->tables.rows.at(static_cast<std::size_t>(patient)); }
const std::vector<ColumnSpec>& Store::columns() const { return impl_->tables.spec.columns; }
const std::vector<EndpointSpec>& Store::endpoints() const { return impl_->tables.spec.endpoints; }
const StrategySpec& Store::strategies() const { return impl_->tables.spec.strategies; }
const std::vector<RuleSpec>& Store::rules() const { return impl_->tables.spec.rules; }
const std::vector<StoredModality>& Store::modalities() const { return impl_->modalities; }
std::uint64_t Store::bytes_read() const { return impl_->bytes_read.load(); }

bool Store::has_histories() const {
  return std::any_of(endpoints().begin(), endpoints().end(), [](const EndpointSpec& endpoint) { return !endpoint.direct(); });
}

int Store::modality(std::string_view name) const {
  for (std::size_t m = 0; m < impl_->modalities.size(); ++m)
    if (impl_->modalities[m].name == name) return static_cast<int>(m);
  return -1;
}

Reason Store::reason(int modality, std::int64_t patient) const {
  if (impl_->slot.at(static_cast<std::size_t>(modality)) >= 0)
    return static_cast<Reason>(impl_->index(modality, patient).reason.at(impl_->row_in_shard(patient)));
  for (const std::size_t c : impl_->vector_columns[static_cast<std::size_t>(modality)])
    if (row(patient).cells[c].usable()) return Reason::present;
  return Reason::not_recorded;
}

std::int64_t Store::items(int modality, std::int64_t patient) const {
  if (impl_->slot.at(static_cast<std::size_t>(modality)) < 0) return reason(modality, patient) == Reason::present ? 1 : 0;
  const ModalityIndex& index = impl_->index(modality, patient);
  const std::size_t at = impl_->row_in_shard(patient);
  return index.offsets.at(at + 1) - index.offsets.at(at);
}

void Store::read(int modality, std::int64_t patient, std::int64_t first, std::int64_t count, std::span<std::byte> out) const {
  const StoredModality& stored = impl_->modalities.at(static_cast<std::size_t>(modality));
  const std::size_t item_bytes = static_cast<std::size_t>(stored.layout.values_per_item()) * bytes_of(stored.layout.type);
  const ModalityIndex& index = impl_->index(modality, patient);
  const std::size_t at = impl_->row_in_shard(patient);
  if (out.size() != static_cast<std::size_t>(count) * item_bytes || first < 0 || first + count > items(modality, patient))
    throw Error(ExitCode::bug, "a read outside patient " + row(patient).key + "'s " + stored.name);
  if (count == 0) return;
  const Shard& shard = impl_->shards[impl_->positions[static_cast<std::size_t>(patient)].shard];
  shard.file.read_at(index.values_at + static_cast<std::uint64_t>(index.offsets[at] + first) * item_bytes, out);
  impl_->bytes_read += out.size();
  const std::size_t flag = static_cast<std::size_t>(impl_->slot[static_cast<std::size_t>(modality)]) * impl_->positions.size() + static_cast<std::size_t>(patient);
  if (count != items(modality, patient) || impl_->checked[flag].load(std::memory_order_relaxed) != 0) return;
  if (hash_of(out) != index.xxh3.at(at))
    throw store_error("/" + stored.name + "/values of patient " + row(patient).key + " does not match its hash", {shard.path.string()}, "restore the file, or make the store again");
  impl_->checked[flag].store(1, std::memory_order_relaxed);
}

std::vector<std::array<std::int32_t, 3>> Store::coords(int modality, std::int64_t patient) const {
  const ModalityIndex& index = impl_->index(modality, patient);
  const std::size_t at = impl_->row_in_shard(patient);
  const std::vector<std::int32_t> flat = read_coords(impl_->shards[impl_->positions[static_cast<std::size_t>(patient)].shard].path, impl_->modalities[static_cast<std::size_t>(modality)].name,
                                                     index.offsets.at(at), items(modality, patient));
  std::vector<std::array<std::int32_t, 3>> coords;
  for (std::size_t i = 0; i + 2 < flat.size(); i += 3) coords.push_back({flat[i], flat[i + 1], flat[i + 2]});
  return coords;
}

std::vector<std::uint8_t> Store::phase_present(int modality, std::int64_t patient) const {
  const Position position = impl_->positions.at(static_cast<std::size_t>(patient));
  return read_phases(impl_->shards[position.shard].path, impl_->modalities.at(static_cast<std::size_t>(modality)).name, static_cast<std::int64_t>(position.row));
}

Facts Store::facts(std::int64_t patient) const {
  const Position position = impl_->positions.at(static_cast<std::size_t>(patient));
  const std::lock_guard lock(impl_->facts_lock);
  std::vector<Facts>& of_shard = impl_->facts[position.shard];
  if (of_shard.empty()) of_shard = read_shard_facts(impl_->shards[position.shard].path);
  return of_shard.at(position.row);
}

Feature Store::feature(int modality, std::int64_t patient) const {
  const Layout& layout = impl_->modalities.at(static_cast<std::size_t>(modality)).layout;
  const Position position = impl_->positions.at(static_cast<std::size_t>(patient));
  Feature feature;
  feature.reason = reason(modality, patient);
  feature.items = items(modality, patient);
  feature.values.resize(static_cast<std::size_t>(feature.items * layout.values_per_item()) * bytes_of(layout.type));
  read(modality, patient, 0, feature.items, feature.values);
  if (layout.kind == Kind::bag) feature.coords = coords(modality, patient);
  if (layout.kind == Kind::volume) {
    const std::vector<double> affine = read_affine(impl_->shards[position.shard].path, impl_->modalities[static_cast<std::size_t>(modality)].name, static_cast<std::int64_t>(position.row));
    std::copy(affine.begin(), affine.end(), feature.affine.begin());
    feature.phase_present = phase_present(modality, patient);
  }
  return feature;
}

std::vector<std::string> verify(const fs::path& folder) {
  const Names names{folder};
  std::vector<std::string> problems;
  Manifest manifest;
  try {
    manifest = read_manifest(names);
  } catch (const Error& error) {
    return {error.what()};
  }
  if (sha256_file(names.tables()) != manifest.tables_sha256) problems.emplace_back("tables.h5: SHA-256 differs");
  for (const ShardEntry& shard : manifest.shards) {
    if (sha256_file(names.shard(shard.file)) == shard.sha256) continue;
    std::string where = "features/" + shard.file + ": ";
    bool named = false;
    try {  // which data set, by the patients' own hashes
      const fs::path path = names.shard(shard.file);
      const ShardIndex index = read_shard_index(path, manifest.modalities);
      const ReadOnlyFile file(path);
      std::size_t m = 0;
      for (const StoredModality& modality : manifest.modalities) {
        const ModalityIndex& one = index.modalities.at(m++);
        const std::size_t item_bytes = static_cast<std::size_t>(modality.layout.values_per_item()) * bytes_of(modality.layout.type);
        for (std::size_t p = 0; p < index.keys.size(); ++p) {
          std::vector<std::byte> values(static_cast<std::size_t>(one.offsets.at(p + 1) - one.offsets.at(p)) * item_bytes);
          file.read_at(one.values_at + static_cast<std::uint64_t>(one.offsets[p]) * item_bytes, values);
          if (values.empty() || hash_of(values) == one.xxh3.at(p)) continue;
          problems.push_back(where + "/" + modality.name + "/values: hash differs for patient " + index.keys[p]);
          named = true;
        }
      }
    } catch (const Error& error) {
      where += std::string(error.what()) + ": ";
    }
    if (!named) problems.push_back(where + "SHA-256 differs");
  }
  return problems;
}

}  // namespace hepar::store
