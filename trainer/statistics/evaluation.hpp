// SPDX-License-Identifier: Apache-2.0
// One endpoint of one fold, prepared once and evaluated under many patient weights. Internal to held_out.cpp.
#pragma once

#include "trainer/statistics/concordance.hpp"
#include "trainer/statistics/held_out.hpp"
#include "trainer/statistics/prediction_error.hpp"
#include "trainer/statistics/survival.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace hepar::statistics {

// What the statistics of one resample of patients share.
struct Replicate {
  Values weight;  // how often each patient was drawn
  StepCurve censoring;
  Brier brier;    // at every month
  [[nodiscard]] IpcwOptions ipcw() const { return {Convention::left, &censoring, weight}; }
};

// A resampled statistic: its name, what it is, why it is not estimable (empty when it is), the events that it rests on.
struct Figure {
  std::string name, method, why;
  std::int64_t events = 0;
  std::function<double(const Replicate&)> value;
};

// One fold's endpoint with everything that resampling reuses. The fold must outlive it.
class Evaluation {
 public:
  Evaluation(const HeldOut& fold, const HeldOutOptions& options);
  Evaluation(const Evaluation&) = delete;

  [[nodiscard]] Outcomes outcomes() const { return {fold_.months, fold_.event}; }
  [[nodiscard]] Outcomes cut() const { return cut_.view(); }
  [[nodiscard]] const std::vector<double>& risk_at(std::size_t month) const { return risks_[month]; }
  [[nodiscard]] std::int64_t events() const { return static_cast<std::int64_t>(count_code(cut_.event, 1)); }
  [[nodiscard]] std::int64_t events_by(double time) const;
  // Why nothing can be said of that month: follow-up ends before it, or too few events lie before it. Empty: something can.
  [[nodiscard]] std::string too_little_by(std::size_t month) const;

  [[nodiscard]] const std::vector<Figure>& figures() const { return figures_; }
  // Their values under patient weights, in the order of figures(); NaN for those that are not estimable.
  [[nodiscard]] std::vector<double> values(Values weight) const;

 private:
  [[nodiscard]] std::vector<Figure> make_figures() const;
  [[nodiscard]] std::string beyond_follow_up(std::size_t month) const;
  [[nodiscard]] std::string few_events(double time) const;
  [[nodiscard]] std::string not_weightable(std::size_t month) const;
  [[nodiscard]] std::string no_score(std::size_t month) const;
  [[nodiscard]] std::string no_pairs(std::size_t month) const;
  [[nodiscard]] double uno(const Replicate& replicate) const;

  const HeldOut& fold_;
  std::int64_t min_events_;
  OutcomeTable cut_;
  StepCurve censoring_;
  std::vector<std::vector<double>> risks_;      // [month][patient]
  std::vector<Values> views_;
  std::vector<std::vector<std::uint32_t>> ascending_;  // patients by risk, a month
  std::vector<double> thresholds_;              // of net benefit, a month
  PreparedConcordance concordance_;
  std::vector<Figure> figures_;
};

}  // namespace hepar::statistics
