// SPDX-License-Identifier: Apache-2.0
#include "sharding/store/manifest.hpp"

#include "data/base/files.hpp"
#include "sharding/store/spec_json.hpp"

namespace hepar::store {

namespace {

using Json = nlohmann::ordered_json;

void check_file(const fs::path& path, std::uint64_t bytes) {
  std::error_code failed;
  const std::uint64_t found = fs::file_size(path, failed);
  if (failed) throw store_error("is missing", {path.string()}, "restore it, or run hepar shard again");
  if (found != bytes) throw store_error("holds " + std::to_string(found) + " bytes where store.json says " + std::to_string(bytes), {path.string()}, "restore it, or make the store again");
}

}  // namespace

std::string features_hash(const Manifest& manifest) {
  Json summary{{"schema", kSchema}, {"extraction", manifest.extraction}, {"modalities", Json::array()}, {"shards", Json::array()}};
  for (const StoredModality& modality : manifest.modalities) summary["modalities"].push_back(to_json(modality));
  for (const ShardEntry& shard : manifest.shards) summary["shards"].push_back(shard.sha256);
  return sha256(summary.dump());
}

void publish_manifest(const Names& names, const Manifest& manifest) {
  Json out{{"schema", kSchema}, {"extraction", manifest.extraction}, {"modalities", Json::array()}, {"reasons", reason_names()}, {"shards", Json::array()},
           {"patients_per_centre", manifest.patients_per_centre}, {"features_sha256", manifest.features_sha256}, {"tables_sha256", manifest.tables_sha256}, {"tables_bytes", manifest.tables_bytes}};
  for (const StoredModality& modality : manifest.modalities) out["modalities"].push_back(to_json(modality));
  for (const ShardEntry& shard : manifest.shards)
    out["shards"].push_back({{"file", shard.file}, {"sha256", shard.sha256}, {"bytes", shard.bytes}, {"first", shard.first}, {"patients", shard.patients}});
  publish(names.manifest(), out.dump(2) + "\n");
}

Manifest read_manifest(const Names& names) {
  const Place place{names.manifest().string()};
  std::error_code ignored;
  if (!fs::exists(names.manifest(), ignored)) throw store_error("there is no store here", {names.root.string()}, "make one with hepar shard, or check the path");
  Manifest manifest;
  try {
    const Json json = Json::parse(read_file(names.manifest()));
    if (const std::string schema = json.at("schema"); schema != kSchema)
      throw store_error("another schema version: '" + schema + "'", place, std::string("this program reads ") + kSchema + "; make the store again with hepar shard");
    manifest.extraction = json.at("extraction");
    for (const Json& modality : json.at("modalities")) manifest.modalities.push_back(modality_from(modality));
    for (const Json& shard : json.at("shards"))
      manifest.shards.push_back({shard.at("file"), shard.at("sha256"), shard.at("bytes"), shard.at("first"), shard.at("patients")});
    manifest.patients_per_centre = json.at("patients_per_centre").get<std::map<std::string, std::int64_t>>();
    manifest.features_sha256 = json.at("features_sha256");
    manifest.tables_sha256 = json.at("tables_sha256");
    manifest.tables_bytes = json.at("tables_bytes");
  } catch (const nlohmann::json::exception& error) {
    throw store_error(std::string("cannot be read: ") + error.what(), place, "restore it, or run hepar shard again");
  }
  if (features_hash(manifest) != manifest.features_sha256) throw store_error("does not match its own features_sha256", place, "restore it, or run hepar shard again");
  for (const ShardEntry& shard : manifest.shards) check_file(names.shard(shard.file), shard.bytes);
  check_file(names.tables(), manifest.tables_bytes);
  return manifest;
}

}  // namespace hepar::store
