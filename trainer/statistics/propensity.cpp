// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/causal.hpp"
#include "trainer/statistics/quantile.hpp"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>

namespace hepar::statistics {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kLimit = 100;
constexpr double kSeparated = 50;  // on standardised columns

// Columns as intercept and standardised values; b maps back to the columns' own scale.
struct Design {
  MatrixXd x;  // n x (1 + columns)
  std::vector<double> centre, sd;
};

Design design_of(std::size_t n, Columns columns) {
  Design design;
  design.x = MatrixXd::Ones(static_cast<Index>(n), static_cast<Index>(columns.size()) + 1);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const double centre = mean(columns[c]), sd = standard_deviation(columns[c]);
    design.centre.push_back(centre);
    design.sd.push_back(sd > 0 ? sd : 1);
    for (std::size_t i = 0; i < n; ++i) {
      design.x(static_cast<Index>(i), static_cast<Index>(c) + 1) = (columns[c][i] - centre) / design.sd[c];
    }
  }
  return design;
}

// Probabilities of arms 1 … K (rows: patients) and the log-likelihood, with the largest exponent taken out.
struct Fitted {
  MatrixXd p;       // n x K
  VectorXd zero;    // of arm 0
  double loglik = 0;
};

Fitted fitted(const MatrixXd& x, const MatrixXd& b, Codes treatment) {
  Fitted out;
  out.p = x * b;
  out.zero.resize(x.rows());
  for (Index i = 0; i < x.rows(); ++i) {
    const double m = out.p.cols() > 0 ? std::max(0.0, out.p.row(i).maxCoeff()) : 0.0;  // no columns: one arm
    const int arm = treatment[static_cast<std::size_t>(i)];
    const double own = arm == 0 ? 0 : out.p(i, arm - 1);
    out.p.row(i) = (out.p.row(i).array() - m).exp();
    const double sum = std::exp(-m) + out.p.row(i).sum();
    out.p.row(i) /= sum;
    out.zero[i] = std::exp(-m) / sum;
    out.loglik += own - m - std::log(sum);
  }
  return out;
}

struct Newton {
  VectorXd gradient;
  MatrixXd information;
};

Newton derivatives(const MatrixXd& x, const MatrixXd& b, const Fitted& fit, Codes treatment, double ridge) {
  const Index p = x.cols(), arms = b.cols();
  Newton out{VectorXd::Zero(p * arms), MatrixXd::Zero(p * arms, p * arms)};
  for (Index a = 0; a < arms; ++a) {
    VectorXd residual = -fit.p.col(a);
    for (Index i = 0; i < x.rows(); ++i) {
      if (treatment[static_cast<std::size_t>(i)] == a + 1) residual[i] += 1;
    }
    out.gradient.segment(a * p, p) = x.transpose() * residual;
    for (Index c = a; c < arms; ++c) {
      const VectorXd w = fit.p.col(a).array() * ((a == c ? 1.0 : 0.0) - fit.p.col(c).array());
      out.information.block(a * p, c * p, p, p) = x.transpose() * (x.array().colwise() * w.array()).matrix();
      if (a != c) out.information.block(c * p, a * p, p, p) = out.information.block(a * p, c * p, p, p).transpose();
    }
    for (Index j = 1; j < p; ++j) {
      out.gradient[a * p + j] -= ridge * b(j, a);
      out.information(a * p + j, a * p + j) += ridge;
    }
  }
  return out;
}

double penalty(const MatrixXd& b, double ridge) { return ridge / 2 * b.bottomRows(b.rows() - 1).squaredNorm(); }

}  // namespace

Propensity propensity(Codes treatment, Columns columns, double ridge) {
  Propensity out;
  const int arms = largest_code(treatment);
  const Design design = design_of(treatment.size(), columns);
  const Index p = design.x.cols();
  MatrixXd b = MatrixXd::Zero(p, arms);
  Fitted fit = fitted(design.x, b, treatment);
  out.problem = arms == 0 ? "" : "no convergence in " + std::to_string(kLimit) + " iterations";
  for (int iteration = 0; iteration < kLimit && arms > 0; ++iteration) {
    const Newton newton = derivatives(design.x, b, fit, treatment, ridge);
    const VectorXd step = newton.information.ldlt().solve(newton.gradient);
    if (!step.allFinite()) {
      out.problem = "the covariates are linearly dependent";
      break;
    }
    const double before = fit.loglik - penalty(b, ridge);
    double factor = 1;
    const Eigen::Map<const MatrixXd> direction(step.data(), p, arms);
    MatrixXd next = b + direction;
    fit = fitted(design.x, next, treatment);
    while (!(fit.loglik - penalty(next, ridge) >= before - 1e-10 * std::abs(before)) && factor > 1e-8) {
      factor /= 2;
      next = b + factor * direction;
      fit = fitted(design.x, next, treatment);
    }
    b = next;
    if (b.cwiseAbs().maxCoeff() > kSeparated) {
      out.problem = "infinite coefficient: the covariates separate the arms";
      break;
    }
    if (factor * step.cwiseAbs().maxCoeff() < 1e-11) {
      out.problem.clear();
      break;
    }
  }
  out.loglik = fit.loglik;
  for (int a = 0; a < arms; ++a) {
    std::vector<double> coef{b(0, a)};
    for (std::size_t c = 0; c < columns.size(); ++c) {
      coef.push_back(b(static_cast<Index>(c) + 1, a) / design.sd[c]);
      coef[0] -= coef.back() * design.centre[c];
    }
    out.coef.push_back(std::move(coef));
  }
  if (!treatment.empty()) out.smallest.push_back(arms == 0 ? 1.0 : fit.zero.minCoeff());
  for (int a = 0; a < arms; ++a) out.smallest.push_back(fit.p.col(a).minCoeff());
  return out;
}

std::vector<double> Propensity::probabilities(Values x) const {
  std::vector<double> eta{0.0};
  for (const std::vector<double>& arm : coef) {
    double sum = arm[0];
    for (std::size_t c = 0; c < x.size(); ++c) sum += arm[c + 1] * x[c];
    eta.push_back(sum);
  }
  const double m = *std::max_element(eta.begin(), eta.end());
  double total = 0;
  for (double& e : eta) total += e = std::exp(e - m);
  for (double& e : eta) e /= total;
  return eta;
}

std::vector<double> treatment_weights(Codes treatment, Columns ps, WeightKind kind) {
  std::vector<double> weights(treatment.size());
  std::vector<double> share(ps.size());
  for (const int a : treatment) share[static_cast<std::size_t>(a)] += 1 / static_cast<double>(treatment.size());
  for (std::size_t i = 0; i < treatment.size(); ++i) {
    const auto arm = static_cast<std::size_t>(treatment[i]);
    const double inverse = 1 / ps[arm][i];
    double sum = 0;
    for (const Values& p : ps) sum += 1 / p[i];
    weights[i] = kind == WeightKind::ate ? inverse : kind == WeightKind::stabilized ? share[arm] * inverse : inverse / sum;
  }
  return weights;
}

void truncate_weights(std::vector<double>& weights, double low_p, double high_p) {
  const double low = quantile7(weights, low_p), high = quantile7(weights, high_p);
  for (double& w : weights) w = std::min(std::max(w, low), high);
}

WeightSummary summarise_weights(Codes treatment, Values weights, int arms) {
  WeightSummary out{0, kNone, kNone, std::vector<double>(static_cast<std::size_t>(arms)), {}};
  std::vector<double> squares(static_cast<std::size_t>(arms));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto arm = static_cast<std::size_t>(treatment[i]);
    out.sum += weights[i];
    out.group_sum[arm] += weights[i];
    squares[arm] += weights[i] * weights[i];
  }
  if (!weights.empty()) {
    out.min = *std::min_element(weights.begin(), weights.end());
    out.max = *std::max_element(weights.begin(), weights.end());
  }
  for (std::size_t a = 0; a < squares.size(); ++a) {
    out.group_ess.push_back(out.group_sum[a] * out.group_sum[a] / squares[a]);
    if (squares[a] == 0) out.group_sum[a] = kNone;  // nobody had this arm
  }
  return out;
}

std::vector<double> standardised_differences(Codes treatment, int arms, Values x, Values weight) {
  std::vector<double> centre, variance;
  for (int a = 0; a < arms; ++a) {
    const std::vector<std::size_t> rows = rows_with(treatment, a);
    double sum = 0, total = 0;
    for (const std::size_t i : rows) {
      const double w = weight.empty() ? 1.0 : weight[i];
      sum += w * x[i];
      total += w;
    }
    const double sd = standard_deviation(select(x, rows));
    centre.push_back(sum / total);
    variance.push_back(sd * sd);
  }
  std::vector<double> out;
  for (std::size_t a = 0; a < centre.size(); ++a) {
    for (std::size_t b = a + 1; b < centre.size(); ++b) {
      out.push_back((centre[b] - centre[a]) / std::sqrt((variance[a] + variance[b]) / 2));
    }
  }
  return out;
}

}  // namespace hepar::statistics
