// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/doubly_robust.hpp"

#include "trainer/statistics/causal.hpp"
#include "trainer/statistics/cox.hpp"
#include "trainer/statistics/quantile.hpp"
#include "trainer/statistics/scale.hpp"
#include "trainer/statistics/survival.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace hepar::statistics {
namespace {

constexpr std::size_t kLeastOfArm = 20, kLeastInPart = 10, kLeastEventsInPart = 3;
constexpr double kMostFloored = 0.2, kLeastEffective = kLeastOfArm;
constexpr double kRidge = 1.0;
constexpr int kGrid = 72;

using Table = std::vector<std::vector<double>>;  // [column][row]

Table columns_of(Columns columns, std::span<const std::size_t> rows) {
  Table out;
  for (const Values& column : columns) out.push_back(select(column, rows));
  return out;
}
std::vector<Values> views_of(const Table& table) { return {table.begin(), table.end()}; }

std::vector<double> months_to(double tau) {
  std::vector<double> months;
  for (int k = 0; k <= kGrid; ++k) months.push_back(tau * k / kGrid);
  return months;
}

// E[min(T, tau)] of one patient, at the start and later on, by a survival curve at months_to(tau), straight in between.
class ExpectedMonths {
 public:
  ExpectedMonths() = default;
  ExpectedMonths(std::vector<double> survival, double tau) : step_(tau / kGrid), survival_(std::move(survival)), area_(survival_.size(), 0.0) {
    for (std::size_t k = area_.size() - 1; k-- > 0;) area_[k] = area_[k + 1] + step_ * (survival_[k] + survival_[k + 1]) / 2;
  }

  [[nodiscard]] double at_start() const { return area_.front(); }
  // Of whoever is free at u.
  [[nodiscard]] double given_free_at(double u) const {
    const auto k = static_cast<std::size_t>(std::min(kGrid - 1.0, u / step_));
    const double left = static_cast<double>(k + 1) - u / step_;  // of this step
    const double free = survival_[k + 1] + left * (survival_[k] - survival_[k + 1]);
    return free > 0 ? u + (area_[k + 1] + left * step_ * (free + survival_[k + 1]) / 2) / free : u;
  }

 private:
  double step_ = 0;
  std::vector<double> survival_, area_;  // area from each month to tau
};

// By the curve of these patients, whatever their covariates.
ExpectedMonths expected_by_curve(const OutcomeTable& outcomes, double tau) {
  const KaplanMeier curve = kaplan_meier(outcomes.view());
  std::vector<double> survival{1};
  for (int k = 1; k <= kGrid; ++k) survival.push_back(curve.at(tau * k / kGrid));
  return {std::move(survival), tau};
}

// Of each of n rows of `test`, by a Cox model of the arm's own patients.
std::vector<ExpectedMonths> expected_by_cox(const OutcomeTable& outcomes, const Table& train, const Table& test, std::size_t n, double tau) {
  const OutcomeTable cut = censored_at(outcomes.view(), tau);
  if (test.empty()) return std::vector<ExpectedMonths>(n, expected_by_curve(cut, tau));
  const Table survival = CoxPredictor(cut.view(), views_of(train), kRidge).survival(views_of(test), months_to(tau));
  std::vector<ExpectedMonths> out;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<double> curve{1};
    for (std::size_t k = 1; k < survival.size(); ++k) curve.push_back(survival[k][i]);
    out.emplace_back(std::move(curve), tau);
  }
  return out;
}

// What min(T, tau) would have been had nobody been lost: inverse probability of censoring, and at every censoring of the arm
// its expectation in whoever was still there takes the place of what is lost (the augmentation of Robins & Rotnitzky 1992).
// Without it the standard error of a mean is too large, because estimating G takes variance away that the scores keep.
double months_had_none_been_lost(const StepCurve& g, const ExpectedMonths& expected, double months, bool known) {
  double weight = 1, replaced = 0;
  for (std::size_t k = 0; k < g.time.size() && g.time[k] < months; ++k) {
    replaced += (1 / g.value[k] - weight) * expected.given_free_at(g.time[k]);
    weight = 1 / g.value[k];
  }
  return weight * (known ? months : expected.given_free_at(months)) - replaced;
}

// Why an arm cannot be evaluated: too few in all, or in a part that nuisances would be fitted on.
std::vector<std::string> unusable_arms(const ArmScoreRequest& request, const std::vector<int>& event, const std::set<int>& folds) {
  std::vector<std::string> out(static_cast<std::size_t>(request.arms));
  for (int arm = 0; arm < request.arms; ++arm) {
    std::string& why = out[static_cast<std::size_t>(arm)];
    const std::size_t n = count_code(request.treatment, arm);
    if (n < kLeastOfArm) why = fmt::format("{} patients had it, fewer than {}", n, kLeastOfArm);
    for (const int fold : folds) {
      std::size_t here = 0, events = 0;
      for (std::size_t i = 0; i < event.size(); ++i) {
        if (request.treatment[i] != arm || request.fold[i] == fold) continue;
        ++here;
        events += event[i] == 1 ? 1 : 0;
      }
      if (why.empty() && (here < kLeastInPart || events < kLeastEventsInPart))
        why = fmt::format("{} patients and {} events of it outside one fold, fewer than {} and {}", here, events, kLeastInPart, kLeastEventsInPart);
    }
  }
  return out;
}

struct FoldRows {
  std::vector<std::size_t> train, test;
};

// `own`: of each patient under the arm that was given.
void fill_fold(const ArmScoreRequest& request, const std::vector<int>& usable, const FoldRows& rows, ArmScores& out, std::vector<ExpectedMonths>& own) {
  const Table test = columns_of(request.covariates, rows.test);
  // Propensity among the arms that are evaluable; the others keep 0.
  std::vector<std::size_t> fitted;
  std::vector<int> code;
  for (const std::size_t i : rows.train) {
    const auto found = std::find(usable.begin(), usable.end(), request.treatment[i]);
    if (found == usable.end()) continue;
    fitted.push_back(i);
    code.push_back(static_cast<int>(found - usable.begin()));
  }
  const Propensity propensity_fit = propensity(code, views_of(columns_of(request.covariates, fitted)), kRidge);
  std::vector<double> x(request.covariates.size());
  for (std::size_t i = 0; i < rows.test.size(); ++i) {
    for (std::size_t c = 0; c < x.size(); ++c) x[c] = test[c][i];
    const std::vector<double> p = propensity_fit.probabilities(x);
    for (std::size_t a = 0; a < usable.size(); ++a) out.propensity[static_cast<std::size_t>(usable[a])][rows.test[i]] = p[a];
  }
  for (const int arm : usable) {
    std::vector<std::size_t> had;
    for (const std::size_t i : rows.train)
      if (request.treatment[i] == arm) had.push_back(i);
    std::vector<ExpectedMonths> m = expected_by_cox(select(request.outcomes, had), columns_of(request.covariates, had), test, rows.test.size(), request.tau);
    for (std::size_t i = 0; i < rows.test.size(); ++i) {
      out.expected[static_cast<std::size_t>(arm)][rows.test[i]] = m[i].at_start();
      if (request.treatment[rows.test[i]] == arm) own[rows.test[i]] = std::move(m[i]);
    }
  }
}

// Each patient's months under the treatment that was given, G inside its arm. `own` is empty in an arm that is not evaluable,
// which goes by its own curve.
std::vector<double> months_as_observed(const ArmScoreRequest& request, const ArmScores& scores, const std::vector<ExpectedMonths>& own) {
  std::vector<double> out(request.outcomes.size());
  for (int arm = 0; arm < request.arms; ++arm) {
    const std::vector<std::size_t> rows = rows_with(request.treatment, arm);
    const OutcomeTable outcomes = select(request.outcomes, rows);
    const StepCurve g = censoring_curve(outcomes.view());
    const ExpectedMonths of_arm = expected_by_curve(outcomes, request.tau);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const std::size_t i = rows[k];
      const bool known = outcomes.event[k] == 1 || outcomes.time[k] >= request.tau;
      out[i] = months_had_none_been_lost(g, scores.evaluable(arm) ? own[i] : of_arm, std::min(outcomes.time[k], request.tau), known);
    }
  }
  return out;
}

struct Told {
  std::string method;
  double level;
};

Estimate mean_between(Values scores, double lowest, double highest, const Told& told) {
  const double se = standard_deviation(scores) / std::sqrt(static_cast<double>(scores.size()));
  if (scores.empty() || !std::isfinite(se)) return Estimate::none("fewer than two patients");
  const double value = mean(scores), span = highest - lowest;
  Estimate out{value, se, value, value, static_cast<std::int64_t>(scores.size()), 0, told.method, {}};
  if (se == 0) return out;
  if (value <= lowest || value >= highest) return Estimate::none(fmt::format("its scores have a mean of {:.1f} months, which lies outside {:.4g} to {:.4g}", value, lowest, highest));
  const ScaledLimits limits = interval_on(Scale::logit, (value - lowest) / span, se / span, normal_factor(told.level));
  out.low = lowest + span * limits.low;
  out.high = lowest + span * limits.high;
  return out;
}

}  // namespace

ArmScores arm_scores(const ArmScoreRequest& request) {
  const std::size_t n = request.outcomes.size(), arms = static_cast<std::size_t>(request.arms);
  std::vector<int> event;
  for (const int code : request.outcomes.event) event.push_back(code == 1 ? 1 : 0);
  const ArmScoreRequest single{{request.outcomes.time, event}, request.treatment, request.arms, request.covariates, request.fold, request.tau,
                               request.smallest_propensity};
  const std::set<int> folds(request.fold.begin(), request.fold.end());
  ArmScores out;
  out.tau = request.tau;
  out.floor = request.smallest_propensity;
  out.treatment.assign(request.treatment.begin(), request.treatment.end());
  out.not_evaluable = unusable_arms(single, event, folds);
  out.score.assign(arms, {});
  out.propensity.assign(arms, std::vector<double>(n, 0.0));
  out.expected.assign(arms, std::vector<double>(n, kNone));
  out.as_observed.assign(n, kNone);
  std::vector<ExpectedMonths> own(n);
  std::vector<int> usable;
  for (int arm = 0; arm < request.arms; ++arm)
    if (out.evaluable(arm)) usable.push_back(arm);
  if (usable.empty()) return out;
  for (const int fold : folds) {
    FoldRows rows;
    for (std::size_t i = 0; i < n; ++i) (request.fold[i] == fold ? rows.test : rows.train).push_back(i);
    fill_fold(single, usable, rows, out, own);
  }
  out.as_observed = months_as_observed(single, out, own);
  for (const int arm : usable) {
    const auto a = static_cast<std::size_t>(arm);
    for (std::size_t i = 0; i < n; ++i) {
      const double m = out.expected[a][i], e = std::max(out.propensity[a][i], request.smallest_propensity);
      out.score[a].push_back(m + (request.treatment[i] == arm ? (out.as_observed[i] - m) / e : 0));
    }
  }
  return out;
}

std::string policy_problem(const ArmScores& scores, Codes policy) {
  for (std::size_t arm = 0; arm < scores.not_evaluable.size(); ++arm) {
    const std::size_t n = count_code(policy, static_cast<int>(arm));
    if (n > 0 && !scores.not_evaluable[arm].empty())
      return fmt::format("it recommends an arm to {} patients that is not evaluable: {}", n, scores.not_evaluable[arm]);
  }
  if (policy.empty()) return "no patients";
  const PolicyOverlap overlap = policy_overlap(scores, policy);
  if (static_cast<double>(overlap.floored) > kMostFloored * static_cast<double>(overlap.patients))
    return fmt::format("no overlap: {} of {} patients have a propensity under {:g}", overlap.floored, overlap.patients, scores.floor);
  if (overlap.ess < kLeastEffective) return fmt::format("no overlap: those who were treated so have an effective sample size of {:.1f}, under {:g}", overlap.ess, kLeastEffective);
  return "";
}

std::string arm_problem(const ArmScores& scores, int arm) { return policy_problem(scores, std::vector<int>(scores.treatment.size(), arm)); }

std::string random_problem(const ArmScores& scores) {
  std::string why = "no arm is evaluable";
  for (int arm = 0; arm < static_cast<int>(scores.score.size()); ++arm) {
    if (!scores.evaluable(arm)) continue;
    why = arm_problem(scores, arm);
    if (!why.empty()) return why;
  }
  return why;
}

PolicyOverlap policy_overlap(const ArmScores& scores, Codes policy) {
  PolicyOverlap out;
  out.patients = static_cast<std::int64_t>(policy.size());
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < policy.size(); ++i) {
    const double propensity = policy[i] == kAsObserved ? 1 : scores.propensity[static_cast<std::size_t>(policy[i])][i];
    out.floored += propensity < scores.floor ? 1 : 0;
    if (policy[i] != kAsObserved && policy[i] != scores.treatment[i]) continue;
    const double weight = 1 / std::max(propensity, scores.floor);
    sum += weight;
    squares += weight * weight;
  }
  out.ess = squares > 0 ? sum * sum / squares : 0;
  return out;
}

std::vector<double> policy_scores(const ArmScores& scores, Codes policy) {
  std::vector<double> out;
  for (std::size_t i = 0; i < policy.size(); ++i)
    out.push_back(policy[i] == kAsObserved ? scores.as_observed[i] : scores.score[static_cast<std::size_t>(policy[i])][i]);
  return out;
}

std::vector<double> random_scores(const ArmScores& scores) {
  std::vector<double> out(scores.as_observed.size(), 0.0);
  double arms = 0;
  for (const std::vector<double>& score : scores.score) {
    if (score.empty()) continue;
    ++arms;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += score[i];
  }
  for (double& one : out) one /= arms;
  return out;
}

int best_single_arm(const ArmScores& scores) {
  int best = -1;
  for (std::size_t arm = 0; arm < scores.score.size(); ++arm)
    if (arm_problem(scores, static_cast<int>(arm)).empty() && (best < 0 || mean(scores.score[arm]) > mean(scores.score[static_cast<std::size_t>(best)]))) best = static_cast<int>(arm);
  return best;
}

Estimate mean_estimate(Values scores, double tau, const std::string& method, double level) { return mean_between(scores, 0, tau, {method, level}); }

Estimate mean_difference(Values first, Values second, double tau, const std::string& method, double level) {
  std::vector<double> difference;
  for (std::size_t i = 0; i < first.size(); ++i) difference.push_back(first[i] - second[i]);
  return mean_between(difference, -tau, tau, {method, level});
}

Overlap overlap_of(const ArmScores& scores, Columns covariates) {
  Overlap out;
  const std::size_t n = scores.treatment.size();
  std::vector<double> weight(n, 0.0);
  double rare = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto own = static_cast<std::size_t>(scores.treatment[i]);
    if (scores.score[own].empty()) continue;
    double inverse = 0;
    for (std::size_t a = 0; a < scores.score.size(); ++a)
      if (!scores.score[a].empty()) inverse += 1 / std::max(scores.propensity[a][i], 1e-12);
    weight[i] = 1 / std::max(scores.propensity[own][i], 1e-12) / inverse;
    rare += scores.propensity[own][i] < scores.floor ? 1 : 0;
  }
  out.below_floor = n == 0 ? 0 : rare / static_cast<double>(n);
  const int arms = static_cast<int>(scores.score.size());
  const WeightSummary summary = summarise_weights(scores.treatment, weight, arms);
  for (int arm = 0; arm < arms; ++arm) {
    const auto a = static_cast<std::size_t>(arm);
    out.n.push_back(static_cast<double>(count_code(scores.treatment, arm)));
    out.ess.push_back(scores.score[a].empty() ? kNone : summary.group_ess[a]);
    out.floored.push_back(scores.score[a].empty() ? 0 : std::count_if(scores.propensity[a].begin(), scores.propensity[a].end(), [&](double p) { return p < scores.floor; }));
    out.smallest_propensity.push_back(scores.score[a].empty() ? kNone : *std::min_element(scores.propensity[a].begin(), scores.propensity[a].end()));
  }
  // Balance among the arms that are evaluable.
  std::vector<std::size_t> rows;
  std::vector<double> labels;
  for (std::size_t i = 0; i < n; ++i)
    if (!scores.score[static_cast<std::size_t>(scores.treatment[i])].empty()) {
      rows.push_back(i);
      labels.push_back(scores.treatment[i]);
    }
  const std::vector<int> dense = dense_codes(labels);
  const std::vector<double> own_weight = select(weight, rows);
  const auto worst = [&](Values x, Values w) {
    double largest = 0;
    for (const double d : standardised_differences(dense, largest_code(dense) + 1, x, w)) largest = std::isfinite(d) ? std::max(largest, std::abs(d)) : largest;
    return largest;
  };
  for (const Values& column : covariates) {
    const std::vector<double> x = select(column, rows);
    out.smd_before.push_back(worst(x, {}));
    out.smd_after.push_back(worst(x, own_weight));
  }
  return out;
}

}  // namespace hepar::statistics
