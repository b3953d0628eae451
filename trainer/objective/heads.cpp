// SPDX-License-Identifier: Apache-2.0
#include "trainer/objective/objective.hpp"

#include <algorithm>

namespace hepar::objective {

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
  if (head.kind == HeadSpec::Kind::illness_death) {
    subject.history = history;
    subject.known = history.known;
  } else {
    const auto at = std::find_if(endpoints.begin(), endpoints.end(), [&](const EndpointSpec& e) { return e.name == head.name; });
    if (at != endpoints.end()) subject.outcome = outcomes[static_cast<std::size_t>(at - endpoints.begin())];
    subject.known = subject.outcome.known;
  }
  if (head.arms.size() == 1) return subject;

  const auto months = [](const std::optional<double>& day) { return day ? std::optional<double>(*day / kDaysPerMonth) : std::nullopt; };
  subject.tace_start_months = months(assignment.tace_start_day);
  subject.systemic_start_months = months(assignment.systemic_start_day);
  if (assignment.arm >= 0) {
    subject.arm = assignment.arm;
  } else if (assignment.state != "undetermined") {
    const double never = std::numeric_limits<double>::infinity();
    subject.until_months = std::min(subject.tace_start_months.value_or(never), subject.systemic_start_months.value_or(never));
    if (subject.until_months == never) subject.known = false;
  }
  return subject;
}

}  // namespace hepar::objective
