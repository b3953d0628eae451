// SPDX-License-Identifier: Apache-2.0
#include "sharding/store/writer.hpp"

#include "data/base/durable.hpp"
#include "data/base/files.hpp"
#include "sharding/store/layout.hpp"

#include <algorithm>

namespace hepar::store {

StoreWriter::StoreWriter(std::filesystem::path folder, std::vector<StoredModality> modalities, Tables tables)
    : folder_(std::move(folder)), modalities_(std::move(modalities)), tables_(std::move(tables)) {}

void StoreWriter::add(PatientRow row, std::vector<Feature> features, Facts facts) {
  if (features.size() != without_vectors(modalities_).size()) throw Error(ExitCode::bug, "a patient needs one feature a modality with values", row.key);
  PatientFeatures values{row.key, std::move(features), std::move(facts)};
  patients_.push_back({std::move(row), std::move(values)});
}

void StoreWriter::finish(std::size_t patients_per_shard) {
  make_folder(Names{folder_}.features());
  std::sort(patients_.begin(), patients_.end(), [](const Patient& a, const Patient& b) { return a.row.key < b.row.key; });
  Manifest manifest;
  manifest.modalities = modalities_;
  for (std::size_t first = 0; first < patients_.size(); first += patients_per_shard) {
    std::vector<PatientSize> sizes;
    for (std::size_t p = first; p < std::min(patients_.size(), first + patients_per_shard); ++p) {
      sizes.push_back({patients_[p].row.key, {}});
      for (const Feature& feature : patients_[p].features.features) sizes.back().items.push_back(feature.items);
    }
    manifest.shards.push_back(publish_shard(folder_, manifest.shards.size(), modalities_, sizes, [&](std::size_t i) { return patients_[first + i].features; }));
  }
  tables_.rows.clear();
  for (const Patient& patient : patients_) tables_.rows.push_back(patient.row);
  const std::string image = tables_image(tables_);
  complete_manifest(manifest, tables_, image);
  publish_tables(folder_, manifest, image);
}

ShardEntry publish_shard(const std::filesystem::path& folder, std::size_t index, const std::vector<StoredModality>& modalities,
                         const std::vector<PatientSize>& sizes, const std::function<PatientFeatures(std::size_t)>& load) {
  const Names names{folder};
  // The final name holds the hash, which is known once the bytes are written.
  const Publication draft(names.shard("draft-" + std::to_string(index)));
  write_shard(draft.temporary(), modalities, sizes, load);
  ShardEntry entry = describe_shard(draft.temporary(), "", modalities);
  entry.file = shard_name(index, entry.sha256);
  Publication final(names.shard(entry.file));
  std::error_code failed;
  fs::rename(draft.temporary(), final.temporary(), failed);
  if (failed) {
    errno = failed.value();
    throw disk_error("cannot rename", {names.shard(entry.file).string()});
  }
  final.commit();
  return entry;
}

bool is_published(const std::filesystem::path& folder, const Manifest& manifest) {
  const Names names{folder};
  std::error_code missing;
  return fs::exists(names.manifest(), missing) && read_file(names.manifest()) == manifest_text(manifest) && fs::exists(names.tables(), missing) &&
         sha256_file(names.tables()) == manifest.tables_sha256;
}

void publish_tables(const std::filesystem::path& folder, const Manifest& manifest, const std::string& image) {
  const Names names{folder};
  if (is_published(folder, manifest)) return;
  const std::filesystem::path next = names.next_tables(manifest.tables_sha256);
  publish(next, image);
  publish(names.manifest(), manifest_text(manifest));
  put_in_place(next, names.tables());
}

void complete_manifest(Manifest& manifest, const Tables& tables, const std::string& image) {
  manifest.tables_sha256 = sha256(image);
  manifest.tables_bytes = image.size();
  if (manifest.preview_sha256.empty()) manifest.preview_sha256 = preview_hash({});
  manifest.features_sha256 = features_hash(manifest);
  manifest.patients_by_centre.clear();
  for (const PatientRow& row : tables.rows) ++manifest.patients_by_centre[row.centre];
}

}  // namespace hepar::store
