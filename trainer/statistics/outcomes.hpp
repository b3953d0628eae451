// SPDX-License-Identifier: Apache-2.0
// What every statistic of this room takes: views of right-censored outcomes, weights, labels. Nothing is copied or kept.
// Conventions (clinical.md sections 3 and 10): event 1 is the event of interest; other codes count as censored unless a
// function says otherwise; at equal times events come before censorings; a score is high when the event comes early.
// NaN in a result means undefined; the adapters in estimates.hpp turn it into a reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace hepar::statistics {

using Values = std::span<const double>;
using Codes = std::span<const int>;
using Columns = std::span<const Values>;  // each one value a patient

inline constexpr double kNone = std::numeric_limits<double>::quiet_NaN();  // undefined, not estimable
[[nodiscard]] inline double weight_of(Values weight, std::size_t i) { return weight.empty() ? 1.0 : weight[i]; }  // no weights: all 1

struct Outcomes {
  Values time;   // finite, any unit; everything else is in the same unit
  Codes event;   // 0 censored, 1 the event of interest, 2 … competing events
  [[nodiscard]] std::size_t size() const { return time.size(); }
};

// Patients in ascending order of time, grouped by exactly equal times.
struct Timeline {
  std::vector<std::uint32_t> order;  // patients by (time, index)
  std::vector<double> times;         // distinct, ascending
  std::vector<std::size_t> first;    // times.size() + 1 offsets into `order`
  [[nodiscard]] std::span<const std::uint32_t> at(std::size_t k) const {
    return std::span<const std::uint32_t>(order).subspan(first[k], first[k + 1] - first[k]);
  }
};
[[nodiscard]] Timeline timeline(Values time);

// 0 … K-1 by ascending label.
[[nodiscard]] std::vector<int> dense_codes(Values labels);
[[nodiscard]] int largest_code(Codes codes);                   // 0 when empty
[[nodiscard]] std::size_t count_code(Codes codes, int code);
// The rows `keep`, in that order.
[[nodiscard]] std::vector<double> select(Values values, std::span<const std::size_t> keep);
[[nodiscard]] std::vector<int> select(Codes codes, std::span<const std::size_t> keep);
// The rows whose code is `code`.
[[nodiscard]] std::vector<std::size_t> rows_with(Codes codes, int code);

// Owned outcomes, for what is cut or shifted.
struct OutcomeTable {
  std::vector<double> time;
  std::vector<int> event;
  [[nodiscard]] Outcomes view() const { return {time, event}; }
};
// Censors at the horizon: a later time becomes the horizon with event 0; an event exactly there stays.
[[nodiscard]] OutcomeTable censored_at(Outcomes outcomes, double horizon);
[[nodiscard]] OutcomeTable select(Outcomes outcomes, std::span<const std::size_t> keep);

// A right-continuous step function that is `start` before its first step.
struct StepCurve {
  std::vector<double> time, value;
  double start = 1;
  [[nodiscard]] double at(double t) const;      // including the step at t
  [[nodiscard]] double before(double t) const;  // left limit
};

}  // namespace hepar::statistics
