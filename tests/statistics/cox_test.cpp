// SPDX-License-Identifier: Apache-2.0
#include "tests/statistics/gehan.hpp"
#include "tests/statistics/tied_data.hpp"
#include "trainer/statistics/cox.hpp"
#include "trainer/statistics/survival.hpp"

#include <gtest/gtest.h>

namespace hepar::statistics {
namespace {

// The partial log-likelihood by its definition, O(n^2).
double partial_likelihood(const TiedData& data, const std::vector<double>& beta, const CoxOptions& options) {
  const std::size_t n = data.size();
  const auto w = [&](std::size_t i) { return options.weight.empty() ? 1.0 : options.weight[i]; };
  const auto s = [&](std::size_t i) { return options.strata.empty() ? 0 : options.strata[i]; };
  const auto eta = [&](std::size_t i) { return beta[0] * data.x1[i] + beta[1] * data.x2[i]; };
  double value = 0;
  for (int stratum = 0; stratum <= (options.strata.empty() ? 0 : largest_code(options.strata)); ++stratum) {
    for (double u = 0; u < 20; ++u) {
      double d = 0, weight = 0, risk = 0, dying = 0;
      for (std::size_t i = 0; i < n; ++i) {
        if (s(i) != stratum || data.time[i] < u) continue;
        risk += w(i) * std::exp(eta(i));
        if (data.time[i] != u || data.event[i] != 1) continue;
        d += 1;
        weight += w(i);
        dying += w(i) * std::exp(eta(i));
        value += w(i) * eta(i);
      }
      for (double k = 0; k < d; ++k) value -= weight / d * std::log(risk - (options.ties == Ties::efron ? k / d : 0) * dying);
    }
  }
  return value;
}

TEST(Cox, GivesThePublishedFitOfTheLeukaemiaTrial) {
  const Values x[] = {kGehanTreated};
  const CoxFit efron = cox({kGehanWeeks, kGehanRelapse}, x);
  EXPECT_NEAR(efron.coef[0], -1.5721, 5e-5);  // R survival coxph, ties = "efron"
  EXPECT_NEAR(efron.se[0], 0.4124, 5e-5);
  CoxOptions options;
  options.ties = Ties::breslow;
  const CoxFit breslow = cox({kGehanWeeks, kGehanRelapse}, x, options);
  EXPECT_NEAR(breslow.coef[0], -1.5092, 5e-5);  // ties = "breslow"
  EXPECT_NEAR(breslow.se[0], 0.4096, 5e-5);
}

TEST(Cox, MaximisesThePartialLikelihoodOfItsDefinition) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const TiedData data = tied_data(seed, 60);
    const Values x[] = {data.x1, data.x2};
    for (int variant = 0; variant < 6; ++variant) {
      CoxOptions options;
      options.ties = variant % 2 == 0 ? Ties::efron : Ties::breslow;
      if (variant >= 2) options.strata = data.stratum;
      if (variant >= 4) options.weight = data.weight;
      const CoxFit fit = cox(data.outcomes(), x, options);
      ASSERT_TRUE(fit.usable()) << fit.problem;
      EXPECT_NEAR(fit.loglik_null, partial_likelihood(data, {0, 0}, options), 1e-8);
      EXPECT_NEAR(fit.loglik, partial_likelihood(data, fit.coef, options), 1e-8);
      constexpr double kStep = 1e-4;
      double hessian[2][2];
      for (std::size_t a = 0; a < 2; ++a) {
        const auto at = [&](double da, std::size_t b, double db) {
          std::vector<double> beta = fit.coef;
          beta[a] += da;
          beta[b] += db;
          return partial_likelihood(data, beta, options);
        };
        EXPECT_NEAR((at(kStep, a, 0) - at(-kStep, a, 0)) / (2 * kStep), 0, 1e-5);  // the score is zero there
        for (std::size_t b = 0; b < 2; ++b) {
          hessian[a][b] = -(at(kStep, b, kStep) - at(kStep, b, -kStep) - at(-kStep, b, kStep) + at(-kStep, b, -kStep)) / (4 * kStep * kStep);
        }
      }
      const double determinant = hessian[0][0] * hessian[1][1] - hessian[0][1] * hessian[1][0];
      EXPECT_NEAR(fit.se[0], std::sqrt(hessian[1][1] / determinant), 1e-4);
      EXPECT_NEAR(fit.se[1], std::sqrt(hessian[0][0] / determinant), 1e-4);
    }
  }
}

TEST(Cox, RobustErrorIsTheDerivativeByTheWeightsOfAPatient) {
  const TiedData data = tied_data(4, 50);
  const Values x[] = {data.x1, data.x2};
  std::vector<int> own(data.size());
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = static_cast<int>(i);
  CoxOptions options;
  options.ties = Ties::breslow;  // Efron's term count d is not a function of weights
  options.cluster = own;
  const CoxFit fit = cox(data.outcomes(), x, options);
  double sum = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    constexpr double kStep = 1e-4;
    const auto coef = [&](double change) {
      std::vector<double> weight(data.size(), 1.0);
      weight[i] += change;
      CoxOptions weighted;
      weighted.ties = Ties::breslow;
      weighted.weight = weight;
      return cox(data.outcomes(), x, weighted).coef[0];
    };
    const double slope = (coef(kStep) - coef(-kStep)) / (2 * kStep);
    sum += slope * slope;
  }
  EXPECT_NEAR(fit.robust_se[0], std::sqrt(sum), 1e-6);
}

TEST(Cox, NamesACoefficientThatRunsToInfinity) {
  const std::vector<double> time{1, 2, 3, 4, 5, 6, 7, 8}, x{1, 1, 1, 1, 0, 0, 0, 0};
  const std::vector<int> event{1, 1, 1, 1, 0, 0, 0, 0};
  const Values columns[] = {x};
  const CoxFit fit = cox({time, event}, columns);
  EXPECT_NE(fit.problem.find("infinite coefficient of column 1"), std::string::npos) << fit.problem;
  EXPECT_TRUE(std::isnan(fit.coef[0]));
  CoxOptions ridge;
  ridge.ridge = 1;
  const CoxFit shrunk = cox({time, event}, columns, ridge);
  EXPECT_TRUE(shrunk.usable()) << shrunk.problem;
  EXPECT_GT(shrunk.coef[0], 0.5);
  EXPECT_LT(shrunk.coef[0], 10);
}

TEST(Cox, TreatsPatientsOfAnInfiniteCoefficientAsIfTheyWereNotThere) {
  TiedData data = tied_data(11, 120);
  std::vector<double> rare(data.size(), 0);
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < data.size(); ++i) {
    rare[i] = i < 3 ? 1 : 0;  // no event among them
    if (i < 3) data.event[i] = 0;
    if (i >= 3) others.push_back(i);
  }
  const Values with[] = {data.x1, rare};
  const CoxFit fit = cox({data.time, data.event}, with);
  EXPECT_NE(fit.problem.find("infinite coefficient of column 2"), std::string::npos) << fit.problem;
  EXPECT_LT(fit.iterations, 50);
  const std::vector<double> x1 = select(data.x1, others);
  const OutcomeTable rest = select(Outcomes{data.time, data.event}, others);
  const Values without[] = {x1};
  EXPECT_NEAR(fit.coef[0], cox(rest.view(), without).coef[0], 1e-6);
}

// The one that runs away first must not leave the other where it happens to be.
TEST(Cox, GivesNoNumberForAnyOfTwoInfiniteCoefficients) {
  TiedData data = tied_data(11, 120);
  std::vector<double> many(data.size()), few(data.size());
  std::vector<int> own(data.size());
  for (std::size_t i = 0; i < data.size(); ++i) {
    many[i] = i < 50 ? 1 : 0;
    few[i] = i >= 50 && i < 60 ? 1 : 0;
    if (i < 60) data.event[i] = 0;
    own[i] = static_cast<int>(i);
  }
  const Values columns[] = {few, many, data.x1};
  CoxOptions options;
  options.cluster = own;
  const CoxFit fit = cox({data.time, data.event}, columns, options);
  for (const std::size_t c : {0, 1}) {
    EXPECT_TRUE(std::isnan(fit.coef[c])) << fit.coef[c];
    EXPECT_TRUE(std::isnan(fit.se[c])) << fit.se[c];
    EXPECT_TRUE(std::isnan(fit.robust_se[c])) << fit.robust_se[c];
  }
  EXPECT_LT(std::abs(fit.coef[2]), 2);
}

TEST(Cox, LeavesOutAColumnThatOthersExplain) {
  const TiedData data = tied_data(7, 80);
  std::vector<double> twice;
  for (const double x : data.x1) twice.push_back(3 - 2 * x);
  const Values three[] = {data.x1, data.x2, twice}, two[] = {data.x1, data.x2};
  const CoxFit fit = cox(data.outcomes(), three), plain = cox(data.outcomes(), two);
  EXPECT_FALSE(fit.usable());
  EXPECT_TRUE(std::isnan(fit.coef[2]));
  EXPECT_NEAR(fit.coef[0], plain.coef[0], 1e-10);
  EXPECT_NEAR(fit.loglik, plain.loglik, 1e-9);
}

TEST(Cox, HasNoFitWithoutEvents) {
  const TiedData data = tied_data(7, 30);
  const std::vector<int> none(data.size(), 0);
  const Values x[] = {data.x1};
  EXPECT_EQ(cox({data.time, none}, x).problem, "no events");
}

TEST(Cox, IsBlindToTheUnitsAndOriginOfAColumn) {
  const TiedData data = tied_data(9, 70);
  std::vector<double> moved;
  for (const double x : data.x1) moved.push_back(1e6 + 1e-3 * x);
  const Values a[] = {data.x1}, b[] = {moved};
  const CoxFit fit = cox(data.outcomes(), a), other = cox(data.outcomes(), b);
  EXPECT_NEAR(other.coef[0] * 1e-3, fit.coef[0], 1e-6);
  const double row[] = {1.0}, moved_row[] = {1e6 + 1e-3};
  EXPECT_NEAR(other.survival(moved_row, 5), fit.survival(row, 5), 1e-6);
}

TEST(CoxSurvival, WithoutEffectIsTheNelsonAalenCurve) {
  const TiedData data = tied_data(3, 60);
  const std::vector<double> constant(data.size(), 1.0);
  const Values x[] = {constant};
  CoxOptions options;
  options.ties = Ties::breslow;
  const CoxFit fit = cox(data.outcomes(), x, options);
  const KaplanMeier curve = kaplan_meier(data.outcomes());
  double hazard = 0;
  for (std::size_t k = 0; k < curve.time.size() && curve.time[k] <= 6; ++k) hazard += curve.events[k] / curve.at_risk[k];
  const double row[] = {1.0};
  EXPECT_NEAR(fit.survival(row, 6), std::exp(-hazard), 1e-12);
}

TEST(CoxPredictor, PredictsTheMarginalRiskOnAverage) {
  for (const int causes : {1, 2}) {
    const TiedData data = tied_data(21, 2000, causes);
    const Values x[] = {data.x1, data.x2};
    const CoxPredictor model(data.outcomes(), x);
    const double months[] = {2, 5, 8};
    const auto survival = model.survival(x, months);
    for (std::size_t m = 0; m < 3; ++m) {
      double risk = 0;
      for (const double s : survival[m]) risk += (1 - s) / static_cast<double>(data.size());
      EXPECT_NEAR(risk, observed_risk(data.outcomes(), months[m]).value, 0.02) << causes << " causes, month " << months[m];
    }
    EXPECT_GT(survival[0][0], survival[2][0]);
  }
}

TEST(CoxPredictor, WithOneCauseIsTheCoxCurve) {
  const TiedData data = tied_data(22, 200);
  const Values x[] = {data.x1, data.x2};
  const CoxPredictor model(data.outcomes(), x, 1e-9);
  const CoxFit fit = cox(data.outcomes(), x);
  const double months[] = {4};
  const double row[] = {data.x1[3], data.x2[3]};
  EXPECT_NEAR(model.survival(x, months)[0][3], fit.survival(row, 4), 1e-8);
}

}  // namespace
}  // namespace hepar::statistics
