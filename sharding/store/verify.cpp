// SPDX-License-Identifier: Apache-2.0
// Re-hashes a store and says which shard and data set is not what was written.
#include "sharding/store/verify.hpp"

#include "data/base/files.hpp"
#include "data/base/sealed.hpp"
#include "sharding/store/layout.hpp"
#include "sharding/store/manifest.hpp"
#include "sharding/store/shard_file.hpp"

#include <nlohmann/json.hpp>

namespace hepar::store {

namespace {

// Called for a shard whose bytes differ: the data sets whose values no longer have their hash.
std::vector<std::string> damaged_data_sets(const std::filesystem::path& path, const std::vector<StoredModality>& modalities, const std::string& part) {
  std::vector<std::string> problems;
  const ShardReader reader(path, modalities);
  const std::vector<StoredModality> stored = without_vectors(modalities);
  for (std::size_t slot = 0; slot < stored.size(); ++slot) {
    const Layout& layout = stored[slot].layout;
    for (std::size_t p = 0; p < reader.index().keys.size(); ++p) {
      std::vector<std::byte> values(static_cast<std::size_t>(reader.items(slot, p) * layout.values_per_item()) * bytes_of(layout.type));
      reader.read(slot, p, 0, reader.items(slot, p), values);
      if (!values.empty() && hash_of(values) != reader.index().modalities[slot].xxh3[p])
        problems.push_back(part + ": /" + stored[slot].name + "/values: patient " + reader.index().keys[p] + ": hash differs");
    }
  }
  if (problems.empty()) problems.push_back(part + ": " + "SHA-256 differs (coordinates, facts or file structure; feature values are intact)");
  return problems;
}

void verify_shard(const std::filesystem::path& path, const ShardEntry& entry, const std::vector<StoredModality>& modalities, std::vector<std::string>& problems) {
  const std::string part = "features/" + entry.file;
  std::error_code failed;
  const std::uintmax_t bytes = fs::file_size(path, failed);
  if (failed) {
    problems.push_back(part + ": missing");
    return;
  }
  if (bytes != entry.bytes) {
    problems.push_back(part + ": has " + std::to_string(bytes) + " bytes instead of " + std::to_string(entry.bytes));
    return;
  }
  if (sha256_file(path) == entry.sha256) return;
  try {
    const std::vector<std::string> found = damaged_data_sets(path, modalities, part);
    problems.insert(problems.end(), found.begin(), found.end());
  } catch (const Error& error) {
    problems.push_back(part + ": SHA-256 differs; " + error.what());
  }
}

void verify_previews(const Names& names, const Manifest& manifest, std::vector<std::string>& problems) {
  std::vector<std::string> files;
  for (const fs::path& path : entries_of(names.preview())) {
    if (path.extension() != ".jpg") continue;  // left by a killed run, or another program's
    files.push_back(path.filename().string());
    if (!has_bytes(files.back(), read_file(path))) problems.push_back("preview/" + files.back() + ": is not the picture that its name was made for");
  }
  if (static_cast<std::int64_t>(files.size()) != manifest.previews)
    problems.push_back("preview: holds " + std::to_string(files.size()) + " pictures instead of " + std::to_string(manifest.previews));
  else if (manifest.previews > 0 && preview_hash(files) != manifest.preview_sha256)
    problems.emplace_back("preview: its pictures are not those of store.json");
}

// Written after store.json: one that a killed run did not come to is made by the next.
void verify_flow(const Names& names, std::vector<std::string>& problems) {
  std::error_code absent;
  if (!fs::exists(names.flow(), absent)) return;
  try {
    (void)read_sealed(names.flow(), kFlowSchema, "run hepar shard again");
  } catch (const Error& error) {
    problems.emplace_back(error.what());
  }
}

}  // namespace

std::vector<std::string> verify_data(const std::filesystem::path& folder) {
  const Manifest manifest = read_manifest(folder);
  const Names names{folder};
  std::vector<std::string> problems;
  try {
    (void)tables_path(folder, manifest);
  } catch (const Error& error) {
    problems.emplace_back(error.what());
  }
  for (const ShardEntry& entry : manifest.shards) verify_shard(names.shard(entry.file), entry, manifest.modalities, problems);
  if (features_hash(manifest) != manifest.features_sha256) problems.emplace_back("store.json: features_sha256 does not follow from its settings and shards");
  return problems;
}

std::vector<std::string> verify(const std::filesystem::path& folder) {
  std::vector<std::string> problems = verify_data(folder);
  verify_previews(Names{folder}, read_manifest(folder), problems);
  verify_flow(Names{folder}, problems);
  return problems;
}

std::size_t hashed_files(const std::filesystem::path& folder) {
  const Manifest manifest = read_manifest(folder);
  std::error_code absent;
  constexpr std::size_t kAlways = 2;  // store.json and tables.h5
  return kAlways + manifest.shards.size() + static_cast<std::size_t>(manifest.previews) + (fs::exists(Names{folder}.flow(), absent) ? 1 : 0);
}

}  // namespace hepar::store
