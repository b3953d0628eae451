// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/null_studies.hpp"

#include "data/base/random.hpp"
#include "trainer/statistics/quantile.hpp"

#include <algorithm>
#include <cmath>
#include <thread>

namespace hepar::statistics {
namespace {

constexpr double kNullHazard = 0.02;     // a month, at the covariates' mean
constexpr double kNullIndication = 0.5;  // log odds of treatment a unit of each covariate
constexpr double kNullHorizon = 36;

// Two prognostic covariates that also make treatment likelier.
struct NullPatient {
  double x = 0, z = 0, hazard = 0, event = 0, censored = 0;
  bool intended = false;
};

// follow_up: months, between a fifth of it and a fifth more.
NullPatient null_patient(Stream& s, double prognosis, double follow_up) {
  NullPatient p;
  p.x = s.normal();
  p.z = s.normal();
  p.hazard = kNullHazard * std::exp(prognosis * (p.x + p.z));
  p.event = s.exponential() / p.hazard;
  p.censored = follow_up * (0.2 + s.uniform());
  p.intended = s.chance(1 / (1 + std::exp(-kNullIndication * (p.x + p.z))));
  return p;
}

void add_null(StudyCohort& cohort, const NullPatient& p, bool treated, std::int64_t number) {
  const double time = std::min(p.event, p.censored);
  cohort.outcomes.time.push_back(time);
  cohort.outcomes.event.push_back(p.event <= p.censored ? 1 : 0);
  cohort.entry.push_back(time);
  cohort.given.push_back(treated ? 1 : 0);
  cohort.recommended.push_back(1);
  cohort.covariates[0].push_back(p.x);
  cohort.covariates[1].push_back(p.z);
  cohort.fold.push_back(static_cast<int>(number % 5));
}

StudyCohort empty_null(double landmark) {
  StudyCohort cohort;
  cohort.covariates.resize(2);
  cohort.landmark = landmark;
  cohort.horizon = kNullHorizon;
  return cohort;
}

struct OverSimulations {
  std::vector<double> log_ratio;
  double significant = 0;
  void add(const Estimate& ratio) {
    if (!ratio.estimable()) return;
    log_ratio.push_back(std::log(ratio.value));
    significant += ratio.low > 1 || ratio.high < 1 ? 1 : 0;
  }
  void summarise(double& ratio, double& error, double& share) const {
    const auto n = static_cast<double>(log_ratio.size());
    ratio = std::exp(mean(log_ratio));
    error = standard_deviation(log_ratio) / std::sqrt(n) * ratio;
    share = significant / n;
  }
};

using MakeCohort = StudyCohort (*)(std::int64_t, std::uint64_t, std::uint64_t);

NullStudy simulate(const NullOptions& options, MakeCohort make) {
  std::vector<Consistency> results(static_cast<std::size_t>(options.simulations));
  const auto threads = static_cast<std::size_t>(std::max(1, options.threads));
  std::vector<std::thread> workers;
  for (std::size_t t = 0; t < threads; ++t)
    workers.emplace_back([&, t] {
      for (std::size_t s = t; s < results.size(); s += threads) results[s] = consistency(make(options.patients, options.seed, s));
    });
  for (std::thread& worker : workers) worker.join();
  OverSimulations naive, unadjusted, adjusted, weighted;
  std::vector<double> difference;
  double covers = 0;
  for (const Consistency& one : results) {
    naive.add(one.naive.hazard_ratio);
    unadjusted.add(one.unadjusted.hazard_ratio);
    adjusted.add(one.adjusted.hazard_ratio);
    weighted.add(one.weighted.hazard_ratio);
    if (!one.model_over_surgery.estimable()) continue;
    difference.push_back(one.model_over_surgery.value);
    covers += one.model_over_surgery.low <= 0 && one.model_over_surgery.high >= 0 ? 1 : 0;
  }
  NullStudy out;
  out.simulations = options.simulations;
  naive.summarise(out.naive, out.naive_error, out.naive_significant);
  unadjusted.summarise(out.unadjusted, out.unadjusted_error, out.unadjusted_significant);
  adjusted.summarise(out.adjusted, out.adjusted_error, out.adjusted_significant);
  weighted.summarise(out.weighted, out.weighted_error, out.weighted_significant);
  out.policy_difference = mean(difference);
  out.policy_covers = covers / static_cast<double>(difference.size());
  return out;
}

}  // namespace

StudyCohort delayed_cohort(std::int64_t patients, std::uint64_t seed, std::uint64_t index) {
  StudyCohort cohort = empty_null(3);
  for (std::int64_t i = 0; i < patients; ++i) {
    Stream s({seed, 1, index, static_cast<std::uint64_t>(i)});
    const NullPatient p = null_patient(s, 0.3, 42);
    const double start = 0.8 + 2.2 * s.uniform();
    add_null(cohort, p, p.intended && start < std::min(p.event, p.censored), i);
  }
  return cohort;
}

StudyCohort confounded_cohort(std::int64_t patients, std::uint64_t seed, std::uint64_t index) {
  StudyCohort cohort = empty_null(0);
  for (std::int64_t i = 0; i < patients; ++i) {
    Stream s({seed, 2, index, static_cast<std::uint64_t>(i)});
    const NullPatient p = null_patient(s, 0.47, 30);
    add_null(cohort, p, p.intended, i);
  }
  return cohort;
}

NullStudy null_of_start_delays(const NullOptions& options) { return simulate(options, &delayed_cohort); }
NullStudy null_of_confounding(const NullOptions& options) { return simulate(options, &confounded_cohort); }

}  // namespace hepar::statistics
