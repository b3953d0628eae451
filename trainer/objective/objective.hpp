// SPDX-License-Identifier: Apache-2.0
// Discrete-time likelihoods and the curves they give (clinical.md section 4; Tutz & Schmid 2016, ch. 8; Gensheimer &
// Narasimhan 2019).
#pragma once

#include "data/cohort/outcome.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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
  [[nodiscard]] std::int64_t causes() const;
};
// The kind's name in files, and back; store_error: there is none of that name.
[[nodiscard]] std::string_view name_of(HeadSpec::Kind kind);
[[nodiscard]] HeadSpec::Kind head_kind_named(std::string_view name);

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
  Starts start_months;                 // … person-time before a start counts to surgery
  double until_months = std::numeric_limits<double>::infinity();   // observation for this head ends here
  double weight = 1;                   // what the subject says counts this often (treatment weights)
};
// `outcomes`: one an endpoint of the store. `undetermined` gives its person-time to surgery, which is true of it until its
// event. `other` and `unknown` were on something that no arm describes: their person-time counts to surgery until the
// first recorded start, where they are censored; without a recorded start they contribute nothing.
[[nodiscard]] Subject subject_of(const HeadSpec& head, std::span<const EndpointSpec> endpoints, const History& history,
                                 std::span<const Outcome> outcomes, const Assignment& assignment);

// What a subject puts into the likelihood.
//   An event of cause c in interval k: -log h_kc. Survival of the share s of an interval: -s log(1 - h_k.), which is exact
// when the hazard is constant inside the interval. So a censored patient contributes the part of its last interval that
// was seen, where clinical.md section 4 leaves that interval out (and thereby biases hazards upward by about half an
// interval): PartialInterval::left_out is that rule, kept for comparison.
//   Arms: every share counts to the arm that held in it: surgery before a start, from then on the treatment (one of two
// started: that one's arm). With left_out, an interval counts to the arm that holds when it ends.
//   After a recurrence (process 1) the patient is at risk of death from the next interval on (left truncation); a death
// in the recurrence's own interval counts in the next one, as the recursion of curves() has it. The arm at recurrence stays.
//   When recurrence was looked for only up to a time before death or last contact, the stretch between is `hidden`: the
// patient may have recurred unseen, and the likelihood sums over both possibilities.
enum class PartialInterval : std::uint8_t { share, left_out };
struct Term {
  int process = 0;      // 0: until the first event; 1: after recurrence
  int arm = 0, interval = 0;
  double share = 0;     // of the interval, survived; 1 with an event
  int cause = 0;        // 0: none; 1 …: the event, numbered inside the process
};
struct Hidden {
  int arm = 0, interval = 0;
  double share = 0;
};
struct Account {
  std::vector<Term> terms;
  std::vector<Hidden> hidden;        // in order of time; recurrence-free at its start, alive at its end unless:
  bool dies_in_last_hidden = false;
  double weight = 1;                 // of all of it
};
[[nodiscard]] Account account_of(const HeadSpec& head, const Subject& subject, PartialInterval rule = PartialInterval::share);

// Sum over patients of weight x negative log-likelihood, summed in double in the order of patients (not normalised: the caller divides by the step's patients), float32,
// differentiable. `subjects` has one entry a row of logits.
[[nodiscard]] at::Tensor negative_log_likelihood(const HeadSpec& head, const at::Tensor& logits, std::span<const Subject> subjects,
                                                 PartialInterval rule = PartialInterval::share);

// Curves of one patient under one arm from its logits (J x causes, double): survival of each endpoint of the head (in the
// order of head.endpoints) at `months` (1 - P(event of this endpoint by then)), linear inside intervals, constant after
// the last cut. Recurrence with death competing: 1 - its incidence.
[[nodiscard]] std::vector<std::vector<double>> curves(const HeadSpec& head, std::span<const EndpointSpec> endpoints,
                                                      std::span<const double> logits, std::span<const double> months);

// Probabilities of an illness-death head at the cuts, one patient under one arm; index 0 is time zero.
struct IllnessDeathCurves { std::vector<double> free, recurrence, death_without, survival; };  // free + recurrence + death_without = 1
[[nodiscard]] IllnessDeathCurves illness_death(std::span<const double> logits, std::int64_t intervals);

}  // namespace hepar::objective
