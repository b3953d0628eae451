// SPDX-License-Identifier: Apache-2.0
// Packing: each shard by whichever rank asks first, from the journal's segments and older shards.
#include "data/base/files.hpp"
#include "data/base/stop.hpp"
#include "sharding/pack/builder.hpp"
#include "sharding/store/writer.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace hepar::pack {

namespace {

using Json = nlohmann::ordered_json;
constexpr std::size_t kOpenShards = 4;

}  // namespace

std::vector<std::string> Builder::keys_of(const ShardPlan& plan) const {
  std::vector<std::string> keys;
  for (std::int64_t i = 0; i < plan.patients; ++i) keys.push_back(cohort_.patients[static_cast<std::size_t>(plan.first + i)].key);
  return keys;
}

store::PatientFeatures Builder::load(const Holding& holding) {
  if (holding.shard.empty()) return extract::load(names_.segments(), holding.record).features;
  auto found = open_shards_.find(holding.shard);
  if (found == open_shards_.end()) {
    if (open_shards_.size() >= kOpenShards) open_shards_.clear();
    const fs::path path = names_.shard(holding.shard);
    found = open_shards_.emplace(holding.shard, OpenShard{store::ShardReader(path, manifest_.modalities), store::read_shard_facts(path)}).first;
  }
  return found->second.reader.load(holding.position, found->second.facts);
}

PackedShard Builder::pack_one(std::size_t index, const ShardPlan& plan, const std::string& content) {
  const std::vector<std::string> keys = keys_of(plan);
  std::vector<store::PatientSize> sizes;
  for (const std::string& key : keys) sizes.push_back({key, holdings_.at(key).items});
  PackedShard shard{content, generation_, store::publish_shard(names_.root, index, manifest_.modalities, sizes, [&](std::size_t i) { return load(holdings_.at(keys[i])); }), {}};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    Holding holding = holdings_.at(keys[i]);
    holding.shard = shard.entry.file;
    holding.position = i;
    holding.record = {};
    shard.patients[keys[i]] = std::move(holding);
  }
  publish_packed(names_, shard);
  return shard;
}

void Builder::pack_shards() {
  const Timer timer(times_, "pack_seconds");
  std::vector<store::PatientSize> sizes;
  for (const PatientRecord& patient : cohort_.patients) sizes.push_back({patient.key, holdings_.at(patient.key).items});
  const std::vector<ShardPlan> plans = plan_shards(sizes, manifest_.modalities);
  for (const ShardPlan& plan : plans) contents_.push_back(content_of(recipe_hash_, keys_of(plan), holdings_));

  // A shard keeps its index in its name: it is the same file only at the same place.
  Json missing = Json::array();
  if (world_.root()) {
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const auto found = packed_.find(contents_[i]);
      if (found == packed_.end() || found->second.entry.file != store::shard_name(i, found->second.entry.sha256)) missing.push_back(i);
    }
  }
  missing = Json::parse(world_.broadcast_text(missing.dump(), 0));
  std::vector<PackedShard> mine;
  if (!missing.empty()) {
    mpi::together(world_, [&] {
      if (world_.root()) working("pack");
    });
    share_status();
    std::optional<Progress> progress;
    if (world_.root()) progress.emplace(console_, "pack", static_cast<std::int64_t>(missing.size()), "shards");
    mpi::work_queue(
        world_, static_cast<std::int64_t>(missing.size()),
        [&](std::int64_t task) {
          if (stop_requested()) throw Error(ExitCode::stopped, "stopped on request; finished shards are kept", {}, "run the same command again to continue");
          status_.check();
          const auto index = missing.at(static_cast<std::size_t>(task)).get<std::size_t>();
          mine.push_back(pack_one(index, plans[index], contents_[index]));
        },
        [&](std::int64_t finished) {
          if (progress) progress->advance_to(finished);
        });
  }
  open_shards_.clear();
  Json entries = Json::array();
  for (const PackedShard& shard : mine) entries.push_back({shard.content, store::shard_entry_text(shard.entry)});
  std::map<std::string, store::ShardEntry> made;
  for (const std::string& text : world_.all_gather_texts(entries.dump()))
    for (const Json& item : Json::parse(text)) made[item.at(0)] = store::shard_entry_of(item.at(1));
  summary_.shards = static_cast<std::int64_t>(plans.size());
  summary_.shards_written = static_cast<std::int64_t>(missing.size());
  if (!world_.root()) return;
  for (const std::string& content : contents_) {
    const auto found = made.find(content);
    manifest_.shards.push_back(found != made.end() ? found->second : packed_.at(content).entry);
    summary_.feature_bytes += manifest_.shards.back().bytes;
  }
}

}  // namespace hepar::pack
