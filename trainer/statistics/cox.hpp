// SPDX-License-Identifier: Apache-2.0
// Cox regression (Efron 1977 or Breslow ties, strata, weights, robust variance, ridge) and the survival it predicts.
#pragma once

#include "trainer/statistics/outcomes.hpp"

#include <string>

namespace hepar::statistics {

inline constexpr double kEventsPerCoefficient = 10;  // Peduzzi et al. 1995: with fewer, coefficients and their intervals are not to be trusted

enum class Ties : std::uint8_t { efron, breslow };

struct CoxOptions {
  Ties ties = Ties::efron;
  Codes strata = {};
  Values weight = {};     // >= 0
  Codes cluster = {};     // gives robust_se
  double ridge = 0;       // penalty ridge/2 * sum (coef * sd)^2
  int max_iterations = 50;
};

struct CoxFit {
  std::vector<double> coef, se, robust_se;  // on the scale of the columns; NaN for a column that depends on earlier ones or is infinite
  std::vector<double> covariance;           // p x p, inverse information
  double loglik_null = 0, loglik = 0, score_test = 0;
  int iterations = 0;
  std::string problem;  // empty, or why the fit is not to be used ("infinite coefficient of column 2", "no events", …)

  std::vector<double> centre;                       // means the baseline stands at
  std::vector<StepCurve> cumulative_hazard;         // a stratum, at `centre`
  [[nodiscard]] bool usable() const { return problem.empty(); }
  // exp(-H0(t) exp(coef x)), x one value a column.
  [[nodiscard]] double survival(Values x, double t, std::size_t stratum = 0) const;
  [[nodiscard]] double linear_predictor(Values x) const;  // coef (x - centre)
};
// Newton-Raphson with step-halving. Never throws on data: see `problem`.
[[nodiscard]] CoxFit cox(Outcomes outcomes, Columns x, const CoxOptions& options = {});

// A Cox model that always predicts: columns standardised in the fitted rows, a small fixed ridge against separation.
// With competing codes one cause-specific fit a cause, combined into the incidence of cause 1.
class CoxPredictor {
 public:
  // `columns`: complete, in the order used again by survival(). ridge: in units of one patient's information.
  CoxPredictor(Outcomes outcomes, Columns columns, double ridge = 1.0);
  // 1 - P(event of cause 1 by each of `months`), [month][row]; months
  // ascending, in the unit of the outcomes.
  [[nodiscard]] std::vector<std::vector<double>> survival(Columns columns, Values months) const;
  [[nodiscard]] const CoxFit& fit(int cause = 1) const { return fits_[static_cast<std::size_t>(cause - 1)]; }
  [[nodiscard]] int causes() const { return static_cast<int>(fits_.size()); }

 private:
  std::vector<CoxFit> fits_;
};

}  // namespace hepar::statistics
