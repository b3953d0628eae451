// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/held_out.hpp"

#include "trainer/statistics/calibration.hpp"
#include "trainer/statistics/concordance.hpp"
#include "trainer/statistics/estimates.hpp"
#include "trainer/statistics/pooling.hpp"
#include "trainer/statistics/prediction_error.hpp"
#include "trainer/statistics/quantile.hpp"
#include "trainer/statistics/survival.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <thread>

namespace hepar::statistics {
namespace {

constexpr double kSmallestG = 0.05;     // below it 1/G explodes: the month is not estimable (clinical.md section 3 b)
constexpr double kSmallestShare = 0.9;  // of replicates that must have a value

std::string month_text(double month) { return std::to_string(std::llround(month)); }

// A resampled statistic: its name, what it is, and why it is not estimable (empty when it is).
struct Figure {
  std::string name, method, why;
};

// One fold's endpoint with everything that resampling reuses. The fold must outlive it.
class Evaluation {
 public:
  Evaluation(const HeldOut& fold, double threshold);

  [[nodiscard]] Outcomes outcomes() const { return {fold_.months, fold_.event}; }
  [[nodiscard]] Outcomes cut() const { return cut_.view(); }
  [[nodiscard]] const std::vector<double>& risk_at(std::size_t month) const { return risks_[month]; }
  [[nodiscard]] std::int64_t events() const { return static_cast<std::int64_t>(count_code(cut_.event, 1)); }
  // Empty when somebody is followed to that month.
  [[nodiscard]] std::string beyond_follow_up(std::size_t month) const;

  [[nodiscard]] std::vector<Figure> figures() const;
  // Their values under patient weights, in the order of figures().
  [[nodiscard]] std::vector<double> values(Values weight) const;

 private:
  [[nodiscard]] std::string not_weightable(std::size_t month) const;
  [[nodiscard]] std::string no_pairs(std::size_t month) const;
  [[nodiscard]] double uno(Values weight, const StepCurve& g) const;

  const HeldOut& fold_;
  OutcomeTable cut_;
  StepCurve censoring_;
  double tau_ = 0;                              // of Uno's C
  std::vector<std::vector<double>> risks_;      // [month][patient]
  std::vector<Values> views_;
  std::vector<std::vector<std::uint32_t>> ascending_;  // patients by risk, a month
  std::vector<double> thresholds_;              // of net benefit, a month
  std::vector<std::size_t> weightable_;         // months that the IBS spans
  PreparedConcordance concordance_;
};

double uno_horizon(const HeldOut& fold, const StepCurve& g) {
  double tau = 0;
  for (const double t : fold.months) {
    if (t <= fold.horizon && g.before(t) >= kSmallestG) tau = std::max(tau, t);
  }
  return tau;
}

Evaluation::Evaluation(const HeldOut& fold, double threshold)
    : fold_(fold), cut_(censored_at(outcomes(), fold.horizon)), censoring_(censoring_curve(outcomes())),
      tau_(uno_horizon(fold, censoring_)), concordance_(outcomes(), fold.risk, tau_) {
  for (std::size_t m = 0; m < fold.at.size(); ++m) {
    std::vector<double> risk;
    for (const double survival : fold.survival[m]) risk.push_back(1 - survival);
    ascending_.push_back(ascending_order(risk));
    risks_.push_back(std::move(risk));
    thresholds_.push_back(threshold > 0 ? threshold : observed_risk(outcomes(), fold.at[m]).value);
    if (not_weightable(m).empty()) weightable_.push_back(m);
  }
  views_.assign(risks_.begin(), risks_.end());
}

std::string Evaluation::beyond_follow_up(std::size_t month) const {
  const bool reached = std::any_of(fold_.months.begin(), fold_.months.end(), [&](double t) { return t >= fold_.at[month]; });
  return reached ? "" : "nobody is followed to " + month_text(fold_.at[month]) + " months";
}

std::string Evaluation::not_weightable(std::size_t month) const {
  if (std::string why = beyond_follow_up(month); !why.empty()) return why;
  return censoring_.before(fold_.at[month]) < kSmallestG ? "fewer than 5 % are uncensored at " + month_text(fold_.at[month]) + " months" : "";
}

std::string Evaluation::no_pairs(std::size_t month) const {
  if (std::string why = not_weightable(month); !why.empty()) return why;
  bool cases = false, controls = false;
  for (std::size_t i = 0; i < fold_.months.size(); ++i) {
    cases = cases || (fold_.event[i] == 1 && fold_.months[i] <= fold_.at[month]);
    controls = controls || fold_.months[i] > fold_.at[month];
  }
  const std::string text = month_text(fold_.at[month]) + " months";
  if (!cases) return "no event by " + text;
  if (!controls) return "nobody is known to be free of the event beyond " + text;
  return constant_score(risks_[month]);
}

std::vector<Figure> Evaluation::figures() const {
  const auto each = [&](std::vector<Figure>& out, const std::string& name, const std::string& method, auto why) {
    for (std::size_t m = 0; m < fold_.at.size(); ++m) out.push_back({name + "." + month_text(fold_.at[m]), method, why(m)});
  };
  std::vector<Figure> out;
  out.push_back({"uno_c", "Uno C to " + std::to_string(std::llround(tau_)) + " months", constant_score(fold_.risk)});
  each(out, "auc", "AUC by inverse probability of censoring", [&](std::size_t m) { return no_pairs(m); });
  each(out, "brier", "Brier score by inverse probability of censoring", [&](std::size_t m) { return not_weightable(m); });
  each(out, "ipa", "1 - Brier / Brier of the observed risk for everybody", [&](std::size_t m) { return not_weightable(m); });
  const bool span = weightable_.size() > 1;
  out.push_back({"ibs", span ? "Brier score, trapezoid over months " + month_text(fold_.at[weightable_.front()]) + " to " + month_text(fold_.at[weightable_.back()]) : "",
                 span ? "" : "needs two months with enough follow-up"});
  const std::size_t last = fold_.at.size() - 1;
  std::string why = beyond_follow_up(last);
  if (why.empty()) why = calibration_index(cut(), risks_[last], fold_.horizon).problem;
  out.push_back({"ici", "integrated calibration index", why});
  each(out, "net_benefit", "net benefit", [&](std::size_t m) {
    const bool decides = thresholds_[m] > 0 && thresholds_[m] < 1;
    return decides ? beyond_follow_up(m) : "the observed risk at " + month_text(fold_.at[m]) + " months is 0 or 1, no threshold";
  });
  for (std::size_t m = 0; m < fold_.at.size(); ++m) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", thresholds_[m]);
    out[out.size() - fold_.at.size() + m].method += " at threshold " + std::string(text);
  }
  return out;
}

double Evaluation::uno(Values weight, const StepCurve& g) const {
  std::vector<double> lead(weight.size(), 0.0);
  for (std::size_t i = 0; i < lead.size(); ++i) {
    if (fold_.event[i] != 1 || fold_.months[i] > tau_ || !(weight[i] > 0)) continue;
    const double at = g.before(fold_.months[i]);
    lead[i] = 1 / (at * at);
  }
  return concordance_.c(weight, lead);
}

std::vector<double> Evaluation::values(Values weight) const {
  const StepCurve g = censoring_curve(outcomes(), weight);
  const IpcwOptions options{Convention::left, &g, weight};
  std::vector<double> out{uno(weight, g)};
  for (std::size_t m = 0; m < risks_.size(); ++m) out.push_back(auc_sorted(outcomes(), risks_[m], ascending_[m], fold_.at[m], options));
  const Brier brier = brier_score(outcomes(), views_, fold_.at, options);
  out.insert(out.end(), brier.brier.begin(), brier.brier.end());
  out.insert(out.end(), brier.ipa.begin(), brier.ipa.end());
  out.push_back(trapezoid_mean(select(fold_.at, weightable_), select(brier.brier, weightable_)));
  out.push_back(calibration_index(cut(), risks_.back(), fold_.horizon, weight).ici);
  const auto benefit = largest_code(fold_.event) > 1 ? net_benefit_competing : net_benefit;
  for (std::size_t m = 0; m < risks_.size(); ++m) {
    const Values threshold(&thresholds_[m], 1);
    out.push_back(threshold[0] < 1 ? benefit(outcomes(), risks_[m], fold_.at[m], threshold, weight).model[0] : kNone);
  }
  return out;
}

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

// Puts estimates under their full name with the counts of the fold.
class Sheet {
 public:
  Sheet(const HeldOut& fold, std::int64_t events)
      : front_(fold.endpoint + "."), n_(static_cast<std::int64_t>(fold.months.size())), events_(events) {}
  void put(const std::string& name, Estimate estimate) {
    estimate.n = n_;
    estimate.events = events_;
    estimates_[front_ + name] = std::move(estimate);
  }
  void put(const std::vector<Figure>& figures, const std::vector<double>& values, const std::vector<double>& errors, const std::string& how) {
    for (std::size_t v = 0; v < figures.size(); ++v) {
      const Figure& figure = figures[v];
      put(figure.name, figure.why.empty() ? normal_estimate(values[v], errors[v], figure.method + ", " + how) : Estimate::none(figure.why));
    }
  }
  [[nodiscard]] Estimates take() { return std::move(estimates_); }

 private:
  std::string front_;
  std::int64_t n_, events_;
  Estimates estimates_;
};

std::vector<double> ones(std::size_t n) { return std::vector<double>(n, 1.0); }

bool several_centres(const HeldOut& fold) {
  return std::any_of(fold.centre.begin(), fold.centre.end(), [&](int c) { return c != fold.centre.front(); });
}

}  // namespace

Estimates held_out_metrics(const HeldOut& fold, const HeldOutOptions& options) {
  const Evaluation evaluation(fold, options.net_benefit_threshold);
  Sheet sheet(fold, evaluation.events());
  const std::string why = too_few(fold, evaluation.events(), options);
  const auto put = [&](const std::string& name, auto estimate) { sheet.put(name, why.empty() ? estimate() : Estimate::none(why)); };
  put("harrell_c", [&] { return harrell_c_estimate(evaluation.cut(), fold.risk); });
  if (several_centres(fold)) {
    ConcordanceOptions within;
    within.strata = fold.centre;
    put("harrell_c_within", [&] { return harrell_c_estimate(evaluation.cut(), fold.risk, {}, within); });
  }
  put("calibration_slope", [&] { return calibration_slope_estimate(evaluation.cut(), evaluation.risk_at(fold.at.size() - 1)); });
  put("median_follow_up", [&] { return median_follow_up_estimate(evaluation.outcomes()); });
  for (std::size_t m = 0; m < fold.at.size(); ++m) {
    put("oe." + month_text(fold.at[m]), [&] {
      std::string late = evaluation.beyond_follow_up(m);
      return late.empty() ? observed_expected_estimate(evaluation.outcomes(), evaluation.risk_at(m), fold.at[m]) : Estimate::none(std::move(late));
    });
  }
  if (fold.at.empty()) return sheet.take();
  std::vector<Figure> figures = evaluation.figures();
  if (!why.empty()) {
    for (const Figure& figure : figures) sheet.put(figure.name, Estimate::none(why));
    return sheet.take();
  }
  const std::size_t n = fold.months.size();
  const std::vector<double> errors =
      bootstrap_errors(n, figures.size(), options, [&](Values weight) { return evaluation.values(weight); });
  sheet.put(figures, evaluation.values(ones(n)), errors, "patient bootstrap of " + std::to_string(options.bootstrap));
  return sheet.take();
}

Estimates held_out_differences(const HeldOut& model, const HeldOut& baseline, const HeldOutOptions& options) {
  const Evaluation a(model, options.net_benefit_threshold), b(baseline, options.net_benefit_threshold);
  Sheet sheet(model, a.events());
  const std::string why = too_few(model, a.events(), options);
  sheet.put("harrell_c", why.empty() ? harrell_c_difference_estimate(a.cut(), model.risk, baseline.risk) : Estimate::none(why));
  if (model.at.empty()) return sheet.take();
  std::vector<Figure> figures = a.figures();
  const std::vector<Figure> others = b.figures();
  for (std::size_t v = 0; v < figures.size(); ++v) {
    if (figures[v].why.empty() && !others[v].why.empty()) figures[v].why = "baseline: " + others[v].why;
    if (!why.empty()) figures[v].why = why;
  }
  const auto differences = [&](Values weight) {
    std::vector<double> first = a.values(weight);
    const std::vector<double> second = b.values(weight);
    for (std::size_t v = 0; v < first.size(); ++v) first[v] -= second[v];
    return first;
  };
  const std::size_t n = model.months.size();
  if (!why.empty()) {
    for (const Figure& figure : figures) sheet.put(figure.name, Estimate::none(figure.why));
    return sheet.take();
  }
  sheet.put(figures, differences(ones(n)), bootstrap_errors(n, figures.size(), options, differences),
            "difference, paired patient bootstrap of " + std::to_string(options.bootstrap));
  return sheet.take();
}

}  // namespace hepar::statistics
