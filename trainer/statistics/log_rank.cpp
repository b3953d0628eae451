// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/quantile.hpp"
#include "trainer/statistics/survival.hpp"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <limits>

namespace hepar::statistics {
namespace {

struct Sums {
  Eigen::VectorXd observed, expected;
  Eigen::MatrixXd variance;
};

void add_stratum(Sums& sums, Outcomes outcomes, Codes group) {
  const Timeline line = timeline(outcomes.time);
  const auto groups = sums.observed.size();
  Eigen::VectorXd at_risk = Eigen::VectorXd::Zero(groups);
  for (std::size_t k = line.times.size(); k-- > 0;) {
    double deaths = 0;
    for (const std::uint32_t i : line.at(k)) {
      at_risk[group[i]] += 1;
      if (outcomes.event[i] != 1) continue;
      deaths += 1;
      sums.observed[group[i]] += 1;
    }
    if (deaths == 0) continue;
    const double n = at_risk.sum();
    const Eigen::VectorXd share = at_risk / n;
    sums.expected += deaths * share;
    if (n <= 1) continue;
    const double factor = deaths * (n - deaths) / (n - 1);
    sums.variance -= factor * share * share.transpose();
    sums.variance.diagonal() += factor * share;
  }
}

}  // namespace

LogRank log_rank(Outcomes outcomes, Codes group, Codes strata) {
  const int groups = largest_code(group) + 1;
  Sums sums{Eigen::VectorXd::Zero(groups), Eigen::VectorXd::Zero(groups), Eigen::MatrixXd::Zero(groups, groups)};
  if (strata.empty()) {
    add_stratum(sums, outcomes, group);
  } else {
    for (int s = 0; s <= largest_code(strata); ++s) {
      const std::vector<std::size_t> rows = rows_with(strata, s);
      const OutcomeTable part = select(outcomes, rows);
      add_stratum(sums, part.view(), select(group, rows));
    }
  }
  LogRank out;
  out.observed.assign(sums.observed.begin(), sums.observed.end());
  out.expected.assign(sums.expected.begin(), sums.expected.end());
  std::vector<Eigen::Index> used;
  for (Eigen::Index g = 0; g < groups; ++g) {
    if (sums.expected[g] > 0) used.push_back(g);
  }
  out.df = static_cast<double>(used.size()) - 1;
  out.chisq = out.p = std::numeric_limits<double>::quiet_NaN();
  if (used.size() < 2) return out;
  used.pop_back();
  const Eigen::VectorXd difference = (sums.observed - sums.expected)(used);
  const Eigen::FullPivLU<Eigen::MatrixXd> decomposition(sums.variance(used, used));
  if (!decomposition.isInvertible()) return out;
  out.chisq = difference.dot(decomposition.solve(difference));
  out.p = chi_squared_tail(out.chisq, out.df);
  return out;
}

}  // namespace hepar::statistics
