// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/overlap.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace hepar::engine {

OverlapChoice::OverlapChoice(const std::string& wish, const collective::Collective& group) {
  const bool possible = group.size() > 1 && group.overlaps();
  chosen_ = possible && wish == "on";
  if (possible && wish == "auto") tried_ = 0;
}

bool OverlapChoice::early() const { return settled() ? chosen_ : tried_ % 2 == 1; }

void OverlapChoice::took(double seconds, collective::Collective& group) {
  if (settled()) return;
  auto slowest = static_cast<std::int64_t>(std::llround(seconds * 1e9));
  group.all_reduce_max(std::span(&slowest, 1));
  double& quickest = quickest_[early() ? 1 : 0];
  if (tried_ >= kWarmUp) quickest = std::min(quickest, static_cast<double>(slowest) * 1e-9);
  ++tried_;
  chosen_ = quickest_[1] < quickest_[0];
}

}  // namespace hepar::engine
