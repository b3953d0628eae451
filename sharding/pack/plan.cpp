// SPDX-License-Identifier: Apache-2.0
#include "sharding/pack/pack.hpp"

#include "data/base/random.hpp"

namespace hepar::pack {

// A cut stands where the next key's hash says so, once a shard is half full: a patient who joins or leaves moves the cuts
// of his own shard and no others, so the other shards need not be written again.
std::vector<ShardPlan> plan_shards(const std::vector<store::PatientSize>& sizes, const std::vector<store::StoredModality>& modalities, std::uint64_t limit,
                                   std::int64_t patients) {
  constexpr std::uint64_t kCutEvery = 32;
  const std::vector<store::StoredModality> stored = store::without_vectors(modalities);
  std::vector<ShardPlan> shards;
  std::uint64_t filled = 0;
  for (std::size_t p = 0; p < sizes.size(); ++p) {
    std::uint64_t bytes = 0;
    for (std::size_t m = 0; m < stored.size(); ++m)
      bytes += static_cast<std::uint64_t>(sizes[p].items.at(m) * stored[m].layout.values_per_item()) * bytes_of(stored[m].layout.type);
    const bool half_full = !shards.empty() && (shards.back().patients >= patients / 2 || filled >= limit / 2);
    const bool full = shards.empty() || shards.back().patients >= patients || (filled > 0 && filled + bytes > limit) ||
                      (half_full && hash_text(sizes[p].key, 0x5ca1ab1e) % kCutEvery == 0);
    if (full) {
      shards.push_back({static_cast<std::int64_t>(p), 0});
      filled = 0;
    }
    ++shards.back().patients;
    filled += bytes;
  }
  return shards;
}

}  // namespace hepar::pack
