// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/discrete.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hepar::statistics {
namespace {

// -log(1 - h.) of one interval, without overflow: the negative log-probability of no event.
double log_sum(Values z) {
  double m = 0;
  for (const double v : z) m = std::max(m, v);
  double sum = std::exp(-m);
  for (const double v : z) sum += std::exp(v - m);
  return m + std::log(sum);
}

double logistic(double z) { return z >= 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z)); }

// Calls step(j, survival before, survival after, hazards) for each interval.
template <class Step>
void walk(Values logits, std::size_t intervals, Step step) {
  const std::size_t causes = logits.size() / intervals;
  std::vector<double> hazard(causes);
  double survival = 1;
  for (std::size_t j = 0; j < intervals; ++j) {
    const Values z = logits.subspan(j * causes, causes);
    const double total = log_sum(z);
    for (std::size_t c = 0; c < causes; ++c) hazard[c] = std::exp(z[c] - total);
    const double after = survival * std::exp(-total);
    step(j, survival, after, hazard);
    survival = after;
  }
}

}  // namespace

double discrete_nll(Values logits, Values cuts, double time, int event) {
  const std::size_t intervals = cuts.size() - 1, causes = logits.size() / intervals;
  const auto z = [&](std::size_t k) { return logits.subspan((k - 1) * causes, causes); };  // intervals from 1
  std::size_t survived = intervals, died_in = 0;
  if (time <= cuts[intervals]) {
    const auto below = std::lower_bound(cuts.begin(), cuts.begin() + static_cast<std::ptrdiff_t>(intervals), time) - cuts.begin();
    const auto k = static_cast<std::size_t>(std::max<std::ptrdiff_t>(below, 1));
    survived = k - 1;
    if (event > 0) {
      died_in = k;
    } else if (time == cuts[k]) {
      survived = k;
    }
  }
  double nll = 0;
  for (std::size_t j = 1; j <= survived; ++j) nll += log_sum(z(j));
  if (died_in > 0) nll += log_sum(z(died_in)) - z(died_in)[static_cast<std::size_t>(event - 1)];
  return nll;
}

DiscreteCurves discrete_curves(Values logits, int intervals, int causes) {
  DiscreteCurves out;
  out.cif.resize(static_cast<std::size_t>(causes));
  std::vector<double> incidence(static_cast<std::size_t>(causes), 0.0);
  walk(logits, static_cast<std::size_t>(intervals), [&](std::size_t, double before, double after, const std::vector<double>& hazard) {
    for (std::size_t c = 0; c < hazard.size(); ++c) out.cif[c].push_back(incidence[c] += before * hazard[c]);
    out.survival.push_back(after);
  });
  return out;
}

namespace {

// Calls visit(rfs, alive after recurrence) at the end of each interval.
template <class Visit>
void histories(Values logits, Values post_logits, Visit visit) {
  double recurred = 0;
  walk(logits, post_logits.size(), [&](std::size_t j, double before, double after, const std::vector<double>& hazard) {
    recurred = recurred * (1 - logistic(post_logits[j])) + before * hazard[0];
    visit(after, recurred);
  });
}

}  // namespace

IllnessDeath illness_death(Values logits, Values post_logits) {
  IllnessDeath out;
  histories(logits, post_logits, [&](double rfs, double recurred) {
    out.rfs.push_back(rfs);
    out.os.push_back(rfs + recurred);
  });
  return out;
}

double smallest_gap(Values logits, Values post_logits) {
  double gap = std::numeric_limits<double>::infinity();
  histories(logits, post_logits, [&](double, double recurred) { gap = std::min(gap, recurred); });
  return gap;
}

double curve_area(Values cuts, Values survival, double tau) {
  double area = 0, before = 1;
  for (std::size_t j = 0; j < survival.size() && cuts[j] < tau; ++j) {
    const double width = cuts[j + 1] - cuts[j], used = std::min(width, tau - cuts[j]);
    const double end = before + (survival[j] - before) * used / width;
    area += used * (before + end) / 2;
    before = survival[j];
  }
  return area;
}

}  // namespace hepar::statistics
