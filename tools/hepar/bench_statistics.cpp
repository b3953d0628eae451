// SPDX-License-Identifier: Apache-2.0
#include "data/base/machine.hpp"
#include "data/base/random.hpp"
#include "tools/hepar/bench_figures.hpp"
#include "trainer/statistics/concordance.hpp"
#include "trainer/statistics/held_out.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hepar::program {

namespace {

// Patients whose risk carries part of their hazard; follow-up ends between 20 and 80 months.
statistics::HeldOut random_fold(std::size_t n) {
  statistics::HeldOut fold;
  fold.endpoint = "rfs";
  fold.horizon = 36;
  fold.at = {12, 24, 36};
  fold.survival.resize(fold.at.size());
  Stream random({3});
  for (std::size_t i = 0; i < n; ++i) {
    const double log_hazard = random.normal(), hazard = std::exp(log_hazard) / 40;
    const double time = random.exponential() / hazard, seen = 20 + 60 * random.uniform();
    fold.months.push_back(std::min(time, seen));
    fold.event.push_back(time <= seen ? 1 : 0);
    for (std::size_t m = 0; m < fold.at.size(); ++m) fold.survival[m].push_back(std::exp(-fold.at[m] * std::exp(0.7 * log_hazard) / 40));
    fold.risk.push_back(1 - fold.survival.back().back());
  }
  return fold;
}

}  // namespace

Figures bench_statistics(const BenchRequest& request) {
  Figures figures;
  if (!request.context.world.root()) return figures;
  const statistics::HeldOut many = random_fold(request.small ? 1000 : 1000000), fold = random_fold(request.small ? 200 : 10000);
  statistics::HeldOutOptions options;
  options.bootstrap = request.small ? 10 : 1000;
  options.threads = std::min(2, this_machine().cores);
  const std::string concordance = fmt::format("Harrell C with its standard error, n = {}", many.months.size());
  const std::string bootstrap = fmt::format("all metrics, n = {}, {} resamples, {} threads at most", fold.months.size(), options.bootstrap, options.threads);
  for (int round = 0; round < request.rounds; ++round) {
    figures.add(concordance, "s", seconds_of([&] {
      if (!(statistics::harrell_c({many.months, many.event}, many.risk).se > 0)) throw Error(ExitCode::bug, "concordance has no standard error");
    }));
    figures.add(bootstrap, "s", seconds_of([&] {
      if (!statistics::held_out_metrics(fold, options).at("rfs.harrell_c").estimable()) throw Error(ExitCode::bug, "nothing was estimated");
    }));
  }
  return figures;
}

}  // namespace hepar::program
