// SPDX-License-Identifier: Apache-2.0
#include "data/base/error.hpp"
#include "trainer/objective/head_kinds.hpp"

#include <algorithm>
#include <utility>

namespace hepar::objective {
namespace {

// An arm from a time on.
struct Since { double months; int arm; };

// The starts that made the arm, by time.
std::vector<std::pair<double, std::size_t>> starts_of(const Arm& arm, const Starts& months) {
  std::vector<std::pair<double, std::size_t>> starts;
  for (std::size_t kind = 0; kind < kTreatmentKinds; ++kind)
    if (arm.holds[kind] && months[kind]) starts.emplace_back(*months[kind], kind);
  std::sort(starts.begin(), starts.end());
  return starts;
}

// The arms that a subject passes through, by time: that of exactly the kinds which have started, where the cohort has such an arm.
std::vector<Since> arms_of(const HeadSpec& head, const Subject& subject) {
  if (head.arms.size() == 1) return {{0, 0}};
  const std::string& name = head.arms[static_cast<std::size_t>(subject.arm)];
  const Arm* arm = arm_called(name);
  if (arm == nullptr) throw store_error("there is no strategy '" + name + "'", {}, "use the version that made the store");
  const auto starts = starts_of(*arm, subject.start_months);
  if (starts.empty()) return {{0, subject.arm}};
  const auto index_of = [&](const ByKind<bool>& kinds, int otherwise) {
    const Arm* exactly = arm_of_exactly(kinds);
    const auto at = exactly == nullptr ? head.arms.end() : std::find(head.arms.begin(), head.arms.end(), exactly->name);
    return at == head.arms.end() ? otherwise : static_cast<int>(at - head.arms.begin());
  };
  ByKind<bool> started{};
  std::vector<Since> passed{{0, index_of(started, 0)}};
  for (const auto& [months, kind] : starts) {
    started[kind] = true;
    passed.push_back({months, index_of(started, passed.back().arm)});
  }
  passed.back().arm = subject.arm;
  return passed;
}

int arm_at(const std::vector<Since>& arms, double months) {
  int arm = arms.front().arm;
  for (const Since& since : arms)
    if (since.months <= months) arm = since.arm;
  return arm;
}

// Interval of a time, 0-based: (c_(k-1), c_k] is k-1; J beyond the last cut.
int interval_of(const HeadSpec& head, double months) {
  const auto at = std::lower_bound(head.cuts.begin() + 1, head.cuts.end(), months);
  return static_cast<int>(at - head.cuts.begin()) - 1;
}

class Accountant {
 public:
  Accountant(const HeadSpec& head, const Subject& subject, PartialInterval rule)
      : head_(head), subject_(subject), rule_(rule), arms_(arms_of(head, subject)) {}

  Account hazard() && {
    enter_hazard();
    return std::move(account_);
  }
  Account illness_death() && {
    enter_history();
    return std::move(account_);
  }

 private:
  [[nodiscard]] double cut(int k) const { return head_.cuts[static_cast<std::size_t>(k)]; }
  [[nodiscard]] int intervals() const { return static_cast<int>(head_.intervals()); }

  // Event-free in (from, to], each share to the arm that held.
  void survived(double from, double to) {
    for (int k = interval_of(head_, from); k < intervals() && cut(k) < to; ++k) {
      const double low = std::max(from, cut(k)), high = std::min(to, cut(k + 1)), width = cut(k + 1) - cut(k);
      if (rule_ == PartialInterval::left_out) {
        if (high == cut(k + 1)) account_.terms.push_back({0, arm_at(arms_, high), k, 1, 0});
        continue;
      }
      for (std::size_t a = 0; a < arms_.size(); ++a) {
        const double begin = std::max(low, arms_[a].months);
        const double end = a + 1 < arms_.size() ? std::min(high, arms_[a + 1].months) : high;
        if (end > begin) account_.terms.push_back({0, arms_[a].arm, k, (end - begin) / width, 0});
      }
    }
  }

  // Survival of the intervals before the event's, of its own before the arm it happened under started, then the event.
  void first_event(double months, int cause) {
    const int k = interval_of(head_, months);
    if (k >= intervals()) return survived(0, cut(intervals()));
    survived(0, cut(k));
    const int arm = arm_at(arms_, months);
    if (rule_ == PartialInterval::share) {
      double begins = cut(k);
      for (const Since& since : arms_)
        if (since.months <= months) begins = std::max(begins, since.months);
      survived(cut(k), begins);
    }
    account_.terms.push_back({0, arm, k, 1, cause});
  }

  void enter_hazard() {
    const Outcome& outcome = subject_.outcome;
    if (outcome.event == 1 && outcome.months <= subject_.until_months) return first_event(outcome.months, 1);
    survived(0, std::min(outcome.months, subject_.until_months));
  }

  void after_recurrence(double recurrence, const std::optional<double>& death, double last) {
    const int arm = arm_at(arms_, recurrence);
    const int first = interval_of(head_, recurrence) + 1;
    const bool dies = death && *death <= last;
    const int end = dies ? std::max(interval_of(head_, *death), first) : intervals();
    for (int k = first; k < std::min(end, intervals()); ++k) {
      const double share = std::clamp((last - cut(k)) / (cut(k + 1) - cut(k)), 0.0, 1.0);
      if (!dies && share == 0) break;
      if (dies || share == 1 || rule_ == PartialInterval::share) account_.terms.push_back({1, arm, k, dies ? 1 : share, 0});
    }
    if (dies && end < intervals()) account_.terms.push_back({1, arm, end, 1, 1});
  }

  // Alive from `from` (recurrence-free there) to `to`, whether recurred or not is unknown.
  void hidden(double from, double to, bool dies) {
    const int last = interval_of(head_, to);
    for (int k = interval_of(head_, from); k < intervals() && cut(k) < to; ++k) {
      if (cut(k + 1) <= from) continue;
      const double low = std::max(from, cut(k)), high = std::min(to, cut(k + 1));
      const bool final_one = dies && k == last;
      account_.hidden.push_back({arm_at(arms_, high), k, final_one ? 1 : (high - low) / (cut(k + 1) - cut(k))});
      if (final_one) account_.dies_in_last_hidden = true;
    }
  }

  void enter_history() {
    const History& history = subject_.history;
    const double until = subject_.until_months;
    const double last = std::min(history.last_contact, until);
    if (history.recurrence && *history.recurrence <= until) {
      first_event(*history.recurrence, 1);
      return after_recurrence(*history.recurrence, history.death, history.death ? std::min(*history.death, until) : last);
    }
    const bool dies = history.death && *history.death <= until;
    const double end = dies ? *history.death : last;
    const double seen = std::min(history.recurrence_seen_until, end);
    // A death in the interval in which recurrence was last excluded is a death without recurrence.
    if (dies && interval_of(head_, seen) == interval_of(head_, end)) return first_event(end, 2);
    survived(0, seen);
    if (end > seen && rule_ == PartialInterval::share) hidden(seen, end, dies);
  }

  const HeadSpec& head_;
  const Subject& subject_;
  PartialInterval rule_;
  std::vector<Since> arms_;
  Account account_;
};

}  // namespace

Account hazard_account(const HeadSpec& head, const Subject& subject, PartialInterval rule) { return Accountant(head, subject, rule).hazard(); }
Account illness_death_account(const HeadSpec& head, const Subject& subject, PartialInterval rule) { return Accountant(head, subject, rule).illness_death(); }

Account account_of(const HeadSpec& head, const Subject& subject, PartialInterval rule) {
  if (!subject.known) return {};
  return head_kind(head.kind).account(head, subject, rule);
}

}  // namespace hepar::objective
