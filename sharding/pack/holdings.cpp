// SPDX-License-Identifier: Apache-2.0
#include "sharding/pack/holdings.hpp"

#include "data/base/files.hpp"

#include <nlohmann/json.hpp>

namespace hepar::pack {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Holding& holding) {
  Json failures = Json::array();
  for (const extract::Failure& failure : holding.failures) failures.push_back({failure.modality, failure.source, failure.reason});
  return {holding.fingerprint, holding.result, holding.items, failures, holding.shard, holding.position, holding.record.segment, holding.record.at, holding.record.bytes, holding.record.xxh3, holding.previews};
}

Holding holding_of(const std::string& key, const Json& json) {
  Holding holding{json.at(0), json.at(1), json.at(2).get<std::vector<std::int64_t>>(), {}, {}, json.at(4), json.at(5), {}};
  for (const Json& failure : json.at(3)) holding.failures.push_back({key, failure.at(0), failure.at(1), failure.at(2)});
  holding.record.segment = json.at(6).get<std::string>();
  holding.record.at = json.at(7);
  holding.record.bytes = json.at(8);
  if (json.size() > 9) holding.record.xxh3 = json.at(9);
  if (json.size() > 10) holding.previews = json.at(10).get<std::vector<std::string>>();
  return holding;
}

Json json_of(const Holdings& holdings) {
  Json out = Json::array();
  for (const auto& [key, holding] : holdings) out.push_back({key, json_of(holding)});
  return out;
}

Holdings holdings_of(const Json& json) {
  Holdings holdings;
  for (const Json& pair : json) holdings[pair.at(0)] = holding_of(pair.at(0), pair.at(1));
  return holdings;
}

}  // namespace

std::string to_text(const Holdings& holdings) { return json_of(holdings).dump(); }
Holdings holdings_from(const std::string& text) { return holdings_of(Json::parse(text)); }

std::string content_of(const std::string& recipe_hash, const std::vector<std::string>& keys, const Holdings& holdings) {
  std::string text = recipe_hash + "\n";
  for (const std::string& key : keys) text += key + "\n" + holdings.at(key).result + "\n";
  return sha256(text).substr(0, 32);
}

void publish_packed(const store::Names& names, const PackedShard& shard) {
  const Json json{{"content", shard.content}, {"generation", shard.generation}, {"entry", Json::parse(store::shard_entry_text(shard.entry))}, {"patients", json_of(shard.patients)}};
  publish(names.packed(shard.content), json.dump() + "\n");
}

std::map<std::string, PackedShard> read_packed(const store::Names& names) {
  std::map<std::string, PackedShard> all;
  for (const fs::path& file : entries_of(names.packed())) {
    if (file.extension() != ".json") continue;
    try {
      const Json json = Json::parse(read_file(file));
      PackedShard shard{json.at("content"), json.value("generation", std::int64_t{0}), store::shard_entry_of(json.at("entry").dump()), holdings_of(json.at("patients"))};
      std::error_code missing;
      const std::uintmax_t bytes = fs::file_size(names.shard(shard.entry.file), missing);
      if (!missing && bytes == shard.entry.bytes) all[shard.content] = std::move(shard);
    } catch (const nlohmann::json::exception& problem) {
      throw store_error(std::string("cannot be understood: ") + problem.what(), {file.string()}, "remove this file: its patients are then extracted again");
    }
  }
  return all;
}

Holding holding_of(extract::Record record) {
  Holding holding{record.fingerprint, record.result, record.items, record.failures, record.previews, {}, 0, {}};
  holding.record = std::move(record);
  return holding;
}

Found find_holdings(const store::Names& names, const std::map<std::string, PackedShard>& packed) {
  Found found;
  std::map<std::string, std::int64_t> generations;
  const auto take = [&](const std::string& key, std::int64_t generation, const auto& holding) {
    const auto [known, is_new] = generations.emplace(key, generation);
    if (!is_new && known->second > generation) return;
    known->second = generation;
    found.generation = std::max(found.generation, generation);
    found.holdings[key] = holding();
  };
  for (const auto& [content, shard] : packed)
    for (const auto& [key, holding] : shard.patients) take(key, shard.generation, [&h = holding] { return h; });
  for (const auto& [key, record] : extract::scan_segments(names.segments())) take(key, record.generation, [&r = record] { return holding_of(r); });
  return found;
}

}  // namespace hepar::pack
