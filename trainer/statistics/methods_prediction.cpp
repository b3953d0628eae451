// SPDX-License-Identifier: Apache-2.0
// Methods of discrimination and prediction error.
#include "data/base/error.hpp"
#include "trainer/statistics/concordance.hpp"
#include "trainer/statistics/prediction_error.hpp"
#include "trainer/statistics/request.hpp"
#include "trainer/statistics/survival.hpp"

#include <limits>

namespace hepar::statistics {
namespace {

constexpr double kAlways = std::numeric_limits<double>::infinity();

Convention convention_of(const Request& request) {
  return request.choice("convention", {"left", "sksurv"}) == 0 ? Convention::left : Convention::sksurv;
}

std::optional<StepCurve> training_curve(const Request& request) {
  if (!request.train) return std::nullopt;
  return censoring_curve(request.train->view());
}

Result harrell_c_method(const Request& request) {
  const std::vector<int> strata = request.labels("strata"), cluster = request.labels("cluster");
  ConcordanceOptions options;
  options.weight = request.weights();
  options.strata = strata;
  options.cluster = cluster;
  options.tau = request.number("tau", kAlways);
  const Concordance at = harrell_c(request.single_outcomes().view(), request.column("score"), options);
  return {{"c", at.c},           {"se", at.se},         {"concordant", at.concordant}, {"discordant", at.discordant},
          {"tied_x", at.tied_x}, {"tied_y", at.tied_y}, {"tied_xy", at.tied_xy}};
}

Result harrell_c_diff(const Request& request) {
  const std::vector<Values> scores = request.columns("scores");
  if (scores.size() != 2) throw usage_error("column role 'scores' takes two columns");
  ConcordanceOptions options;
  options.tau = request.number("tau", kAlways);
  const ConcordanceDifference at = harrell_c_difference(request.single_outcomes().view(), scores[0], scores[1], options);
  return {{"c", Numbers{at.first.c, at.second.c}}, {"se", Numbers{at.first.se, at.second.se}}, {"cov", at.covariance},
          {"diff", at.difference}, {"se_diff", at.se}, {"z", at.z}, {"p", at.p}};
}

Result uno_c_method(const Request& request) {
  const auto train = training_curve(request);
  UnoOptions options;
  options.tau = request.number("tau");
  options.convention = convention_of(request);
  options.censoring = train ? &*train : nullptr;
  return {{"c", uno_c(request.outcomes().view(), request.column("score"), options)}};
}

Result td_auc(const Request& request) {
  const auto train = training_curve(request);
  const IpcwOptions options{convention_of(request), train ? &*train : nullptr, {}};
  const TimeAuc at = time_dependent_auc(request.outcomes().view(), request.column("score"), request.ascending("times"), options);
  Result out{{"auc", at.auc}};
  if (options.convention == Convention::sksurv) out.emplace_back("mean", at.mean);
  return out;
}

Result brier(const Request& request) {
  const auto train = training_curve(request);
  const IpcwOptions options{convention_of(request), train ? &*train : nullptr, {}};
  const Numbers times = request.ascending("times");
  const std::vector<Values> risk = request.columns("risk");
  if (risk.size() != times.size()) throw usage_error("column role 'risk' needs one column for each of 'times'");
  const Brier at = brier_score(request.outcomes().view(), risk, times, options);
  Result out{{"brier", at.brier}};
  if (options.convention == Convention::left) {
    out.emplace_back("null", at.null);
    out.emplace_back("ipa", at.ipa);
  }
  if (times.size() > 1) out.emplace_back("ibs", at.ibs);
  return out;
}

}  // namespace

std::vector<Method> prediction_methods() {
  return {{"harrell_c", "time event score strata? weight? cluster?", "tau?", harrell_c_method},
          {"harrell_c_diff", "time event scores", "tau?", harrell_c_diff},
          {"uno_c", "time event score", "tau convention? train?", uno_c_method},
          {"td_auc", "time event score", "times convention? train?", td_auc},
          {"brier", "time event risk", "times convention? train?", brier}};
}

}  // namespace hepar::statistics
