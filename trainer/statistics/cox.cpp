// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/cox.hpp"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>

namespace hepar::statistics {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kInfiniteEffect = 12;  // |coef * sd| beyond it (a hazard ratio of 160,000 a standard deviation) has no maximum likelihood
constexpr double kConverged = 1e-9;     // relative step
constexpr double kGrowing = 1e-3, kFlat = 1e-11;  // a step of coef * sd, and the relative gain of the likelihood below which it leads nowhere
constexpr double kAliased = 1e-10;      // share of a column's information that earlier columns leave

// What one death time gives: the terms k = 0 … d-1 of Efron (all equal for Breslow).
struct DeathTime {
  double time = 0;
  double hazard = 0, own_hazard = 0;   // sum_k wbar/D_k, and the same with (1 - k/d): what one of the dying feels
  VectorXd mean_hazard, own_mean_hazard, mean;  // sum_k wbar/D_k m_k, likewise own; sum_k m_k / d
};

// One stratum with standardised columns (patients x p).
struct Stratum {
  std::vector<std::size_t> rows;
  OutcomeTable outcomes;
  std::vector<double> weight;
  MatrixXd x;
  Timeline line;
};

struct Moments {
  double s0 = 0;
  VectorXd s1;
  MatrixXd s2;
  explicit Moments(Eigen::Index p) : s1(VectorXd::Zero(p)), s2(MatrixXd::Zero(p, p)) {}
  void clear() {
    s0 = 0;
    s1.setZero();
    s2.setZero();
  }
  void add(double w, const VectorXd& x) {
    s0 += w;
    s1.noalias() += w * x;
    s2.selfadjointView<Eigen::Lower>().rankUpdate(x, w);
  }
  void add(const Moments& other) {
    s0 += other.s0;
    s1 += other.s1;
    s2 += other.s2;
  }
};

struct Likelihood {
  double value = 0;
  VectorXd score;
  MatrixXd information;
  explicit Likelihood(Eigen::Index p) : score(VectorXd::Zero(p)), information(MatrixXd::Zero(p, p)) {}
};

class Model {
 public:
  Model(std::vector<Stratum> strata, Eigen::Index p, Ties ties, double ridge)
      : strata_(std::move(strata)), p_(p), ties_(ties), ridge_(ridge) {}

  [[nodiscard]] const std::vector<Stratum>& strata() const { return strata_; }
  [[nodiscard]] bool penalised() const { return ridge_ > 0; }
  [[nodiscard]] Likelihood at(const VectorXd& beta) const {
    Likelihood sum(p_);
    for (const Stratum& stratum : strata_) walk(stratum, beta, &sum, nullptr);
    sum.information.triangularView<Eigen::StrictlyUpper>() = sum.information.transpose();
    sum.value -= ridge_ / 2 * beta.squaredNorm();
    sum.score -= ridge_ * beta;
    sum.information.diagonal().array() += ridge_;
    return sum;
  }
  // Ascending in time.
  [[nodiscard]] std::vector<DeathTime> death_times(const Stratum& stratum, const VectorXd& beta) const {
    std::vector<DeathTime> deaths;
    walk(stratum, beta, nullptr, &deaths);
    std::reverse(deaths.begin(), deaths.end());
    return deaths;
  }

 private:
  // One pass from the last time down. eta is shifted by its maximum, which cancels but in the log-likelihood.
  void walk(const Stratum& stratum, const VectorXd& beta, Likelihood* sum, std::vector<DeathTime>* deaths) const {
    const VectorXd eta = stratum.x * beta;
    const double shift = eta.size() > 0 ? eta.maxCoeff() : 0;
    Moments risk(p_), dying(p_);
    VectorXd x(p_);
    for (std::size_t k = stratum.line.times.size(); k-- > 0;) {
      dying.clear();
      double d = 0, weight = 0, weighted_eta = 0;
      VectorXd weighted_x = VectorXd::Zero(p_);
      for (const std::uint32_t i : stratum.line.at(k)) {
        const double w = stratum.weight[i];
        if (!(w > 0)) continue;
        x = stratum.x.row(i).transpose();
        const double e = w * std::exp(eta[i] - shift);
        if (stratum.outcomes.event[i] != 1) {
          risk.add(e, x);
          continue;
        }
        dying.add(e, x);
        d += 1;
        weight += w;
        weighted_eta += w * (eta[i] - shift);
        weighted_x += w * x;
      }
      if (d > 0) {
        if (sum != nullptr) {
          sum->value += weighted_eta;
          sum->score += weighted_x;
        }
        add_terms({risk, dying, d, weight / d}, sum, deaths);
        if (deaths != nullptr) {
          deaths->back().time = stratum.line.times[k];
          rescale(deaths->back(), shift);
        }
      }
      risk.add(dying);
    }
  }
  struct Tied {
    const Moments &others, &dying;  // at risk without the dying (no subtraction, no cancellation), and the dying
    double d, wbar;
  };
  void add_terms(const Tied& tied, Likelihood* sum, std::vector<DeathTime>* deaths) const {
    DeathTime death;
    death.mean_hazard = death.own_mean_hazard = death.mean = VectorXd::Zero(p_);
    const auto terms = static_cast<int>(tied.d);
    const bool efron = ties_ == Ties::efron;
    for (int k = 0; k < (efron ? terms : 1); ++k) {
      const double keep = efron ? 1 - k / tied.d : 1.0, times = efron ? 1.0 : tied.d;
      const double denominator = tied.others.s0 + keep * tied.dying.s0;
      const VectorXd m = (tied.others.s1 + keep * tied.dying.s1) / denominator;
      if (sum != nullptr) {
        sum->value -= times * tied.wbar * std::log(denominator);
        sum->score -= times * tied.wbar * m;
        sum->information += times * tied.wbar * ((tied.others.s2 + keep * tied.dying.s2) / denominator);
        sum->information.selfadjointView<Eigen::Lower>().rankUpdate(m, -times * tied.wbar);
      }
      const double h = times * tied.wbar / denominator;
      death.hazard += h;
      death.own_hazard += keep * h;
      death.mean_hazard += h * m;
      death.own_mean_hazard += keep * h * m;
      death.mean += times / tied.d * m;
    }
    if (deaths != nullptr) deaths->push_back(std::move(death));
  }
  static void rescale(DeathTime& death, double shift) {
    const double factor = std::exp(-shift);
    death.hazard *= factor;
    death.own_hazard *= factor;
    death.mean_hazard *= factor;
    death.own_mean_hazard *= factor;
  }

  std::vector<Stratum> strata_;
  Eigen::Index p_;
  Ties ties_;
  double ridge_;
};

// Score residuals (Therneau & Grambsch 2000, section 7.1), times weight, in the standardised scale.
void add_score_residuals(const Model& model, const VectorXd& beta, MatrixXd& residuals) {
  for (const Stratum& stratum : model.strata()) {
    const std::vector<DeathTime> deaths = model.death_times(stratum, beta);
    const VectorXd eta = stratum.x * beta;
    const auto p = stratum.x.cols();
    double hazard = 0;
    VectorXd mean_hazard = VectorXd::Zero(p);
    std::size_t next = 0;
    for (std::size_t k = 0; k < stratum.line.times.size(); ++k) {
      const DeathTime* here = next < deaths.size() && deaths[next].time == stratum.line.times[k] ? &deaths[next++] : nullptr;
      for (const std::uint32_t i : stratum.line.at(k)) {
        const VectorXd x = stratum.x.row(i).transpose();
        double a = hazard;
        VectorXd b = mean_hazard, r = VectorXd::Zero(p);
        if (here != nullptr && stratum.outcomes.event[i] == 1) {
          r = x - here->mean;
          a += here->own_hazard;
          b += here->own_mean_hazard;
        } else if (here != nullptr) {
          a += here->hazard;
          b += here->mean_hazard;
        }
        r -= std::exp(eta[i]) * (a * x - b);
        residuals.row(static_cast<Eigen::Index>(stratum.rows[i])) = stratum.weight[i] * r.transpose();
      }
      if (here == nullptr) continue;
      hazard += here->hazard;
      mean_hazard += here->mean_hazard;
    }
  }
}

struct Standard {
  std::vector<double> centre, sd;
  std::vector<std::size_t> used;  // columns that vary
};

Standard standardise(Columns x, Values weight) {
  Standard out;
  for (std::size_t c = 0; c < x.size(); ++c) {
    double total = 0, sum = 0, squares = 0;
    for (std::size_t i = 0; i < x[c].size(); ++i) {
      const double w = weight.empty() ? 1.0 : weight[i];
      total += w;
      sum += w * x[c][i];
    }
    const double centre = sum / total;
    for (std::size_t i = 0; i < x[c].size(); ++i) {
      squares += (weight.empty() ? 1.0 : weight[i]) * (x[c][i] - centre) * (x[c][i] - centre);
    }
    out.centre.push_back(centre);
    out.sd.push_back(std::sqrt(squares / total));
    if (out.sd[c] > 1e-12 * std::max(1.0, std::abs(centre))) out.used.push_back(c);
  }
  return out;
}

std::vector<Stratum> strata_of(Outcomes outcomes, Columns x, const Standard& standard, const CoxOptions& options) {
  std::vector<Stratum> strata(options.strata.empty() ? 1 : static_cast<std::size_t>(largest_code(options.strata) + 1));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    strata[options.strata.empty() ? 0 : static_cast<std::size_t>(options.strata[i])].rows.push_back(i);
  }
  for (Stratum& stratum : strata) {
    const auto n = static_cast<Eigen::Index>(stratum.rows.size());
    stratum.outcomes = select(outcomes, stratum.rows);
    stratum.weight = options.weight.empty() ? std::vector<double>(stratum.rows.size(), 1.0) : select(options.weight, stratum.rows);
    stratum.line = timeline(stratum.outcomes.time);
    stratum.x.resize(n, static_cast<Eigen::Index>(standard.used.size()));
    for (Eigen::Index j = 0; j < stratum.x.cols(); ++j) {
      const std::size_t c = standard.used[static_cast<std::size_t>(j)];
      for (Eigen::Index i = 0; i < n; ++i) {
        stratum.x(i, j) = (x[c][stratum.rows[static_cast<std::size_t>(i)]] - standard.centre[c]) / standard.sd[c];
      }
    }
  }
  return strata;
}

// Columns that earlier ones do not explain, by the pivots of an ordered Cholesky of the information at 0.
std::vector<std::size_t> independent_columns(const MatrixXd& information) {
  std::vector<std::size_t> kept;
  MatrixXd left = information;
  for (Eigen::Index j = 0; j < left.cols(); ++j) {
    if (!(left(j, j) > kAliased * information(j, j))) continue;
    kept.push_back(static_cast<std::size_t>(j));
    const VectorXd column = left.col(j) / std::sqrt(left(j, j));
    left -= column * column.transpose();
  }
  return kept;
}

struct Solution {
  VectorXd beta;
  Likelihood likelihood;
  int iterations = 0;
  std::string problem;
  Eigen::Array<bool, Eigen::Dynamic, 1> infinite;  // [coefficient]: it still grows where the likelihood no longer does
};

Solution maximise(const Model& model, const Likelihood& start, Eigen::Index p, int limit) {
  Solution out{VectorXd::Zero(p), start, 0, {}, {}};
  out.infinite.setConstant(p, false);
  while (true) {
    const VectorXd step = out.likelihood.information.ldlt().solve(out.likelihood.score);
    if (!step.allFinite()) {
      out.problem = "the information matrix is singular";
      return out;
    }
    double factor = 1;
    Likelihood next = model.at(out.beta + step);
    while ((!(next.value >= out.likelihood.value - 1e-12 * std::abs(out.likelihood.value))) && factor > 1e-8) {
      factor /= 2;
      next = model.at(out.beta + factor * step);
    }
    out.beta += factor * step;
    const double gain = next.value - out.likelihood.value;
    out.likelihood = std::move(next);
    ++out.iterations;
    const double scale = std::max(1e-3, out.beta.size() > 0 ? out.beta.cwiseAbs().maxCoeff() : 1.0);
    if (step.size() == 0 || factor * step.cwiseAbs().maxCoeff() < kConverged * scale) return out;
    if (!model.penalised() && gain < kFlat * std::abs(start.value)) {
      out.infinite = (factor * step).array().abs() > kGrowing;
      if (out.infinite.any()) return out;
    }
    if (out.iterations >= limit) {
      out.problem = "no convergence in " + std::to_string(limit) + " iterations";
      return out;
    }
  }
}

void robust_errors(CoxFit& fit, const Model& model, const Solution& solution, const CoxOptions& options, const Standard& standard) {
  const auto n = static_cast<Eigen::Index>(options.cluster.size());
  MatrixXd residuals = MatrixXd::Zero(n, solution.beta.size());
  add_score_residuals(model, solution.beta, residuals);
  MatrixXd sums = MatrixXd::Zero(largest_code(options.cluster) + 1, solution.beta.size());
  for (Eigen::Index i = 0; i < n; ++i) sums.row(options.cluster[static_cast<std::size_t>(i)]) += residuals.row(i);
  const MatrixXd influence = solution.likelihood.information.ldlt().solve(sums.transpose());  // p x clusters
  for (std::size_t j = 0; j < standard.used.size(); ++j) {
    if (!std::isfinite(fit.coef[standard.used[j]])) continue;
    fit.robust_se[standard.used[j]] = influence.row(static_cast<Eigen::Index>(j)).norm() / standard.sd[standard.used[j]];
  }
}

void fill(CoxFit& fit, const Model& model, const Solution& solution, const Standard& standard) {
  const MatrixXd inverse =
      solution.likelihood.information.ldlt().solve(MatrixXd::Identity(solution.beta.size(), solution.beta.size()));
  const std::size_t p = fit.coef.size();
  for (std::size_t a = 0; a < standard.used.size(); ++a) {
    const std::size_t c = standard.used[a];
    const auto j = static_cast<Eigen::Index>(a);
    if (std::abs(solution.beta[j]) > kInfiniteEffect || solution.infinite[j]) {
      fit.problem = "infinite coefficient of column " + std::to_string(c + 1) + " (it separates the events)";
      continue;
    }
    fit.coef[c] = solution.beta[j] / standard.sd[c];
    fit.se[c] = std::sqrt(inverse(j, j)) / standard.sd[c];
    for (std::size_t b = 0; b < standard.used.size(); ++b) {
      const std::size_t e = standard.used[b];
      fit.covariance[c * p + e] = inverse(j, static_cast<Eigen::Index>(b)) / (standard.sd[c] * standard.sd[e]);
    }
  }
  for (const Stratum& stratum : model.strata()) {
    StepCurve curve;
    curve.start = 0;
    double sum = 0;
    for (const DeathTime& death : model.death_times(stratum, solution.beta)) {
      curve.time.push_back(death.time);
      curve.value.push_back(sum += death.hazard);
    }
    fit.cumulative_hazard.push_back(std::move(curve));
  }
}

}  // namespace

CoxFit cox(Outcomes outcomes, Columns x, const CoxOptions& options) {
  CoxFit fit;
  fit.coef.assign(x.size(), kNone);
  fit.se.assign(x.size(), kNone);
  fit.covariance.assign(x.size() * x.size(), kNone);
  if (!options.cluster.empty()) fit.robust_se.assign(x.size(), kNone);
  if (count_code(outcomes.event, 1) == 0) {
    fit.problem = "no events";
    fit.loglik_null = fit.loglik = fit.score_test = kNone;
    return fit;
  }
  Standard standard = standardise(x, options.weight);
  fit.centre = standard.centre;
  const auto model_of = [&] {
    return Model(strata_of(outcomes, x, standard, options), static_cast<Eigen::Index>(standard.used.size()), options.ties, options.ridge);
  };
  Model model = model_of();
  Likelihood null = model.at(VectorXd::Zero(static_cast<Eigen::Index>(standard.used.size())));
  const std::vector<std::size_t> kept = independent_columns(null.information);
  if (kept.size() < standard.used.size()) {
    std::vector<std::size_t> used;
    for (const std::size_t k : kept) used.push_back(standard.used[k]);
    standard.used = std::move(used);
    model = model_of();
    null = model.at(VectorXd::Zero(static_cast<Eigen::Index>(standard.used.size())));
  }
  fit.loglik_null = null.value;
  fit.score_test = standard.used.empty() ? 0 : null.score.dot(null.information.ldlt().solve(null.score));
  const Solution solution = maximise(model, null, static_cast<Eigen::Index>(standard.used.size()), options.max_iterations);
  fit.loglik = solution.likelihood.value;
  fit.iterations = solution.iterations;
  fit.problem = solution.problem;
  if (standard.used.size() < x.size()) fit.problem = "a column is constant or depends on the columns before it";
  fill(fit, model, solution, standard);
  if (!options.cluster.empty()) robust_errors(fit, model, solution, options, standard);
  return fit;
}

}  // namespace hepar::statistics
