// SPDX-License-Identifier: Apache-2.0
// Discrete-time likelihoods and the curves they give (clinical.md section 4; Tutz & Schmid 2016, ch. 8; Gensheimer &
// Narasimhan 2019).
#pragma once

#include "data/cohort/outcome.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hepar::objective {

// What the network's output means. `illness_death`: logits [P, arms, J, 3] = recurrence, death without recurrence,
// death after recurrence. `hazard`: logits [P, arms, J, 1] = the endpoint's event; with a competing cause the name of a
// second hazard head tells it.
struct HeadSpec {
  enum class Kind : std::uint8_t { illness_death, hazard };
  Kind kind = Kind::illness_death;
  std::string name;                  // "illness_death" or the endpoint's name
  std::vector<double> cuts;          // months, 0 = c_0 < … < c_J
  std::vector<std::string> arms;     // {"all"} in a one-arm cohort
  std::vector<std::string> endpoints;  // served by this head, in the store's order
  [[nodiscard]] std::int64_t intervals() const { return static_cast<std::int64_t>(cuts.size()) - 1; }
  [[nodiscard]] std::int64_t causes() const { return kind == Kind::illness_death ? 3 : 1; }
};

// 3-month intervals to year 2, then 6-month ones, to the longest horizon.
[[nodiscard]] std::vector<double> default_cuts(double horizon_months);
// The heads that a store's endpoints ask for: one illness-death head when it has histories, one hazard a direct endpoint.
[[nodiscard]] std::vector<HeadSpec> heads_for(std::span<const EndpointSpec> endpoints, const StrategySpec& strategies, bool has_histories);

// What was observed of one patient, for one head.
struct Subject {
  bool known = false;                  // false: contributes nothing
  History history;                     // illness-death
  Outcome outcome;                     // hazard
  int arm = 0;                         // arm from its start on …
  std::optional<double> tace_start_months, systemic_start_months;  // … person-time before a start counts to surgery
};

// Sum over patients of the negative log-likelihood (not normalised: the caller divides by the step's patients), float32,
// differentiable. `subjects` has one entry a row of logits.
[[nodiscard]] at::Tensor negative_log_likelihood(const HeadSpec& head, const at::Tensor& logits, std::span<const Subject> subjects);

// Curves of one patient under one arm from its logits (J x causes, double): survival of each endpoint of the head at
// `months` (1 - P(event of this endpoint by then)), linear inside intervals.
[[nodiscard]] std::vector<std::vector<double>> curves(const HeadSpec& head, std::span<const EndpointSpec> endpoints,
                                                      std::span<const double> logits, std::span<const double> months);

}  // namespace hepar::objective
