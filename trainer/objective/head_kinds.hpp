// SPDX-License-Identifier: Apache-2.0
// What a kind of head means, in one record: its hazards, what it looks at of a patient, its likelihood's terms, its curves.
// Internal to the room.
#pragma once

#include "trainer/objective/objective.hpp"

namespace hepar::objective {

struct HeadKind {
  HeadSpec::Kind kind;
  std::string_view name;           // as model.json has it
  std::int64_t causes;             // hazards of an interval …
  int first_causes;                // … of which so many, standing first, until the first event
  // Puts what the head looks at into the subject; false: nothing is known.
  bool (*observe)(Subject& subject, const HeadSpec& head, std::span<const EndpointSpec> endpoints, const History& history, std::span<const Outcome> outcomes);
  Account (*account)(const HeadSpec& head, const Subject& subject, PartialInterval rule);
  // 1 - P(event) at the cuts, a curve each of `served` (the specifications of head.endpoints), of one patient under one arm.
  std::vector<std::vector<double>> (*curves)(const HeadSpec& head, std::span<const EndpointSpec* const> served, std::span<const double> logits);
};
[[nodiscard]] const HeadKind& head_kind(HeadSpec::Kind kind);

Account hazard_account(const HeadSpec& head, const Subject& subject, PartialInterval rule);
Account illness_death_account(const HeadSpec& head, const Subject& subject, PartialInterval rule);
std::vector<std::vector<double>> hazard_curves(const HeadSpec& head, std::span<const EndpointSpec* const> served, std::span<const double> logits);
std::vector<std::vector<double>> illness_death_curves(const HeadSpec& head, std::span<const EndpointSpec* const> served, std::span<const double> logits);

}  // namespace hepar::objective
