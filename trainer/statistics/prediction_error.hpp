// SPDX-License-Identifier: Apache-2.0
// Time-dependent AUC and Brier score by inverse probability of censoring (Uno 2007, Hung & Chiang 2010, Graf 1999,
// Gerds & Schumacher 2006).
#pragma once

#include "trainer/statistics/concordance.hpp"

namespace hepar::statistics {

struct IpcwOptions {
  Convention convention = Convention::left;
  const StepCurve* censoring = nullptr;  // G from other data; nullptr: from these outcomes (weighted)
  Values weight = {};
};

struct TimeAuc {
  std::vector<double> auc;  // a time; NaN without cases or controls
  double mean = 0;          // scikit-survival's mean over the drop of S
};
[[nodiscard]] TimeAuc time_dependent_auc(Outcomes outcomes, Values score, Values times, const IpcwOptions& options = {});
// One time, with patients given in ascending order of score (argsort once, resample often) and G given.
[[nodiscard]] double auc_sorted(Outcomes outcomes, Values score, std::span<const std::uint32_t> ascending, double t, const IpcwOptions& options);
[[nodiscard]] std::vector<std::uint32_t> ascending_order(Values score);

struct Brier {
  std::vector<double> brier, null, ipa;  // a time; null model: Aalen-Johansen of the evaluated data
  double ibs = 0;                        // trapezoid over the times / (last - first); NaN with one time
};
// risk[j]: P(event of cause 1 by times[j]), one value a patient; event codes 0 … K.
[[nodiscard]] Brier brier_score(Outcomes outcomes, Columns risk, Values times, const IpcwOptions& options = {});
[[nodiscard]] double trapezoid_mean(Values times, Values values);

}  // namespace hepar::statistics
