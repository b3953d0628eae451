// SPDX-License-Identifier: Apache-2.0
// The treatment strategies that there are, by the kinds of treatment that start inside the window.
#pragma once

#include <array>
#include <string_view>

namespace hepar {

struct Arm { std::string_view name; bool tace, systemic; };
inline constexpr std::array<Arm, 4> kKnownArms{{{"surgery", false, false}, {"tace", true, false}, {"tace_systemic", true, true}, {"systemic", false, true}}};

}  // namespace hepar
