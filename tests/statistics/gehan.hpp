// SPDX-License-Identifier: Apache-2.0
// Weeks of remission of 42 children with leukaemia, 6-MP (treated 1) against placebo: Freireich et al., Blood 21:699
// (1963); Gehan, Biometrika 52:203 (1965). The classical example, printed in most textbooks.
#pragma once

#include <array>

namespace hepar::statistics {

inline constexpr std::array<double, 42> kGehanWeeks{6,  6,  6,  6,  7,  9,  10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35,
                                                    1,  1,  2,  2,  3,  4,  4,  5,  5,  8,  8,  8,  8,  11, 11, 12, 12, 15, 17, 22, 23};
inline constexpr std::array<int, 42> kGehanRelapse{1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0,
                                                   1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
inline constexpr std::array<double, 42> kGehanTreated{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                                      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

}  // namespace hepar::statistics
