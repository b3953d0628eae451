// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/outcomes.hpp"

#include <algorithm>
#include <numeric>

namespace hepar::statistics {

Timeline timeline(Values time) {
  Timeline line;
  line.order.resize(time.size());
  std::iota(line.order.begin(), line.order.end(), 0U);
  std::vector<std::pair<double, std::uint32_t>> keyed(time.size());  // sorted side by side: no indirection while sorting
  for (std::uint32_t i = 0; i < time.size(); ++i) keyed[i] = {time[i], i};
  std::sort(keyed.begin(), keyed.end());
  for (std::size_t k = 0; k < keyed.size(); ++k) {
    line.order[k] = keyed[k].second;
    if (k == 0 || keyed[k].first != keyed[k - 1].first) {
      line.times.push_back(keyed[k].first);
      line.first.push_back(k);
    }
  }
  line.first.push_back(keyed.size());
  return line;
}

std::vector<int> dense_codes(Values labels) {
  std::vector<double> distinct(labels.begin(), labels.end());
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<int> codes(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    codes[i] = static_cast<int>(std::lower_bound(distinct.begin(), distinct.end(), labels[i]) - distinct.begin());
  }
  return codes;
}

int largest_code(Codes codes) { return codes.empty() ? 0 : std::max(0, *std::max_element(codes.begin(), codes.end())); }

std::size_t count_code(Codes codes, int code) {
  return static_cast<std::size_t>(std::count(codes.begin(), codes.end(), code));
}

std::vector<double> select(Values values, std::span<const std::size_t> keep) {
  std::vector<double> out;
  out.reserve(keep.size());
  for (const std::size_t i : keep) out.push_back(values[i]);
  return out;
}

std::vector<int> select(Codes codes, std::span<const std::size_t> keep) {
  std::vector<int> out;
  out.reserve(keep.size());
  for (const std::size_t i : keep) out.push_back(codes[i]);
  return out;
}

std::vector<std::size_t> rows_with(Codes codes, int code) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] == code) rows.push_back(i);
  }
  return rows;
}

OutcomeTable censored_at(Outcomes outcomes, double horizon) {
  OutcomeTable cut{{outcomes.time.begin(), outcomes.time.end()}, {outcomes.event.begin(), outcomes.event.end()}};
  for (std::size_t i = 0; i < cut.time.size(); ++i) {
    if (cut.time[i] <= horizon) continue;
    cut.time[i] = horizon;
    cut.event[i] = 0;
  }
  return cut;
}

OutcomeTable select(Outcomes outcomes, std::span<const std::size_t> keep) {
  return {select(outcomes.time, keep), select(outcomes.event, keep)};
}

double StepCurve::at(double t) const {
  const auto next = std::upper_bound(time.begin(), time.end(), t) - time.begin();
  return next == 0 ? start : value[static_cast<std::size_t>(next - 1)];
}

double StepCurve::before(double t) const {
  const auto next = std::lower_bound(time.begin(), time.end(), t) - time.begin();
  return next == 0 ? start : value[static_cast<std::size_t>(next - 1)];
}

}  // namespace hepar::statistics
