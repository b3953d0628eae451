// SPDX-License-Identifier: Apache-2.0
// Methods that fit a Cox model.
#include "data/base/error.hpp"
#include "trainer/statistics/calibration.hpp"
#include "trainer/statistics/cox.hpp"
#include "trainer/statistics/request.hpp"

#include <cmath>

namespace hepar::statistics {
namespace {

Ties ties_of(const Request& request) { return request.choice("ties", {"efron", "breslow"}) == 0 ? Ties::efron : Ties::breslow; }

Result cox_method(const Request& request) {
  const OutcomeTable table = request.single_outcomes();
  const std::vector<Values> x = request.columns("x");
  const std::vector<int> strata = request.labels("strata"), cluster = request.labels("cluster");
  CoxOptions options;
  options.ties = ties_of(request);
  options.strata = strata;
  options.cluster = cluster;
  options.weight = request.weights();
  const CoxFit fit = cox(table.view(), x, options);
  Result out{{"coef", fit.coef}, {"se", fit.se}, {"loglik_null", fit.loglik_null}, {"loglik", fit.loglik}, {"score_test", fit.score_test}};
  if (request.has("cluster")) out.emplace_back("robust_se", fit.robust_se);
  return out;
}

Result cox_surv(const Request& request) {
  const OutcomeTable table = request.single_outcomes();
  const std::vector<Values> x = request.columns("x");
  CoxOptions options;
  options.ties = ties_of(request);
  const CoxFit fit = cox(table.view(), x, options);
  const Numbers times = request.numbers("times");
  NumberRows surv;
  for (const Numbers& row : request.number_rows("at")) {
    if (row.size() != x.size()) throw usage_error("option 'at' needs one value for each column of 'x' in every row");
    Numbers at;
    for (const double t : times) at.push_back(fit.usable() ? fit.survival(row, t) : std::nan(""));
    surv.push_back(std::move(at));
  }
  return {{"surv", surv}};
}

Result calibration_slope_method(const Request& request) {
  const Slope slope = calibration_slope(request.single_outcomes().view(), request.column("risk"));
  return {{"slope", slope.slope}, {"se", slope.se}};
}

Result ici(const Request& request) {
  const CalibrationIndex index = calibration_index(request.single_outcomes().view(), request.column("risk"), request.number("t"));
  return {{"ici", index.ici}, {"e50", index.e50}, {"e90", index.e90}, {"emax", index.emax}};
}

Result calibration_method(const Request& request) {
  const Calibration at = calibration(request.single_outcomes().view(), request.column("risk"), request.number("t"), request.whole("groups", 1));
  return {{"expected", at.expected},           {"observed", at.observed},
          {"oe", at.oe},                       {"group_n", at.group_n},
          {"group_expected", at.group_expected}, {"group_observed", at.group_observed}};
}

Result net_benefit_method(const Request& request) {
  const Numbers thresholds = request.numbers("thresholds");
  for (const double p : thresholds) {
    if (!(p >= 0 && p < 1)) throw usage_error("option 'thresholds' must lie in [0, 1)");
  }
  const NetBenefit at = net_benefit(request.single_outcomes().view(), request.column("risk"), request.number("t"), thresholds);
  return {{"model", at.model}, {"all", at.all}};
}

}  // namespace

std::vector<Method> regression_methods() {
  return {{"cox", "time event x strata? weight? cluster?", "ties?", cox_method},
          {"cox_surv", "time event x", "at times ties?", cox_surv},
          {"calibration", "time event risk", "t groups", calibration_method},
          {"calibration_slope", "time event risk", "", calibration_slope_method},
          {"ici", "time event risk", "t", ici},
          {"net_benefit", "time event risk", "t thresholds", net_benefit_method}};
}

}  // namespace hepar::statistics
