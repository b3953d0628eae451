// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/held_out.hpp"

#include "trainer/statistics/estimates.hpp"
#include "trainer/statistics/evaluation.hpp"
#include "trainer/statistics/pooling.hpp"
#include "trainer/statistics/quantile.hpp"
#include "trainer/statistics/scale.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <thread>

namespace hepar::statistics {
namespace {

constexpr double kSmallestShare = 0.9;  // of replicates that must have a value

// "auc.36" is an "auc".
std::string statistic_of(const std::string& name) { return name.substr(0, name.find('.')); }

// Standard deviation of each value over resamples of patients; a replicate is a function of (seed, index), threads share
// them out. NaN when too many replicates have no value.
std::vector<double> bootstrap_errors(std::size_t patients, std::size_t values, const HeldOutOptions& options,
                                     const std::function<std::vector<double>(Values)>& statistic) {
  std::vector<std::vector<double>> replicates(static_cast<std::size_t>(std::max(0, options.bootstrap)));
  const auto workers = static_cast<std::size_t>(std::max(1, options.threads));
  const auto work = [&](std::size_t worker) {
    for (std::size_t r = worker; r < replicates.size(); r += workers) {
      replicates[r] = statistic(bootstrap_counts(patients, options.seed, r));
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t worker = 1; worker < workers; ++worker) threads.emplace_back(work, worker);
    work(0);
  }
  std::vector<double> errors;
  for (std::size_t v = 0; v < values; ++v) {
    std::vector<double> finite;
    for (const std::vector<double>& replicate : replicates) {
      if (std::isfinite(replicate[v])) finite.push_back(replicate[v]);
    }
    const bool enough = static_cast<double>(finite.size()) >= kSmallestShare * static_cast<double>(replicates.size());
    errors.push_back(enough ? standard_deviation(finite) : kNone);
  }
  return errors;
}

std::string too_few(const HeldOut& fold, std::int64_t events, const HeldOutOptions& options) {
  if (fold.months.empty()) return "no patient with a known outcome";
  if (fold.at.empty()) return "no month was predicted";
  if (events < options.min_events) return std::to_string(events) + " events by the horizon, fewer than " + std::to_string(options.min_events);
  return {};
}

// Puts estimates under their full name with the counts that they rest on.
class Sheet {
 public:
  Sheet(const HeldOut& fold, PoolKind kind) : front_(fold.endpoint + "."), n_(static_cast<std::int64_t>(fold.months.size())), kind_(kind) {}
  void put(const std::string& name, Estimate estimate, std::int64_t events) {
    estimate.n = n_;
    estimate.events = events;
    estimates_[front_ + name] = std::move(estimate);
  }
  void put(const std::vector<Figure>& figures, const std::vector<double>& values, const std::vector<double>& errors, const std::string& how) {
    for (std::size_t v = 0; v < figures.size(); ++v) {
      const Figure& figure = figures[v];
      const Scale scale = kind_ == PoolKind::differences ? Scale::plain : scale_of(statistic_of(figure.name));
      put(figure.name, figure.why.empty() ? normal_estimate(values[v], errors[v], scale, figure.method + ", " + how) : Estimate::none(figure.why), figure.events);
    }
  }
  void refuse(const std::vector<Figure>& figures, const std::string& why) {
    for (const Figure& figure : figures) put(figure.name, Estimate::none(why), figure.events);
  }
  [[nodiscard]] Estimates take() { return std::move(estimates_); }

 private:
  std::string front_;
  std::int64_t n_;
  PoolKind kind_;
  Estimates estimates_;
};

std::vector<double> ones(std::size_t n) { return std::vector<double>(n, 1.0); }

bool several_centres(const HeldOut& fold) {
  return std::any_of(fold.centre.begin(), fold.centre.end(), [&](int c) { return c != fold.centre.front(); });
}

// `why` nothing can be said, or empty.
Estimates metrics_of(const HeldOut& fold, const Evaluation& evaluation, const HeldOutOptions& options, const std::string& why) {
  const std::int64_t events = evaluation.events();
  Sheet sheet(fold, PoolKind::metrics);
  const auto put = [&](const std::string& name, auto estimate) { sheet.put(name, why.empty() ? estimate() : Estimate::none(why), events); };
  const auto judged = [&](std::string reason, auto estimate) {
    if (reason.empty()) reason = fold.risks_unjudged;
    return reason.empty() ? estimate() : Estimate::none(reason);
  };
  put("harrell_c", [&] { return harrell_c_estimate(evaluation.cut(), fold.risk); });
  if (several_centres(fold)) {
    ConcordanceOptions within;
    within.strata = fold.centre;
    put("harrell_c_within", [&] { return harrell_c_estimate(evaluation.cut(), fold.risk, {}, within); });
  }
  sheet.put("calibration_slope", judged(why, [&] { return calibration_slope_estimate(evaluation.cut(), evaluation.risk_at(fold.at.size() - 1)); }), events);
  put("median_follow_up", [&] { return median_follow_up_estimate(evaluation.outcomes()); });
  for (std::size_t m = 0; m < fold.at.size(); ++m) {
    sheet.put("oe." + std::to_string(std::llround(fold.at[m])),
              judged(why.empty() ? evaluation.too_little_by(m) : why, [&] { return observed_expected_estimate(evaluation.outcomes(), evaluation.risk_at(m), fold.at[m]); }),
              evaluation.events_by(fold.at[m]));
  }
  if (fold.at.empty()) return sheet.take();
  const std::vector<Figure>& figures = evaluation.figures();
  if (!why.empty()) {
    sheet.refuse(figures, why);
    return sheet.take();
  }
  const std::size_t n = fold.months.size();
  const std::vector<double> errors =
      bootstrap_errors(n, figures.size(), options, [&](Values weight) { return evaluation.values(weight); });
  sheet.put(figures, evaluation.values(ones(n)), errors, "patient bootstrap of " + std::to_string(options.bootstrap));
  return sheet.take();
}

Estimates refused_differences(const HeldOut& model, const Evaluation& evaluation, const std::string& why) {
  Sheet sheet(model, PoolKind::differences);
  sheet.put("harrell_c", Estimate::none(why), evaluation.events());
  if (!model.at.empty()) sheet.refuse(evaluation.figures(), why);
  return sheet.take();
}

void predict_nobody(HeldOut& fold) {
  fold.risk.assign(fold.months.size(), 0.0);
  fold.survival.assign(fold.at.size(), ones(fold.months.size()));
}

}  // namespace

Estimates held_out_metrics(const HeldOut& fold, const HeldOutOptions& options) {
  const Evaluation evaluation(fold, options);
  return metrics_of(fold, evaluation, options, too_few(fold, evaluation.events(), options));
}

Estimates unpredicted_metrics(HeldOut fold, const std::string& why) {
  predict_nobody(fold);
  const HeldOutOptions options;
  return metrics_of(fold, Evaluation(fold, options), options, why);
}

Estimates unpredicted_differences(HeldOut fold, const std::string& why) {
  predict_nobody(fold);
  const HeldOutOptions options;
  return refused_differences(fold, Evaluation(fold, options), why);
}

Estimates held_out_differences(const HeldOut& model, const HeldOut& baseline, const HeldOutOptions& options) {
  const Evaluation a(model, options), b(baseline, options);
  if (const std::string why = too_few(model, a.events(), options); !why.empty()) return refused_differences(model, a, why);
  Sheet sheet(model, PoolKind::differences);
  sheet.put("harrell_c", harrell_c_difference_estimate(a.cut(), model.risk, baseline.risk), a.events());
  std::vector<Figure> figures = a.figures();
  const std::vector<Figure>& others = b.figures();
  for (std::size_t v = 0; v < figures.size(); ++v)
    if (figures[v].why.empty() && !others[v].why.empty()) figures[v].why = "baseline: " + others[v].why;
  const auto differences = [&](Values weight) {
    std::vector<double> first = a.values(weight);
    const std::vector<double> second = b.values(weight);
    for (std::size_t v = 0; v < first.size(); ++v) first[v] -= second[v];
    return first;
  };
  const std::size_t n = model.months.size();
  sheet.put(figures, differences(ones(n)), bootstrap_errors(n, figures.size(), options, differences),
            "difference, paired patient bootstrap of " + std::to_string(options.bootstrap));
  return sheet.take();
}

}  // namespace hepar::statistics
