// SPDX-License-Identifier: Apache-2.0
// Harrell's and Uno's concordance in O(n log n) (Fenwick tree over score ranks), with infinitesimal-jackknife standard
// errors over both roles of each patient (R survival's concordance; Therneau & Atkinson).
#pragma once

#include "trainer/statistics/outcomes.hpp"

#include <limits>

namespace hepar::statistics {

// Where 1/G is taken at an event: the left limit with events up to and including tau (R survival, riskRegression), or
// scikit-survival's right-continuous G with events before tau and scores equal within 1e-8.
enum class Convention : std::uint8_t { left, sksurv };

struct ConcordanceOptions {
  Values weight = {};        // pair (i, j) counts w_i w_j
  Codes strata = {};         // pairs within a stratum only
  Codes cluster = {};        // influence is summed within a cluster first
  double tau = std::numeric_limits<double>::infinity();  // events with time <= tau count
  bool influence = true;     // false: no standard error, half the time
  Values event_weight = {};  // further factor of the pairs that patient i leads by its event (Uno)
  double tie_tolerance = 0;  // scores this near are tied (tied_y and tied_xy count exact ties)
};

struct Concordance {
  double c = 0, se = 0;  // NaN without comparable pairs
  double concordant = 0, discordant = 0, tied_x = 0, tied_y = 0, tied_xy = 0;
  std::vector<double> influence;  // b_i, a patient (or cluster); empty when not asked for
};
[[nodiscard]] Concordance harrell_c(Outcomes outcomes, Values score, const ConcordanceOptions& options = {});

struct ConcordanceDifference {
  Concordance first, second;
  double covariance, difference, se, z, p;
};
[[nodiscard]] ConcordanceDifference harrell_c_difference(Outcomes outcomes, Values first, Values second, const ConcordanceOptions& options = {});

// Uno et al. 2011. `censoring`: G from other data (training); nullptr: from these outcomes. NaN when G is 0 at an event.
struct UnoOptions {
  double tau = std::numeric_limits<double>::infinity();
  Convention convention = Convention::left;
  const StepCurve* censoring = nullptr;
  Values weight = {};
};
[[nodiscard]] double uno_c(Outcomes outcomes, Values score, const UnoOptions& options);

// The same patients and score under many weights: what resampling needs. Sorts once; `c` is O(n log n) without sorting
// and safe to call from several threads. The views must outlive the object.
class PreparedConcordance {
 public:
  PreparedConcordance(Outcomes outcomes, Values score, double tau = std::numeric_limits<double>::infinity());
  [[nodiscard]] double c(Values weight, Values event_weight = {}) const;  // NaN without comparable pairs

 private:
  Outcomes outcomes_;
  double tau_;
  Timeline timeline_;
  std::vector<std::uint32_t> rank_;  // 1-based rank of the score
  std::size_t ranks_ = 0;
};

}  // namespace hepar::statistics
