// SPDX-License-Identifier: Apache-2.0
// What a validation says about one endpoint of one fold, over folds, and against a baseline.
// NAME = <endpoint>.<statistic>[.<months>]:
//   harrell_c (times censored at the horizon; infinitesimal jackknife), harrell_c_within (strata = centres, when a fold
//   holds several), uno_c, auc.M, brier.M, ipa.M, ibs, oe.M, calibration_slope, ici, net_benefit.M, median_follow_up.
// M: every month at which survival was predicted; calibration_slope, ici and uno_c stand at the horizon, the IBS spans all
// M. A fold that is not followed to the horizon has neither Uno's C nor the IBS: to an earlier month they are other figures.
#pragma once

#include "trainer/statistics/estimate.hpp"
#include "trainer/statistics/outcomes.hpp"

#include <map>
#include <string>

namespace hepar::statistics {

using Estimates = std::map<std::string, Estimate>;

// One endpoint of one fold, in any order that does not depend on the number of ranks (bootstrap draws by position).
struct HeldOut {
  std::string endpoint;                      // front of every NAME
  double horizon = 0;                        // months
  std::vector<double> months;                // follow-up, not cut at the horizon
  std::vector<int> event;                    // 0, 1, 2 competing
  std::vector<double> risk;                  // P(event by the horizon); ranks patients
  std::vector<double> at;                    // months of the predicted survival, ascending, last = horizon
  std::vector<std::vector<double>> survival; // [month of `at`][patient]: 1 - P(event of this endpoint by then)
  std::vector<int> centre;                   // codes; empty: one centre
  std::string risks_unjudged = {};           // why its risks are judged by their order alone (C, AUC); empty: as probabilities too
};

struct HeldOutOptions {
  std::int64_t min_events = 10;      // fewer events up to a statistic's month (or the horizon): not estimable
  int bootstrap = 200;               // patient resamples for what has no analytic standard error
  std::uint64_t seed = 1;
  int threads = 1;                   // results do not depend on it
  double net_benefit_threshold = 0;  // 0: the observed risk at that month (decision at the prevalence)
};

[[nodiscard]] Estimates held_out_metrics(const HeldOut& fold, const HeldOutOptions& options = {});
// The same names, of a fold that nobody could predict: each with this reason. `risk` and `survival` need not be there.
[[nodiscard]] Estimates unpredicted_metrics(HeldOut fold, const std::string& why);
[[nodiscard]] Estimates unpredicted_differences(HeldOut fold, const std::string& why);
// model - baseline on the same patients (outcomes of `model`): harrell_c by its influence values, uno_c, auc, brier,
// ipa, ibs, ici by the paired bootstrap.
[[nodiscard]] Estimates held_out_differences(const HeldOut& model, const HeldOut& baseline, const HeldOutOptions& options = {});

// Random effects over folds (REML, Hartung-Knapp), each statistic on its scale (scale.hpp). Folds that are not estimable,
// or have no standard error, are left out; `method` says "k = 9 of 12 folds". Folds that agree more than chance would have
// them make a Hartung-Knapp interval narrower than the normal one, of no width at all with two equal folds: both stand there. Beside
// NAME: NAME with `_prediction` after the statistic (its low and high: prediction interval, t with k-2), `_i2`, `_tau2`.
// k = 1: that fold's estimate, said so. `differences`: plain scale for all.
constexpr std::size_t kFewFolds = 5;  // a pool of fewer carries a warning
enum class PoolKind : std::uint8_t { metrics, differences };
[[nodiscard]] Estimates pooled(std::span<const Estimates> folds, PoolKind kind = PoolKind::metrics);

}  // namespace hepar::statistics
