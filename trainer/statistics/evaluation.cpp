// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/evaluation.hpp"

#include "trainer/statistics/calibration.hpp"
#include "trainer/statistics/estimates.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace hepar::statistics {
namespace {

constexpr double kSmallestG = 0.05;  // below it 1/G explodes: the month is not estimable (clinical.md section 3 b)

std::string month_text(double month) { return std::to_string(std::llround(month)); }

}  // namespace

Evaluation::Evaluation(const HeldOut& fold, const HeldOutOptions& options)
    : fold_(fold), min_events_(options.min_events), cut_(censored_at(outcomes(), fold.horizon)), censoring_(censoring_curve(outcomes())),
      concordance_(outcomes(), fold.risk, fold.horizon) {
  for (std::size_t m = 0; m < fold.at.size(); ++m) {
    std::vector<double> risk;
    for (const double survival : fold.survival[m]) risk.push_back(1 - survival);
    ascending_.push_back(ascending_order(risk));
    risks_.push_back(std::move(risk));
    thresholds_.push_back(options.net_benefit_threshold > 0 ? options.net_benefit_threshold : observed_risk(outcomes(), fold.at[m]).value);
  }
  views_.assign(risks_.begin(), risks_.end());
  if (!fold.at.empty()) figures_ = make_figures();
}

std::int64_t Evaluation::events_by(double time) const {
  std::int64_t events = 0;
  for (std::size_t i = 0; i < fold_.months.size(); ++i) events += fold_.event[i] == 1 && fold_.months[i] <= time ? 1 : 0;
  return events;
}

std::string Evaluation::few_events(double time) const {
  const std::int64_t events = events_by(time);
  return events < min_events_ ? std::to_string(events) + " events by " + month_text(time) + " months, fewer than " + std::to_string(min_events_) : "";
}

std::string Evaluation::beyond_follow_up(std::size_t month) const {
  const double last = fold_.months.empty() ? 0 : *std::max_element(fold_.months.begin(), fold_.months.end());
  return last >= fold_.at[month] ? "" : "followed to " + month_text(std::floor(last)) + " of " + month_text(fold_.at[month]) + " months";
}

std::string Evaluation::too_little_by(std::size_t month) const {
  std::string why = beyond_follow_up(month);
  return why.empty() ? few_events(fold_.at[month]) : why;
}

std::string Evaluation::not_weightable(std::size_t month) const {
  if (std::string why = beyond_follow_up(month); !why.empty()) return why;
  return censoring_.before(fold_.at[month]) < kSmallestG ? "fewer than 5 % are uncensored at " + month_text(fold_.at[month]) + " months" : "";
}

std::string Evaluation::no_score(std::size_t month) const {
  std::string why = not_weightable(month);
  return why.empty() ? few_events(fold_.at[month]) : why;
}

std::string Evaluation::no_pairs(std::size_t month) const {
  if (std::string why = no_score(month); !why.empty()) return why;
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

// A new resampled statistic is one entry here (and a line in scale.cpp if its range is bounded). One that spans time, as
// Uno's C and the IBS, spans the same months in every fold: to fewer it would be another estimand under the same name.
std::vector<Figure> Evaluation::make_figures() const {
  std::vector<Figure> out;
  const auto at = [&](std::size_t m) { return month_text(fold_.at[m]); };
  const auto each = [&](const std::string& name, auto method, auto why, auto value) {
    for (std::size_t m = 0; m < fold_.at.size(); ++m)
      out.push_back({name + "." + at(m), method(m), why(m), events_by(fold_.at[m]), [m, value](const Replicate& replicate) { return value(m, replicate); }});
  };
  const auto called = [](const char* text) { return [text](std::size_t) { return std::string(text); }; };

  const auto judged = [this](std::string why) { return why.empty() ? fold_.risks_unjudged : why; };
  const std::size_t horizon = fold_.at.size() - 1;
  std::string why = constant_score(fold_.risk);
  out.push_back({"uno_c", "Uno C to " + at(horizon) + " months", why.empty() ? no_score(horizon) : why, events(), [this](const Replicate& r) { return uno(r); }});
  each("auc", called("AUC by inverse probability of censoring"), [&](std::size_t m) { return no_pairs(m); },
       [this](std::size_t m, const Replicate& r) { return auc_sorted(outcomes(), risks_[m], ascending_[m], fold_.at[m], r.ipcw()); });
  each("brier", called("Brier score by inverse probability of censoring"), [&](std::size_t m) { return judged(no_score(m)); }, [](std::size_t m, const Replicate& r) { return r.brier.brier[m]; });
  each("ipa", called("1 - Brier / Brier of the observed risk for everybody"), [&](std::size_t m) { return judged(no_score(m)); }, [](std::size_t m, const Replicate& r) { return r.brier.ipa[m]; });
  out.push_back({"ibs", "Brier score, trapezoid over months " + at(0) + " to " + at(horizon), horizon == 0 ? "needs two months" : judged(no_score(horizon)), events(),
                 [this](const Replicate& r) { return trapezoid_mean(fold_.at, r.brier.brier); }});
  why = judged(beyond_follow_up(horizon));
  if (why.empty()) why = calibration_index(cut(), risks_[horizon], fold_.horizon).problem;
  out.push_back({"ici", "integrated calibration index", why, events(), [this](const Replicate& r) { return calibration_index(cut(), risks_.back(), fold_.horizon, r.weight).ici; }});
  const auto benefit = largest_code(fold_.event) > 1 ? net_benefit_competing : net_benefit;
  each("net_benefit", [&](std::size_t m) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3g", thresholds_[m]);
    return "net benefit at threshold " + std::string(text.data());
  }, [&](std::size_t m) {
    const bool decides = thresholds_[m] > 0 && thresholds_[m] < 1;
    return decides ? judged(too_little_by(m)) : "the observed risk at " + at(m) + " months is 0 or 1, no threshold";
  }, [this, benefit](std::size_t m, const Replicate& r) { return benefit(outcomes(), risks_[m], fold_.at[m], Values(&thresholds_[m], 1), r.weight).model[0]; });
  return out;
}

double Evaluation::uno(const Replicate& replicate) const {
  std::vector<double> lead(fold_.months.size(), 0.0);
  for (std::size_t i = 0; i < lead.size(); ++i) {
    if (fold_.event[i] != 1 || fold_.months[i] > fold_.horizon || !(replicate.weight[i] > 0)) continue;
    const double at = replicate.censoring.before(fold_.months[i]);
    lead[i] = 1 / (at * at);
  }
  return concordance_.c(replicate.weight, lead);
}

std::vector<double> Evaluation::values(Values weight) const {
  Replicate replicate{weight, censoring_curve(outcomes(), weight), {}};
  replicate.brier = brier_score(outcomes(), views_, fold_.at, replicate.ipcw());
  std::vector<double> out;
  for (const Figure& figure : figures_) out.push_back(figure.why.empty() ? figure.value(replicate) : kNone);
  return out;
}

}  // namespace hepar::statistics
