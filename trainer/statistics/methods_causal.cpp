// SPDX-License-Identifier: Apache-2.0
// Methods of treatment evaluation.
#include "data/base/error.hpp"
#include "trainer/statistics/causal.hpp"
#include "trainer/statistics/request.hpp"

namespace hepar::statistics {
namespace {

Result propensity_multinom(const Request& request) {
  const Propensity at = propensity(request.labels("treatment"), request.columns("x"));
  return {{"coef", at.coef}, {"loglik", at.loglik}, {"min_ps", at.smallest}};
}

Result weights(const Request& request) {
  const std::vector<Values> ps = request.columns("ps");
  const std::vector<int> treatment = request.codes("treatment", static_cast<int>(ps.size()) - 1);
  if (!request.asks("kind")) throw usage_error("option 'kind' is missing");
  static constexpr WeightKind kKinds[] = {WeightKind::ate, WeightKind::stabilized, WeightKind::overlap};
  std::vector<double> weight = treatment_weights(treatment, ps, kKinds[request.choice("kind", {"ate", "stabilized", "overlap"})]);
  if (request.asks("truncate")) {
    const Numbers limits = request.ascending("truncate");
    if (limits.size() != 2 || limits[0] < 0 || limits[1] > 1) throw usage_error("option 'truncate' takes two shares between 0 and 1");
    truncate_weights(weight, limits[0], limits[1]);
  }
  const WeightSummary at = summarise_weights(treatment, weight, static_cast<int>(ps.size()));
  return {{"sum", at.sum}, {"min", at.min}, {"max", at.max}, {"group_sum", at.group_sum}, {"group_ess", at.group_ess}};
}

Result smd(const Request& request) {
  const std::vector<int> treatment = request.labels("treatment");
  NumberRows rows;
  for (const Values& x : request.columns("x")) {
    rows.push_back(standardised_differences(treatment, largest_code(treatment) + 1, x, request.weights()));
  }
  return {{"smd", rows}};
}

Result policy_value_method(const Request& request) {
  const OutcomeTable table = request.outcomes();
  const std::vector<Values> ps = request.columns("ps");
  const std::size_t estimator = request.choice("estimator", {"ipw", "hajek", "aipw"});
  const std::vector<Values> m = request.has("m") ? request.columns("m") : std::vector<Values>{};
  if (estimator == 2 && m.size() != ps.size()) throw usage_error("column role 'm' needs one column for each of 'ps'");
  const int last = static_cast<int>(ps.size()) - 1;
  const std::vector<int> treatment = request.codes("treatment", last);
  std::vector<std::vector<int>> policies;
  for (const Values& column : request.columns("policies")) {
    Request one;
    one.roles["policies"] = {Numbers(column.begin(), column.end())};
    policies.push_back(one.codes("policies", last));
  }
  PolicyInput input{table.view(), treatment, ps, m, {policies.begin(), policies.end()}};
  static constexpr PolicyEstimator kEstimators[] = {PolicyEstimator::ipw, PolicyEstimator::hajek, PolicyEstimator::aipw};
  const bool by_arm = request.choice("censoring", {"pooled", "by_arm"}) == 1;
  const PolicyValue at = policy_value(input, request.number("tau"), kEstimators[estimator], by_arm);
  return {{"value", at.value}, {"se", at.se}, {"diff", at.difference}, {"se_diff", at.se_difference}};
}

Result pehe(const Request& request) {
  const EffectError at = effect_error(request.column("estimate"), request.column("truth"));
  return {{"pehe", at.pehe}, {"bias", at.bias}, {"intercept", at.intercept}, {"slope", at.slope}};
}

Result benefit_calibration_method(const Request& request) {
  const OutcomeTable table = request.single_outcomes();
  const BenefitCalibration at =
      benefit_calibration(table.view(), request.codes("arm", 1), request.column("benefit"), request.number("tau"), request.whole("groups", 1));
  return {{"group_n", at.group_n}, {"predicted", at.predicted}, {"observed", at.observed}, {"se", at.se}};
}

Numbers pair(const double (&two)[2]) { return {two[0], two[1]}; }

Result landmark_method(const Request& request) {
  const Landmark at = landmark(request.single_outcomes().view(), request.column("trt_time"), request.number("landmark"), request.number("horizon"));
  return {{"n_excluded", static_cast<double>(at.excluded)}, {"n", pair(at.n)}, {"events", pair(at.events)}, {"surv", pair(at.survival)}, {"chisq", at.chisq}};
}

Result clone_censor_method(const Request& request) {
  const CloneCensor at = clone_censor(request.single_outcomes().view(), request.column("trt_time"), request.number("grace"),
                                      request.numbers("times"), request.labels("strata"));
  return {{"artificially_censored", pair(at.artificially_censored)},
          {"events", pair(at.events)},
          {"surv_naive", NumberRows{at.naive[0], at.naive[1]}},
          {"surv_ipcw", NumberRows{at.ipcw[0], at.ipcw[1]}}};
}

}  // namespace

std::vector<Method> causal_methods() {
  return {{"propensity_multinom", "treatment x", "", propensity_multinom},
          {"weights", "treatment ps", "kind truncate?", weights},
          {"smd", "treatment x weight?", "", smd},
          {"policy_value", "time event treatment ps m? policies", "tau estimator censoring?", policy_value_method},
          {"pehe", "estimate truth", "", pehe},
          {"benefit_calibration", "time event arm benefit", "tau groups", benefit_calibration_method},
          {"landmark", "time event trt_time", "landmark horizon", landmark_method},
          {"clone_censor", "time event trt_time strata?", "grace times", clone_censor_method}};
}

}  // namespace hepar::statistics
