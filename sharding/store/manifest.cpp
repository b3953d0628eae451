// SPDX-License-Identifier: Apache-2.0
#include "sharding/store/manifest.hpp"

#include "data/base/sealed.hpp"
#include "sharding/store/layout.hpp"
#include "sharding/store/shard_file.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace hepar::store {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<Kind, 4> kKinds{Kind::vector, Kind::bag, Kind::volume, Kind::sequence};
constexpr std::array<DType, 3> kTypes{DType::float16, DType::float32, DType::int32};

template <class T, std::size_t N>
T named(const std::array<T, N>& all, const std::string& name) {
  for (const T one : all)
    if (name_of(one) == name) return one;
  throw store_error("names '" + name + "', which this program does not know");
}

Json json_of(const StoredModality& modality) {
  return {{"name", modality.name}, {"kind", name_of(modality.layout.kind)}, {"dtype", name_of(modality.layout.type)}, {"dims", modality.layout.item},
          {"unit", modality.layout.unit}, {"meaning", modality.layout.meaning}, {"known_day", modality.known.day}, {"columns", modality.columns}};
}

StoredModality modality_of(const Json& json) {
  StoredModality modality;
  modality.name = json.at("name");
  modality.layout.kind = named(kKinds, json.at("kind"));
  modality.layout.type = named(kTypes, json.at("dtype"));
  modality.layout.item = json.at("dims").get<std::vector<std::int64_t>>();
  modality.layout.unit = json.at("unit");
  modality.layout.meaning = json.at("meaning");
  modality.known.day = json.at("known_day");
  modality.columns = json.at("columns").get<std::vector<std::string>>();
  return modality;
}

Json json_of(const ShardEntry& entry) {
  return {{"file", entry.file}, {"sha256", entry.sha256}, {"bytes", entry.bytes}, {"patients", entry.patients}, {"index_xxh3", fmt::format("{:016x}", entry.index_xxh3)}, {"data_sets", entry.data_sets}};
}

ShardEntry entry_of(const Json& json) {
  ShardEntry entry;
  entry.file = json.at("file");
  entry.sha256 = json.at("sha256");
  entry.bytes = json.at("bytes");
  entry.patients = json.at("patients");
  entry.index_xxh3 = std::stoull(json.at("index_xxh3").get<std::string>(), nullptr, 16);
  entry.data_sets = json.at("data_sets").get<std::map<std::string, std::uint64_t>>();
  return entry;
}

}  // namespace

std::string features_hash(const Manifest& manifest) {
  Sha256 hash;
  hash.update(Json::parse(manifest.settings).dump() + "\n");
  for (const StoredModality& modality : without_vectors(manifest.modalities)) hash.update(json_of(modality).dump() + "\n");
  std::vector<std::string> shards;
  for (const ShardEntry& entry : manifest.shards) shards.push_back(entry.sha256);
  std::sort(shards.begin(), shards.end());
  for (const std::string& shard : shards) hash.update(shard + "\n");
  return hash.hex();
}

std::string preview_hash(std::vector<std::string> files) {
  std::sort(files.begin(), files.end());
  Sha256 hash;
  for (const std::string& file : files) hash.update(file + "\n");
  return hash.hex();
}

std::string manifest_text(const Manifest& manifest) {
  Json json{{"schema", kSchema}, {"features_sha256", manifest.features_sha256}, {"tables_sha256", manifest.tables_sha256}, {"tables_bytes", manifest.tables_bytes},
            {"settings", Json::parse(manifest.settings)}};
  for (const StoredModality& modality : manifest.modalities) json["modalities"].push_back(json_of(modality));
  if (manifest.modalities.empty()) json["modalities"] = Json::array();
  json["reasons"] = reason_names();
  json["patients"] = manifest.patients_by_centre;
  json["preview"] = {{"files", manifest.previews}, {"sha256", manifest.preview_sha256}};
  json["shards"] = Json::array();
  for (const ShardEntry& entry : manifest.shards) json["shards"].push_back(json_of(entry));
  return sealed(std::move(json));
}

Manifest read_manifest(const std::filesystem::path& folder) {
  const fs::path path = Names{folder}.manifest();
  if (!fs::exists(path)) {
    const bool begun = fs::exists(Names{folder}.journal());
    throw store_error(begun ? "is a store that was begun and not finished" : fs::exists(folder) ? "is no store: it holds no store.json" : "does not exist", {folder.string()},
                      begun ? "run the same 'hepar shard' again to continue" : "name a folder that 'hepar shard' made");
  }
  try {
    const Json json = read_sealed(path, kSchema, "restore the file, or make the store again with 'hepar shard --fresh'");
    Manifest manifest;
    manifest.settings = json.at("settings").dump();
    manifest.features_sha256 = json.at("features_sha256");
    manifest.tables_sha256 = json.at("tables_sha256");
    manifest.tables_bytes = json.at("tables_bytes");
    for (const Json& one : json.at("modalities")) manifest.modalities.push_back(modality_of(one));
    for (const Json& one : json.at("shards")) manifest.shards.push_back(entry_of(one));
    if (json.contains("preview")) {  // stores made before there were pictures have none
      manifest.previews = json.at("preview").at("files");
      manifest.preview_sha256 = json.at("preview").at("sha256");
    }
    manifest.patients_by_centre = json.at("patients").get<std::map<std::string, std::int64_t>>();
    return manifest;
  } catch (const nlohmann::json::exception& problem) {
    throw store_error(std::string("cannot be understood: ") + problem.what(), {path.string()}, "restore the file, or run 'hepar shard' again");
  } catch (const std::logic_error& problem) {
    throw store_error("holds a number that cannot be read", {path.string()}, "restore the file, or run 'hepar shard' again");
  }
}

std::filesystem::path tables_path(const std::filesystem::path& folder, const Manifest& manifest) {
  const Names names{folder};
  constexpr const char* kRemedy = "restore the file, or run 'hepar shard' again";
  std::error_code failed;
  const std::uintmax_t bytes = fs::file_size(names.tables(), failed);
  if (!failed && bytes == manifest.tables_bytes && sha256_file(names.tables()) == manifest.tables_sha256) return names.tables();
  const std::filesystem::path next = names.next_tables(manifest.tables_sha256);
  std::error_code missing;
  if (fs::exists(next, missing) && sha256_file(next) == manifest.tables_sha256) return next;
  if (failed) throw store_error("tables.h5 is missing", {names.tables().string()}, kRemedy);
  if (bytes != manifest.tables_bytes)
    throw store_error("tables.h5 has " + std::to_string(bytes) + " bytes instead of " + std::to_string(manifest.tables_bytes), {names.tables().string()}, kRemedy);
  throw store_error("tables.h5 is not the one that store.json names (SHA-256 differs)", {names.tables().string()}, kRemedy);
}

ShardEntry describe_shard(const std::filesystem::path& path, const std::string& file, const std::vector<StoredModality>& modalities) {
  const ShardReader reader(path, modalities);
  ShardEntry entry{file, sha256_file(path), fs::file_size(path), static_cast<std::int64_t>(reader.index().keys.size()), reader.index().hash(), {}};
  const std::vector<StoredModality> stored = without_vectors(modalities);
  for (std::size_t slot = 0; slot < stored.size(); ++slot) {
    entry.data_sets["/" + stored[slot].name + "/values"] = reader.index().modalities[slot].values_at;
    if (stored[slot].layout.kind == Kind::bag) entry.data_sets["/" + stored[slot].name + "/coords"] = reader.index().modalities[slot].coords_at;
  }
  return entry;
}

std::string shard_entry_text(const ShardEntry& entry) { return json_of(entry).dump(); }
ShardEntry shard_entry_of(const std::string& text) { return entry_of(Json::parse(text)); }

}  // namespace hepar::store
