// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/concordance.hpp"

#include "trainer/statistics/quantile.hpp"
#include "trainer/statistics/survival.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hepar::statistics {
namespace {

// Sums of weights by rank (Fenwick 1994).
class Tree {
 public:
  explicit Tree(std::size_t size) : sums_(size + 1, 0.0) {}
  void add(std::size_t rank, double weight) {  // rank from 1
    total_ += weight;
    for (; rank < sums_.size(); rank += rank & (~rank + 1)) sums_[rank] += weight;
  }
  [[nodiscard]] double up_to(std::size_t rank) const {
    double sum = 0;
    for (; rank > 0; rank &= rank - 1) sum += sums_[rank];
    return sum;
  }
  [[nodiscard]] double total() const { return total_; }

 private:
  std::vector<double> sums_;
  double total_ = 0;
};

// Ranks of scores from 1, and the range of ranks tied with each within the tolerance.
struct Ranks {
  std::vector<std::uint32_t> rank, low, high;  // tied: low < rank' <= high
  std::size_t distinct = 0;
};

Ranks ranks_of(Values score, double tolerance) {
  const Timeline line = timeline(score);
  Ranks ranks;
  ranks.distinct = line.times.size();
  ranks.rank.resize(score.size());
  ranks.low.resize(score.size());
  ranks.high.resize(score.size());
  std::size_t low = 0, high = 0;
  for (std::size_t k = 0; k < line.times.size(); ++k) {
    while (line.times[k] - line.times[low] > tolerance) ++low;
    while (high < line.times.size() && line.times[high] - line.times[k] <= tolerance) ++high;
    for (const std::uint32_t i : line.at(k)) {
      ranks.rank[i] = static_cast<std::uint32_t>(k + 1);
      ranks.low[i] = static_cast<std::uint32_t>(low);
      ranks.high[i] = static_cast<std::uint32_t>(high);
    }
  }
  return ranks;
}

struct Pairs {
  double concordant = 0, discordant = 0, tied = 0;
};

// One stratum: patients are those of the views.
class Pass {
 public:
  Pass(Outcomes outcomes, Values score, Values weight, Values lead, const ConcordanceOptions& options)
      : outcomes_(outcomes), weight_(weight), lead_(lead), options_(options), line_(timeline(outcomes.time)),
        ranks_(ranks_of(score, options.tie_tolerance)), own_(outcomes.size()) {}

  void run(Concordance& sums) {
    as_event(sums);
    if (options_.influence) as_later();
  }
  [[nodiscard]] const Pairs& of(std::size_t i) const { return own_[i]; }

 private:
  [[nodiscard]] double weight(std::size_t i) const { return weight_.empty() ? 1.0 : weight_[i]; }
  [[nodiscard]] double lead(std::size_t i) const { return lead_.empty() ? 1.0 : lead_[i]; }
  [[nodiscard]] bool counts(std::size_t i) const { return outcomes_.event[i] == 1 && outcomes_.time[i] <= options_.tau; }

  // From the last time down: the censored enter, each event meets whoever is in, then the events enter.
  void as_event(Concordance& sums) {
    Tree tree(ranks_.distinct);
    for (std::size_t k = line_.times.size(); k-- > 0;) {
      for (const std::uint32_t i : line_.at(k)) {
        if (outcomes_.event[i] != 1) tree.add(ranks_.rank[i], weight(i));
      }
      std::vector<std::uint32_t>& events = events_;
      events.clear();
      for (const std::uint32_t i : line_.at(k)) {
        if (!counts(i)) continue;
        events.push_back(i);
        const double w = weight(i) * lead(i);
        const double below = tree.up_to(ranks_.low[i]), not_above = tree.up_to(ranks_.high[i]);
        const Pairs pairs{w * below, w * (tree.total() - not_above), w * (not_above - below)};
        add(own_[i], pairs);
        sums.concordant += pairs.concordant;
        sums.discordant += pairs.discordant;
        sums.tied_x += pairs.tied;
      }
      if (events.size() > 1) tied_times(events, sums);
      for (const std::uint32_t i : line_.at(k)) {
        if (outcomes_.event[i] == 1) tree.add(ranks_.rank[i], weight(i));
      }
    }
  }

  // From the first time up: each patient as the later one of its pairs.
  void as_later() {
    Tree tree(ranks_.distinct);
    for (std::size_t k = 0; k < line_.times.size(); ++k) {
      for (const std::uint32_t i : line_.at(k)) {
        if (outcomes_.event[i] == 1) meet(tree, i);
      }
      for (const std::uint32_t i : line_.at(k)) {
        if (counts(i)) tree.add(ranks_.rank[i], weight(i) * lead(i));
      }
      for (const std::uint32_t i : line_.at(k)) {
        if (outcomes_.event[i] != 1) meet(tree, i);
      }
    }
  }
  void meet(const Tree& tree, std::size_t i) {
    const double below = tree.up_to(ranks_.low[i]), not_above = tree.up_to(ranks_.high[i]);
    add(own_[i], {weight(i) * (tree.total() - not_above), weight(i) * below, weight(i) * (not_above - below)});
  }
  static void add(Pairs& to, const Pairs& more) {
    to.concordant += more.concordant;
    to.discordant += more.discordant;
    to.tied += more.tied;
  }

  // Pairs of events at one time: sum_{i<j} w_i w_j = ((sum w)^2 - sum w^2)/2, in all and within equal scores.
  void tied_times(std::vector<std::uint32_t>& events, Concordance& sums) const {
    std::sort(events.begin(), events.end(), [&](auto a, auto b) { return std::pair(ranks_.rank[a], a) < std::pair(ranks_.rank[b], b); });
    double all = 0, squares = 0, equal = 0;
    for (std::size_t a = 0; a < events.size();) {
      double group = 0, group_squares = 0;
      std::size_t b = a;
      for (; b < events.size() && ranks_.rank[events[b]] == ranks_.rank[events[a]]; ++b) {
        const double w = weight(events[b]);
        group += w;
        group_squares += w * w;
      }
      equal += (group * group - group_squares) / 2;
      all += group;
      squares += group_squares;
      a = b;
    }
    sums.tied_xy += equal;
    sums.tied_y += (all * all - squares) / 2 - equal;
  }

  Outcomes outcomes_;
  Values weight_, lead_;
  const ConcordanceOptions& options_;
  Timeline line_;
  Ranks ranks_;
  std::vector<Pairs> own_;
  std::vector<std::uint32_t> events_;
};

// Runs every stratum and hands each patient's pairs back in the order of the whole.
std::vector<Pairs> all_pairs(Outcomes outcomes, Values score, const ConcordanceOptions& options, Concordance& sums) {
  std::vector<Pairs> own(outcomes.size());
  if (options.strata.empty()) {
    Pass pass(outcomes, score, options.weight, options.event_weight, options);
    pass.run(sums);
    for (std::size_t i = 0; i < own.size(); ++i) own[i] = pass.of(i);
    return own;
  }
  std::vector<std::vector<std::size_t>> strata(static_cast<std::size_t>(largest_code(options.strata) + 1));
  for (std::size_t i = 0; i < outcomes.size(); ++i) strata[static_cast<std::size_t>(options.strata[i])].push_back(i);
  for (const auto& rows : strata) {
    const OutcomeTable part = select(outcomes, rows);
    const std::vector<double> scores = select(score, rows);
    const std::vector<double> weight = options.weight.empty() ? std::vector<double>{} : select(options.weight, rows);
    const std::vector<double> lead = options.event_weight.empty() ? std::vector<double>{} : select(options.event_weight, rows);
    Pass pass(part.view(), scores, weight, lead, options);
    pass.run(sums);
    for (std::size_t k = 0; k < rows.size(); ++k) own[rows[k]] = pass.of(k);
  }
  return own;
}

}  // namespace

Concordance harrell_c(Outcomes outcomes, Values score, const ConcordanceOptions& options) {
  Concordance out;
  const std::vector<Pairs> own = all_pairs(outcomes, score, options, out);
  const double comparable = out.concordant + out.discordant + out.tied_x;
  out.c = comparable > 0 ? (out.concordant + out.tied_x / 2) / comparable : kNone;
  out.se = kNone;
  if (!options.influence || !(comparable > 0)) return out;
  out.influence.assign(options.cluster.empty() ? outcomes.size() : static_cast<std::size_t>(largest_code(options.cluster) + 1), 0.0);
  for (std::size_t i = 0; i < own.size(); ++i) {
    const Pairs& p = own[i];
    const double mine = p.concordant + p.discordant + p.tied;
    const std::size_t slot = options.cluster.empty() ? i : static_cast<std::size_t>(options.cluster[i]);
    out.influence[slot] += (p.concordant + p.tied / 2 - out.c * mine) / comparable;
  }
  double sum = 0;
  for (const double b : out.influence) sum += b * b;
  out.se = std::sqrt(sum);
  return out;
}

ConcordanceDifference harrell_c_difference(Outcomes outcomes, Values first, Values second, const ConcordanceOptions& options) {
  ConcordanceDifference out{harrell_c(outcomes, first, options), harrell_c(outcomes, second, options), kNone, 0, 0, 0, 0};
  if (out.first.influence.size() == out.second.influence.size() && !out.first.influence.empty()) {
    out.covariance = std::inner_product(out.first.influence.begin(), out.first.influence.end(), out.second.influence.begin(), 0.0);
  }
  out.difference = out.first.c - out.second.c;
  const double variance = out.first.se * out.first.se + out.second.se * out.second.se - 2 * out.covariance;
  out.se = std::sqrt(std::max(0.0, variance));
  if (std::isnan(variance)) out.se = kNone;
  out.z = out.difference / out.se;
  out.p = normal_two_sided(out.z);
  return out;
}

double uno_c(Outcomes outcomes, Values score, const UnoOptions& options) {
  StepCurve own;
  if (options.censoring == nullptr) own = censoring_curve(outcomes, options.weight);
  const StepCurve& g = options.censoring == nullptr ? own : *options.censoring;
  const bool left = options.convention == Convention::left;
  std::vector<double> lead(outcomes.size(), 0.0);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const double t = outcomes.time[i];
    if (outcomes.event[i] != 1 || (left ? t > options.tau : t >= options.tau)) continue;
    const double at = left ? g.before(t) : g.at(t);
    if (!(at > 0)) return kNone;
    lead[i] = 1 / (at * at);
  }
  ConcordanceOptions pairs;
  pairs.weight = options.weight;
  pairs.tau = left ? options.tau : std::nextafter(options.tau, -std::numeric_limits<double>::infinity());
  pairs.influence = false;
  pairs.event_weight = lead;
  pairs.tie_tolerance = left ? 0 : 1e-8;
  return harrell_c(outcomes, score, pairs).c;
}

PreparedConcordance::PreparedConcordance(Outcomes outcomes, Values score, double tau)
    : outcomes_(outcomes), tau_(tau), timeline_(timeline(outcomes.time)) {
  Ranks ranks = ranks_of(score, 0);
  rank_ = std::move(ranks.rank);
  ranks_ = ranks.distinct;
}

double PreparedConcordance::c(Values weight, Values event_weight) const {
  Tree tree(ranks_);
  double concordant = 0, tied = 0, comparable = 0;
  for (std::size_t k = timeline_.times.size(); k-- > 0;) {
    const auto here = timeline_.at(k);
    for (const std::uint32_t i : here) {
      if (outcomes_.event[i] != 1 && weight[i] > 0) tree.add(rank_[i], weight[i]);
    }
    for (const std::uint32_t i : here) {
      if (outcomes_.event[i] != 1 || !(weight[i] > 0) || outcomes_.time[i] > tau_) continue;
      const double w = weight[i] * (event_weight.empty() ? 1.0 : event_weight[i]);
      const double below = tree.up_to(rank_[i] - 1), not_above = tree.up_to(rank_[i]);
      concordant += w * below;
      tied += w * (not_above - below);
      comparable += w * tree.total();
    }
    for (const std::uint32_t i : here) {
      if (outcomes_.event[i] == 1 && weight[i] > 0) tree.add(rank_[i], weight[i]);
    }
  }
  return comparable > 0 ? (concordant + tied / 2) / comparable : kNone;
}

}  // namespace hepar::statistics
