// SPDX-License-Identifier: Apache-2.0
// What is already extracted, and where it lies: in the journal's segments or in shards of the store.
#pragma once

#include "sharding/extract/journal.hpp"
#include "sharding/store/layout.hpp"
#include "sharding/store/manifest.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace hepar::pack {

// One patient's extracted features.
struct Holding {
  std::string fingerprint;             // of the sources, and of what reads them
  std::string result;                  // of what was extracted
  std::vector<std::int64_t> items;     // one a modality with values
  std::vector<extract::Failure> failures;
  std::vector<std::string> previews;   // names of their files
  std::string shard;                   // file in features/, or empty: `record`
  std::size_t position = 0;            // in the shard
  extract::Record record;
};
using Holdings = std::map<std::string, Holding>;  // by key

[[nodiscard]] std::string to_text(const Holdings& holdings);
[[nodiscard]] Holdings holdings_from(const std::string& text);

// A finished shard and what went into it; journal/shards/<content>.json.
struct PackedShard {
  std::string content;
  std::int64_t generation = 0;         // of the run that packed it
  store::ShardEntry entry;
  Holdings patients;
};
// Names what a shard holds: settings and layouts (`recipe_hash`), keys and results.
[[nodiscard]] std::string content_of(const std::string& recipe_hash, const std::vector<std::string>& keys, const Holdings& holdings);
void publish_packed(const store::Names& names, const PackedShard& shard);
// Those whose file in features/ is there in full size.
[[nodiscard]] std::map<std::string, PackedShard> read_packed(const store::Names& names);

// A patient's features as a segment holds them.
[[nodiscard]] Holding holding_of(extract::Record record);

struct Found {
  Holdings holdings;
  std::int64_t generation = 0;         // the highest of all
};
// Everything that is extracted, in shards and in segments; of several of a patient that of the highest generation.
[[nodiscard]] Found find_holdings(const store::Names& names, const std::map<std::string, PackedShard>& packed);

}  // namespace hepar::pack
