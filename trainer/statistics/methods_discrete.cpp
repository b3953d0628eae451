// SPDX-License-Identifier: Apache-2.0
// Methods of the discrete-time models.
#include "data/base/error.hpp"
#include "trainer/statistics/discrete.hpp"
#include "trainer/statistics/quantile.hpp"
#include "trainer/statistics/request.hpp"

#include <algorithm>
#include <limits>

namespace hepar::statistics {
namespace {

Numbers row_of(const std::vector<Values>& columns, std::size_t i) {
  Numbers row;
  row.reserve(columns.size());
  for (const Values& column : columns) row.push_back(column[i]);
  return row;
}

void check_width(const std::vector<Values>& logits, int intervals, int causes) {
  if (logits.size() != static_cast<std::size_t>(intervals) * static_cast<std::size_t>(causes)) {
    throw usage_error("column role 'logits' has " + std::to_string(logits.size()) + " columns where " + std::to_string(intervals) +
                      " intervals of " + std::to_string(causes) + " causes need " + std::to_string(intervals * causes));
  }
}

Result nll(const Request& request) {
  const Numbers cuts = request.ascending("cuts");
  const int causes = request.whole("causes", 1);
  const std::vector<Values> logits = request.columns("logits");
  if (cuts.size() < 2) throw usage_error("option 'cuts' needs at least two numbers");
  check_width(logits, static_cast<int>(cuts.size()) - 1, causes);
  const Values time = request.column("time");
  const std::vector<int> event = request.codes("event", causes);
  Numbers each;
  double sum = 0;
  for (std::size_t i = 0; i < request.rows; ++i) {
    each.push_back(discrete_nll(row_of(logits, i), cuts, time[i], event[i]));
    sum += each.back();
  }
  constexpr std::size_t kFirst = 12;
  const double average = mean(each);
  each.resize(std::min(kFirst, each.size()));
  return {{"sum", sum}, {"mean", average}, {"first", each}};
}

void add_to(Numbers& sums, const Numbers& more, double share) {
  sums.resize(more.size());
  for (std::size_t j = 0; j < more.size(); ++j) sums[j] += share * more[j];
}

Result cif(const Request& request) {
  const int intervals = request.whole("intervals", 1), causes = request.whole("causes", 1);
  const std::vector<Values> logits = request.columns("logits");
  check_width(logits, intervals, causes);
  Numbers survival;
  NumberRows incidence(static_cast<std::size_t>(causes));
  for (std::size_t i = 0; i < request.rows; ++i) {
    const DiscreteCurves curves = discrete_curves(row_of(logits, i), intervals, causes);
    add_to(survival, curves.survival, 1.0 / static_cast<double>(request.rows));
    for (std::size_t c = 0; c < incidence.size(); ++c) add_to(incidence[c], curves.cif[c], 1.0 / static_cast<double>(request.rows));
  }
  return {{"mean_surv", survival}, {"mean_cif", incidence}};
}

Result illness_death_method(const Request& request) {
  const int intervals = request.whole("intervals", 1);
  const std::vector<Values> logits = request.columns("logits"), post = request.columns("post_logits");
  check_width(logits, intervals, 2);
  if (post.size() != static_cast<std::size_t>(intervals)) throw usage_error("column role 'post_logits' needs one column an interval");
  Numbers rfs, os;
  double gap = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < request.rows; ++i) {
    const Numbers row = row_of(logits, i), after = row_of(post, i);
    const IllnessDeath curves = illness_death(row, after);
    add_to(rfs, curves.rfs, 1.0 / static_cast<double>(request.rows));
    add_to(os, curves.os, 1.0 / static_cast<double>(request.rows));
    gap = std::min(gap, smallest_gap(row, after));
  }
  return {{"mean_rfs", rfs}, {"mean_os", os}, {"min_gap", gap}};
}

}  // namespace

std::vector<Method> discrete_methods() {
  return {{"discrete_nll", "time event logits", "cuts causes", nll},
          {"discrete_cif", "logits", "intervals causes", cif},
          {"illness_death", "logits post_logits", "intervals", illness_death_method}};
}

}  // namespace hepar::statistics
