// SPDX-License-Identifier: Apache-2.0
// What a Cox fit predicts.
#include "trainer/statistics/cox.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::statistics {

double CoxFit::linear_predictor(Values x) const {
  double sum = 0;
  for (std::size_t c = 0; c < coef.size(); ++c) {
    if (std::isfinite(coef[c])) sum += coef[c] * (x[c] - centre[c]);  // an aliased column adds nothing
  }
  return sum;
}

double CoxFit::survival(Values x, double t, std::size_t stratum) const {
  return std::exp(-cumulative_hazard[stratum].at(t) * std::exp(linear_predictor(x)));
}

CoxPredictor::CoxPredictor(Outcomes outcomes, Columns columns, double ridge) {
  const int causes = std::max(1, largest_code(outcomes.event));
  std::vector<int> own(outcomes.size());
  for (int cause = 1; cause <= causes; ++cause) {
    for (std::size_t i = 0; i < own.size(); ++i) own[i] = outcomes.event[i] == cause ? 1 : 0;
    CoxOptions options;
    options.ridge = ridge;
    fits_.push_back(cox({outcomes.time, own}, columns, options));
  }
}

std::vector<std::vector<double>> CoxPredictor::survival(Columns columns, Values months) const {
  const std::size_t n = columns.empty() ? 0 : columns[0].size();
  std::vector<std::vector<double>> out(months.size(), std::vector<double>(n, 1.0));
  struct Jump {
    double time, hazard;
    std::size_t cause;
  };
  std::vector<Jump> jumps;  // of every cause, in order of time
  for (std::size_t cause = 0; cause < fits_.size(); ++cause) {
    if (fits_[cause].cumulative_hazard.empty()) continue;  // no events of this cause
    const StepCurve& curve = fits_[cause].cumulative_hazard[0];
    double before = 0;
    for (std::size_t k = 0; k < curve.time.size(); ++k) {
      jumps.push_back({curve.time[k], curve.value[k] - before, cause});
      before = curve.value[k];
    }
  }
  std::stable_sort(jumps.begin(), jumps.end(), [](const Jump& a, const Jump& b) { return a.time < b.time; });
  std::vector<double> x(columns.size()), risk(fits_.size());
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t c = 0; c < columns.size(); ++c) x[c] = columns[c][i];
    for (std::size_t cause = 0; cause < fits_.size(); ++cause) {
      risk[cause] = fits_[cause].cumulative_hazard.empty() ? 0 : std::exp(fits_[cause].linear_predictor(x));
    }
    if (fits_.size() == 1) {
      for (std::size_t m = 0; m < months.size() && !fits_[0].cumulative_hazard.empty(); ++m) {
        out[m][i] = std::exp(-fits_[0].cumulative_hazard[0].at(months[m]) * risk[0]);
      }
      continue;
    }
    double survival = 1, incidence = 0;
    std::size_t k = 0;
    for (std::size_t m = 0; m < months.size(); ++m) {
      for (; k < jumps.size() && jumps[k].time <= months[m]; ++k) {
        // The share of those still there whom this jump takes; exp keeps it below 1 whatever the risk.
        const double taken = survival * -std::expm1(-jumps[k].hazard * risk[jumps[k].cause]);
        if (jumps[k].cause == 0) incidence += taken;
        survival -= taken;
      }
      out[m][i] = 1 - incidence;
    }
  }
  return out;
}

}  // namespace hepar::statistics
