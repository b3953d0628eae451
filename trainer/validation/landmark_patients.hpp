// SPDX-License-Identifier: Apache-2.0
// Who is under study when the treatment window closes, by the strategy that had started: the time zero at which strategies can
// be compared without immortal time.
#pragma once

#include "sharding/store/store.hpp"
#include "trainer/statistics/outcomes.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace hepar::validation {

struct LandmarkPatients {
  double landmark = 0;                           // months from surgery; 0 where only direct endpoints are known
  std::vector<std::size_t> rows;                 // of the list of patients
  statistics::OutcomeTable outcomes;             // from the landmark
  std::vector<int> given;                        // arms
  std::map<std::string, std::int64_t> left_out;  // reason -> patients
};
[[nodiscard]] LandmarkPatients landmark_patients(const store::Store& store, const std::vector<std::int64_t>& patients, const std::string& endpoint);

}  // namespace hepar::validation
