// SPDX-License-Identifier: Apache-2.0
// What a statistician needs to do it again in R: the frozen rows of every endpoint, the headline figures, and a script that
// computes each of them from the rows and fails when one differs.
#pragma once

#include "trainer/evaluation/prospective.hpp"

#include <string>
#include <utility>
#include <vector>

namespace hepar::evaluation {

// File name and text: subjects_<endpoint>.csv …, headline.csv, headline.R.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> statistician_files(const Evaluation& evaluation);

}  // namespace hepar::evaluation
