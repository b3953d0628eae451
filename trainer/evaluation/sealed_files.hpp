// SPDX-License-Identifier: Apache-2.0
// The sealed CSVs as values: what was recommended to whom, and the curves that were predicted. Internal to the room.
#pragma once

#include "trainer/evaluation/prospective.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace hepar::evaluation {

using Key = std::pair<std::string, std::string>;  // centre, patient

// Who was sealed, with the recommendation; in the order of the file.
struct Sealed {
  std::vector<Key> keys;
  std::vector<Subject> subjects;
};
// store_error: a strategy that the cohort does not have.
[[nodiscard]] Sealed read_decisions(const fs::path& path, const std::vector<std::string>& arms);

// Survival of the natural strategy by endpoint and patient, at every month of the header, which go into `months`.
using NaturalCurves = std::map<std::string, std::map<Key, std::vector<double>>>;
[[nodiscard]] NaturalCurves read_natural(const fs::path& path, std::vector<double>& months);

}  // namespace hepar::evaluation
