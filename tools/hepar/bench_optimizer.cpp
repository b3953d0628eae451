// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/bench_figures.hpp"
#include "trainer/engine/rehearsal.hpp"

#include <fmt/format.h>

namespace hepar::program {

Figures bench_optimizer(const BenchRequest& request) {
  Figures figures;
  if (!request.context.world.root()) return figures;
  // The default model, and one whose parameters leave the caches.
  for (const std::int64_t width : request.small ? std::vector<std::int64_t>{16} : std::vector<std::int64_t>{256, 1400}) {
    const engine::OptimiserTimes times = engine::time_optimisers(width, 10 * request.rounds);
    const std::string label = fmt::format("{:.1f} M parameters, ", static_cast<double>(times.parameters) * 1e-6);
    for (std::size_t i = 0; i < times.ours.size(); ++i) {
      figures.add(label + "AdamW over the arena", "ms", 1e3 * times.ours[i]);
      figures.add(label + "torch::optim::AdamW", "ms", 1e3 * times.torch[i]);
    }
    figures.add_ratio(label + "torch / ours", label + "torch::optim::AdamW", label + "AdamW over the arena");
  }
  return figures;
}

}  // namespace hepar::program
