// SPDX-License-Identifier: Apache-2.0
// Which phase of a liver examination a series shows: by its description in Chinese or English, then by the seconds since
// the injection, then by the order of acquisition within the study; with the rule that decided. Nothing decides: unknown.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hepar::imaging {

// plain, arterial, portal, delayed, hepatobiliary; MR also t2, dwi, adc. Empty: unknown.
struct Phase {
  std::string name;
  std::string rule;  // "description: 动脉期", "timing: 31 s after injection", "order: 1 of 3 contrast scans"; never free text of the file
};

[[nodiscard]] Phase phase_by_description(std::string_view description, bool magnetic_resonance);
[[nodiscard]] Phase phase_by_timing(double seconds_after_injection, bool magnetic_resonance);

// A series of a study as far as its phase is concerned.
struct PhaseEvidence {
  std::string study;  // series of different studies are not ordered against each other
  std::string modality, description;
  bool contrast = false;                         // a contrast agent is stated
  std::optional<double> acquired_s, injected_s;  // seconds of the day
};
// One phase an evidence, in its order.
[[nodiscard]] std::vector<Phase> phases_of(const std::vector<PhaseEvidence>& series);

}  // namespace hepar::imaging
