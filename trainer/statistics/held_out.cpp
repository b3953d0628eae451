// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/held_out.hpp"

#include "trainer/statistics/calibration.hpp"
#include "trainer/statistics/concordance.hpp"
#include "trainer/statistics/estimates.hpp"
#include "trainer/statistics/pooling.hpp"
#include "trainer/statistics/prediction_error.hpp"
#include "trainer/statistics/survival.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <thread>

namespace hepar::statistics {

namespace {

std::string month_text(double month) { return std::to_string(static_cast<long long>(std::llround(month))); }

// One fold's endpoint with everything that resampling reuses.
class Evaluation {
 public:
  explicit Evaluation(const HeldOut& fold) : fold_(fold), cut_(censored_at({fold.months, fold.event}, fold.horizon)) {
    for (const std::vector<double>& survival : fold.survival) {
      std::vector<double> risk;
      for (const double s : survival) risk.push_back(1 - s);
      risks_.push_back(std::move(risk));
    }
    for (const std::vector<double>& risk : risks_) views_.emplace_back(risk);
  }
  [[nodiscard]] Outcomes outcomes() const { return {fold_.months, fold_.event}; }
  [[nodiscard]] Outcomes cut() const { return cut_.view(); }
  [[nodiscard]] const std::vector<double>& risk_at(std::size_t month) const { return risks_[month]; }
  [[nodiscard]] std::int64_t events() const { return static_cast<std::int64_t>(count_code(cut_.event, 1)); }

  // What has no analytic standard error here, in the order of `names`; weights empty: the patients as they are.
  [[nodiscard]] std::vector<double> resampled(Values weight) const {
    std::vector<double> values{uno_c(outcomes(), fold_.risk, {fold_.horizon, Convention::left, nullptr, weight})};
    IpcwOptions options;
    options.weight = weight;
    for (std::size_t m = 0; m < fold_.at.size(); ++m) values.push_back(time_dependent_auc(outcomes(), risks_[m], std::span(&fold_.at[m], 1), options).auc.front());
    const Brier brier = brier_score(outcomes(), views_, fold_.at, options);
    values.insert(values.end(), brier.brier.begin(), brier.brier.end());
    values.insert(values.end(), brier.ipa.begin(), brier.ipa.end());
    values.push_back(brier.ibs);
    const CalibrationIndex index = calibration_index(outcomes(), risks_.back(), fold_.horizon, weight);
    values.push_back(index.problem.empty() ? index.ici : std::nan(""));
    return values;
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names{"uno_c"};
    for (const char* statistic : {"auc", "brier", "ipa"})
      for (const double month : fold_.at) names.push_back(std::string(statistic) + "." + month_text(month));
    names.insert(names.end(), {"ibs", "ici"});
    return names;
  }

 private:
  const HeldOut& fold_;
  OutcomeTable cut_;
  std::vector<std::vector<double>> risks_;
  std::vector<Values> views_;
};

// Standard deviations over resamples of patients; a replicate is a function of (seed, index), threads share them out.
std::vector<double> bootstrap_errors(std::size_t patients, std::size_t values, const HeldOutOptions& options, const std::function<std::vector<double>(Values)>& statistic) {
  std::vector<std::vector<double>> replicates(static_cast<std::size_t>(options.bootstrap));
  const auto work = [&](int worker) {
    for (std::size_t r = static_cast<std::size_t>(worker); r < replicates.size(); r += static_cast<std::size_t>(std::max(1, options.threads))) {
      const std::vector<double> counts = bootstrap_counts(patients, options.seed, r);
      replicates[r] = statistic(counts);
    }
  };
  std::vector<std::thread> threads;
  for (int worker = 1; worker < options.threads; ++worker) threads.emplace_back(work, worker);
  work(0);
  for (std::thread& thread : threads) thread.join();
  std::vector<double> errors;
  for (std::size_t v = 0; v < values; ++v) {
    double sum = 0, squares = 0, n = 0;
    for (const std::vector<double>& replicate : replicates) {
      if (!std::isfinite(replicate[v])) continue;
      sum += replicate[v];
      squares += replicate[v] * replicate[v];
      n += 1;
    }
    errors.push_back(n > 1.5 ? std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1))) : std::nan(""));
  }
  return errors;
}

std::string too_few(const HeldOut& fold, std::int64_t events, const HeldOutOptions& options) {
  if (fold.months.empty()) return "no patient with a known outcome";
  if (events < options.min_events) return std::to_string(events) + " events by the horizon, fewer than " + std::to_string(options.min_events);
  return {};
}

std::vector<std::string> all_names(const Evaluation& evaluation, const HeldOut& fold) {
  std::vector<std::string> names = evaluation.names();
  names.insert(names.end(), {"harrell_c", "calibration_slope", "median_follow_up"});
  for (const double month : fold.at) {
    names.push_back("oe." + month_text(month));
    names.push_back("net_benefit." + month_text(month));
  }
  return names;
}

double difference_of(double a, double b) { return a - b; }

}  // namespace

Estimates held_out_metrics(const HeldOut& fold, const HeldOutOptions& options) {
  Estimates estimates;
  const std::string front = fold.endpoint + ".";
  const Evaluation evaluation(fold);
  const auto n = static_cast<std::int64_t>(fold.months.size());
  const std::int64_t events = evaluation.events();
  const auto put = [&](const std::string& name, Estimate estimate) {
    estimate.n = n;
    estimate.events = events;
    estimates[front + name] = std::move(estimate);
  };
  if (const std::string why = too_few(fold, events, options); !why.empty()) {
    for (const std::string& name : all_names(evaluation, fold)) put(name, Estimate::none(why));
    return estimates;
  }
  const EstimateRules rules;
  put("harrell_c", harrell_c_estimate(evaluation.cut(), fold.risk, rules));
  if (std::any_of(fold.centre.begin(), fold.centre.end(), [&](int c) { return c != fold.centre.front(); })) {
    ConcordanceOptions within;
    within.strata = fold.centre;
    put("harrell_c_within", harrell_c_estimate(evaluation.cut(), fold.risk, rules, within));
  }
  const std::vector<std::string> names = evaluation.names();
  const std::vector<double> values = evaluation.resampled({});
  const std::vector<double> errors = bootstrap_errors(fold.months.size(), values.size(), options, [&](Values weight) { return evaluation.resampled(weight); });
  for (std::size_t v = 0; v < values.size(); ++v)
    put(names[v], normal_estimate(values[v], errors[v], "IPCW, patient bootstrap of " + std::to_string(options.bootstrap)));
  put("calibration_slope", calibration_slope_estimate(evaluation.cut(), evaluation.risk_at(fold.at.size() - 1), rules));
  put("median_follow_up", median_follow_up_estimate(evaluation.outcomes()));
  for (std::size_t m = 0; m < fold.at.size(); ++m) {
    put("oe." + month_text(fold.at[m]), observed_expected_estimate(evaluation.outcomes(), evaluation.risk_at(m), fold.at[m], rules));
    const double threshold = options.net_benefit_threshold > 0 ? options.net_benefit_threshold : observed_risk(evaluation.outcomes(), fold.at[m]).value;
    if (!(threshold > 0 && threshold < 1)) {
      put("net_benefit." + month_text(fold.at[m]), Estimate::none("nobody had an event by then"));
      continue;
    }
    const auto benefit = [&](Values weight) {
      return largest_code(fold.event) > 1 ? net_benefit_competing(evaluation.outcomes(), evaluation.risk_at(m), fold.at[m], std::span(&threshold, 1), weight).model
                                          : net_benefit(evaluation.outcomes(), evaluation.risk_at(m), fold.at[m], std::span(&threshold, 1), weight).model;
    };
    put("net_benefit." + month_text(fold.at[m]), normal_estimate(benefit({}).front(), bootstrap_errors(fold.months.size(), 1, options, benefit).front(), "threshold at the observed risk, patient bootstrap"));
  }
  return estimates;
}

Estimates held_out_differences(const HeldOut& model, const HeldOut& baseline, const HeldOutOptions& options) {
  Estimates estimates;
  const std::string front = model.endpoint + ".";
  const Evaluation a(model), b(baseline);
  const std::vector<std::string> names = a.names();
  const auto n = static_cast<std::int64_t>(model.months.size());
  const auto put = [&](const std::string& name, Estimate estimate) {
    estimate.n = n;
    estimate.events = a.events();
    estimates[front + name] = std::move(estimate);
  };
  if (const std::string why = too_few(model, a.events(), options); !why.empty()) {
    put("harrell_c", Estimate::none(why));
    for (const std::string& name : names) put(name, Estimate::none(why));
    return estimates;
  }
  put("harrell_c", harrell_c_difference_estimate(a.cut(), model.risk, baseline.risk));
  const auto differences = [&](Values weight) {
    std::vector<double> first = a.resampled(weight);
    const std::vector<double> second = b.resampled(weight);
    std::transform(first.begin(), first.end(), second.begin(), first.begin(), &difference_of);
    return first;
  };
  const std::vector<double> values = differences({});
  const std::vector<double> errors = bootstrap_errors(model.months.size(), values.size(), options, differences);
  for (std::size_t v = 0; v < values.size(); ++v) put(names[v], normal_estimate(values[v], errors[v], "paired patient bootstrap of " + std::to_string(options.bootstrap)));
  return estimates;
}

Estimates pooled(std::span<const Estimates> folds, PoolKind kind) {
  Estimates result;
  std::map<std::string, std::vector<const Estimate*>> by_name;
  for (const Estimates& fold : folds)
    for (const auto& [name, estimate] : fold) by_name[name].push_back(&estimate);
  for (const auto& [name, all] : by_name) {
    const std::size_t dot = name.find('.'), end = name.find('.', dot + 1);
    const std::string statistic = name.substr(dot + 1, end == std::string::npos ? end : end - dot - 1);
    const Scale scale = kind == PoolKind::differences                                                         ? Scale::plain
                        : statistic == "harrell_c" || statistic == "harrell_c_within" || statistic == "uno_c" || statistic == "auc" ? Scale::logit
                        : statistic == "oe"                                                                   ? Scale::log
                                                                                                              : Scale::plain;
    std::vector<double> y, se;
    std::int64_t n = 0, events = 0;
    for (const Estimate* estimate : all) {
      const bool in_range = scale == Scale::plain || (estimate->value > 0 && (scale == Scale::log || estimate->value < 1));
      if (!estimate->estimable() || !(estimate->se > 0) || !in_range) continue;
      y.push_back(estimate->value);
      se.push_back(estimate->se);
      n += estimate->n;
      events += estimate->events;
    }
    const std::string counted = std::to_string(y.size()) + " of " + std::to_string(all.size()) + " folds";
    if (y.empty()) {
      result[name] = Estimate::none("no fold is estimable");
      continue;
    }
    if (y.size() == 1) {
      const auto only = std::find_if(all.begin(), all.end(), [&](const Estimate* e) { return e->estimable() && e->value == y.front(); });
      result[name] = **only;
      result[name].method += "; one fold only (" + counted + ")";
      continue;
    }
    MetaOptions options;
    options.scale = scale;
    const Meta meta = random_effects(y, se, options);
    Estimate estimate{meta.estimate, meta.se_natural, meta.lower, meta.upper, n, events, "random effects (REML, Hartung-Knapp), " + counted, {}};
    if (!std::isfinite(meta.estimate) || !std::isfinite(meta.lower)) estimate = Estimate::none("the random-effects model did not converge over " + counted);
    result[name] = estimate;
    const std::string rest = end == std::string::npos ? "" : name.substr(end);
    const std::string stem = name.substr(0, dot + 1) + statistic;
    const auto part = [&](const std::string& suffix, Estimate one) { result[stem + suffix + rest] = std::move(one); };
    if (std::isfinite(meta.pi_lower)) {
      part("_prediction", {meta.estimate, std::nan(""), meta.pi_lower, meta.pi_upper, n, events, "prediction interval for a new centre, t with k-2" + std::string(y.size() < 5 ? "; fewer than 5 folds" : ""), {}});
    } else {
      part("_prediction", Estimate::none("needs three folds"));
    }
    part("_i2", {meta.i2, std::nan(""), std::nan(""), std::nan(""), n, events, "I2, per cent", {}});
    part("_tau2", {meta.tau2, std::nan(""), std::nan(""), std::nan(""), n, events, "between-fold variance on the analysis scale", {}});
  }
  return result;
}

}  // namespace hepar::statistics
