// SPDX-License-Identifier: Apache-2.0
// Who is held out with whom. A pure function of the store's tables and the configuration: ranks cannot change it.
#pragma once

#include "sharding/store/store.hpp"
#include "trainer/engine/experiment.hpp"
#include "trainer/validation/audit.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace hepar::validation {

struct Fold {
  std::string name;                              // the centre's code, "pool-1", "fold-3" or "test"
  std::vector<std::string> held_out;             // centres (leave one centre out, grouped by centre), else empty
  std::vector<std::int64_t> test, train, inner;  // store indices, ascending; train and inner are disjoint
};

// What decides a plan beside the store's tables.
struct PlanRequest {
  std::vector<std::string> endpoints;  // asked for: others neither make a centre small nor a patient known
  engine::ValidationConfig config;
  std::uint64_t seed = 1;
};

// Every patient of `patients` is in the test part of exactly one fold (split: of the one fold, or of none); but folds that
// would test a centre of validation.chosen_on are left out. usage_error: one centre only with leave_one_centre_out, more folds
// than groups, or all folds left out.
[[nodiscard]] std::vector<Fold> plan_folds(const store::Store& store, const std::vector<std::int64_t>& patients, const PlanRequest& request);

// One stated training set, for a search of settings: everybody of the centres `held_out` is `test`, of the others about `share`
// is `inner`, whole centres or single patients by a keyed hash. usage_error: no such centre, nobody left to train on.
struct StatedPart {
  std::vector<std::string> held_out;
  double share = 0.2;
  bool whole_centres = false;
};
[[nodiscard]] Fold plan_stated_fold(const store::Store& store, const std::vector<std::int64_t>& patients, const StatedPart& part, std::uint64_t seed);

// Eligible patients with a known outcome of at least one of the endpoints.
[[nodiscard]] std::vector<std::int64_t> patients_of(const store::Store& store, const std::vector<std::string>& endpoints);
// Their keys, in that order.
[[nodiscard]] std::vector<std::string> keys_of(const store::Store& store, const std::vector<std::int64_t>& patients);
// Those with the same bag or volume, byte by byte. Reports may be alike word by word and prove nothing.
[[nodiscard]] std::vector<Twins> twins_of(const store::Store& store, const std::vector<std::int64_t>& patients);

}  // namespace hepar::validation
