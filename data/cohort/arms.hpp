// SPDX-License-Identifier: Apache-2.0
// The treatments after surgery that make a strategy, and the strategies that there are. A new kind of treatment is a word in
// kRecordedKinds and a line of kKnownArms for each strategy that holds it; tables, stores and likelihoods follow from the two.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace hepar {

inline constexpr std::array<std::string_view, 3> kRecordedKinds{"tace", "systemic", "other"};  // last: whatever no strategy holds
inline constexpr std::size_t kTreatmentKinds = kRecordedKinds.size() - 1;

template <class T>
using ByKind = std::array<T, kTreatmentKinds>;
using Starts = ByKind<std::optional<double>>;  // first start of each kind; days or months after surgery

struct Arm { std::string_view name; ByKind<bool> holds; };
inline constexpr std::array<Arm, 4> kKnownArms{
    {{"surgery", {false, false}}, {"tace", {true, false}}, {"tace_systemic", {true, true}}, {"systemic", {false, true}}}};

// Where a kind stands in ByKind; nullopt for one that no strategy holds.
constexpr std::optional<std::size_t> treatment_kind(std::string_view name) {
  for (std::size_t k = 0; k < kTreatmentKinds; ++k)
    if (kRecordedKinds[k] == name) return k;
  return std::nullopt;
}

// nullptr: there is none.
constexpr const Arm* arm_called(std::string_view name) {
  for (const Arm& arm : kKnownArms)
    if (arm.name == name) return &arm;
  return nullptr;
}
constexpr const Arm* arm_of_exactly(const ByKind<bool>& kinds) {
  for (const Arm& arm : kKnownArms)
    if (arm.holds == kinds) return &arm;
  return nullptr;
}

}  // namespace hepar
