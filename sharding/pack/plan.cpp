// SPDX-License-Identifier: Apache-2.0
#include "sharding/pack/pack.hpp"

namespace hepar::pack {

std::vector<ShardPlan> plan_shards(const std::vector<store::PatientSize>& sizes, const std::vector<store::StoredModality>& modalities, std::uint64_t limit,
                                   std::int64_t patients) {
  std::vector<ShardPlan> shards;
  std::uint64_t filled = 0;
  for (std::size_t p = 0; p < sizes.size(); ++p) {
    std::uint64_t bytes = 0;
    for (std::size_t m = 0; m < modalities.size(); ++m)
      bytes += static_cast<std::uint64_t>(sizes[p].items.at(m) * modalities[m].layout.values_per_item()) * bytes_of(modalities[m].layout.type);
    const bool full = shards.empty() || shards.back().patients >= patients || (filled > 0 && filled + bytes > limit);
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
