// SPDX-License-Identifier: Apache-2.0
// Small random outcomes in which almost everything is tied: times, scores, events with censorings.
#pragma once

#include "data/base/random.hpp"
#include "trainer/statistics/outcomes.hpp"

#include <cmath>
#include <vector>

namespace hepar::statistics {

struct TiedData {
  std::vector<double> time, score, other, weight, x1, x2;
  std::vector<int> event, stratum, cluster;
  [[nodiscard]] Outcomes outcomes() const { return {time, event}; }
  [[nodiscard]] std::size_t size() const { return time.size(); }
};

// `causes` > 1 gives competing events. The hazard grows with x1, so that models have something to find.
inline TiedData tied_data(std::uint64_t seed, std::size_t n, int causes = 1) {
  Stream stream({seed, 77});
  TiedData data;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(stream.below(5)) - 2;
    const double latent = stream.exponential() * 6 * std::exp(-0.4 * x), leaves = stream.uniform() * 12;
    data.time.push_back(1 + std::floor(std::min(latent, leaves)));
    data.event.push_back(latent <= leaves ? 1 + static_cast<int>(stream.below(static_cast<std::uint64_t>(causes))) : 0);
    data.x1.push_back(x);
    data.x2.push_back(stream.chance(0.4) ? 1 : 0);
    data.score.push_back(x + static_cast<double>(stream.below(3)));
    data.other.push_back(static_cast<double>(stream.below(4)));
    data.weight.push_back(0.5 * static_cast<double>(1 + stream.below(4)));
    data.stratum.push_back(static_cast<int>(stream.below(3)));
    data.cluster.push_back(static_cast<int>(stream.below(6)));
  }
  return data;
}

}  // namespace hepar::statistics
