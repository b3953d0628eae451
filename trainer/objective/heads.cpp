// SPDX-License-Identifier: Apache-2.0
#include "data/base/error.hpp"
#include "trainer/objective/head_kinds.hpp"

#include <algorithm>
#include <array>

namespace hepar::objective {
namespace {

bool observe_history(Subject& subject, const HeadSpec&, std::span<const EndpointSpec>, const History& history, std::span<const Outcome>) {
  subject.history = history;
  return history.known;
}

bool observe_outcome(Subject& subject, const HeadSpec& head, std::span<const EndpointSpec> endpoints, const History&, std::span<const Outcome> outcomes) {
  const auto at = std::find_if(endpoints.begin(), endpoints.end(), [&](const EndpointSpec& e) { return e.name == head.name; });
  if (at != endpoints.end()) subject.outcome = outcomes[static_cast<std::size_t>(at - endpoints.begin())];
  return subject.outcome.known;
}

// A new kind of head is its functions (in a file of its own, or beside those of its like) and one line here.
constexpr std::array<HeadKind, 2> kHeadKinds{{{HeadSpec::Kind::illness_death, "illness_death", 3, 2, &observe_history, &illness_death_account, &illness_death_curves},
                                              {HeadSpec::Kind::hazard, "hazard", 1, 1, &observe_outcome, &hazard_account, &hazard_curves}}};

}  // namespace

const HeadKind& head_kind(HeadSpec::Kind kind) {
  for (const HeadKind& one : kHeadKinds)
    if (one.kind == kind) return one;
  throw Error(ExitCode::bug, "a kind of head is not in the table");
}

std::int64_t HeadSpec::causes() const { return head_kind(kind).causes; }
std::string_view name_of(HeadSpec::Kind kind) { return head_kind(kind).name; }

HeadSpec::Kind head_kind_named(std::string_view name) {
  for (const HeadKind& one : kHeadKinds)
    if (one.name == name) return one.kind;
  throw store_error("there is no kind of head '" + std::string(name) + "'", {}, "use the version that trained it");
}

std::vector<double> default_cuts(double horizon_months) {
  constexpr double kFine = 3, kFineUntil = 24, kCoarse = 6;
  std::vector<double> cuts{0};
  while (cuts.back() < horizon_months) {
    const double step = cuts.back() < kFineUntil ? kFine : kCoarse;
    cuts.push_back(std::min(cuts.back() + step, horizon_months));
  }
  return cuts;
}

std::vector<HeadSpec> heads_for(std::span<const EndpointSpec> endpoints, const StrategySpec& strategies, bool has_histories) {
  std::vector<HeadSpec> heads;
  HeadSpec joint{HeadSpec::Kind::illness_death, "illness_death", {}, strategies.arm_names(), {}};
  double horizon = 0;
  for (const EndpointSpec& endpoint : endpoints) {
    if (endpoint.direct() || !has_histories) continue;
    joint.endpoints.push_back(endpoint.name);
    horizon = std::max(horizon, endpoint.horizon_months);
  }
  if (!joint.endpoints.empty()) {
    joint.cuts = default_cuts(horizon);
    heads.push_back(std::move(joint));
  }
  for (const EndpointSpec& endpoint : endpoints) {
    if (!endpoint.direct() && has_histories) continue;
    heads.push_back({HeadSpec::Kind::hazard, endpoint.name, default_cuts(endpoint.horizon_months), strategies.arm_names(), {endpoint.name}});
  }
  return heads;
}

Subject subject_of(const HeadSpec& head, std::span<const EndpointSpec> endpoints, const History& history,
                   std::span<const Outcome> outcomes, const Assignment& assignment) {
  Subject subject;
  subject.known = head_kind(head.kind).observe(subject, head, endpoints, history, outcomes);
  if (head.arms.size() == 1) return subject;

  const auto months = [](const std::optional<double>& day) { return day ? std::optional<double>(*day / kDaysPerMonth) : std::nullopt; };
  std::transform(assignment.start_day.begin(), assignment.start_day.end(), subject.start_months.begin(), months);
  if (assignment.arm >= 0) {
    subject.arm = assignment.arm;
  } else if (assignment.state != "undetermined") {
    const double never = std::numeric_limits<double>::infinity();
    subject.until_months = never;
    for (const std::optional<double>& start : subject.start_months) subject.until_months = std::min(subject.until_months, start.value_or(never));
    if (subject.until_months == never) subject.known = false;
  }
  return subject;
}

}  // namespace hepar::objective
