// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/quantile.hpp"

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

#include <algorithm>
#include <cmath>

namespace hepar::statistics {
double quantile7_sorted(Values ascending, double p) {
  if (ascending.empty()) return kNone;
  const double h = static_cast<double>(ascending.size() - 1) * p;
  const auto low = static_cast<std::size_t>(std::clamp(std::floor(h), 0.0, static_cast<double>(ascending.size() - 1)));
  if (low + 1 >= ascending.size()) return ascending.back();
  return ascending[low] + (h - std::floor(h)) * (ascending[low + 1] - ascending[low]);
}

double quantile7(Values values, double p) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return quantile7_sorted(sorted, p);
}

std::vector<int> quantile_groups(Values values, int groups) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> breaks;  // upper ends
  for (int g = 1; g <= groups; ++g) breaks.push_back(quantile7_sorted(sorted, static_cast<double>(g) / groups));
  std::vector<int> group(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto found = std::lower_bound(breaks.begin(), breaks.end(), values[i]) - breaks.begin();
    group[i] = std::min(static_cast<int>(found), groups - 1);
  }
  return group;
}

double normal_quantile(double p) {
  if (!(p > 0 && p < 1)) return kNone;
  return boost::math::quantile(boost::math::normal(), p);
}

double student_quantile(double p, double df) {
  if (!(df > 0) || !(p > 0 && p < 1)) return kNone;
  return boost::math::quantile(boost::math::students_t(df), p);
}

double normal_two_sided(double z) {
  if (std::isnan(z)) return kNone;
  return std::erfc(std::abs(z) / std::sqrt(2.0));
}

double chi_squared_tail(double chisq, double df) {
  if (!(df > 0) || !std::isfinite(chisq) || chisq < 0) return kNone;
  return boost::math::cdf(boost::math::complement(boost::math::chi_squared(df), chisq));
}

double normal_factor(double level) { return normal_quantile(1 - (1 - level) / 2); }

double mean(Values values) {
  if (values.empty()) return kNone;
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double standard_deviation(Values values) {
  if (values.size() < 2) return kNone;
  const double centre = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - centre) * (value - centre);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

}  // namespace hepar::statistics
