// SPDX-License-Identifier: Apache-2.0
#include "trainer/evaluation/training_patients.hpp"

#include "data/base/error.hpp"
#include "trainer/validation/relative_effects.hpp"
#include "trainer/validation/strategies.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hepar::evaluation {

TrainingPatients::TrainingPatients(const engine::ModelFile& model) : contents_(model.contents) {
  const auto add = [this](const std::vector<std::string>& keys) { keys_.insert(keys.begin(), keys.end()); };
  const auto part = [&model](const char* name) { return model.extra.contains(name) ? model.extra.at(name).dump() : std::string(); };
  add(model.trained_on);
  add(model.seen_before);
  add(model.transform.fitted_on());
  if (const std::string propensity = part("propensity"); !propensity.empty()) add(validation::ArmShares::from_json(propensity).fitted_on());
  if (const std::string effects = part("effects"); !effects.empty()) add(validation::RelativeEffects::from_json(effects).fitted_on());
  if (model.extra.contains("calibrated_on")) add(model.extra.at("calibrated_on").get<std::vector<std::string>>());
}

bool TrainingPatients::contains(const store::Store& store, std::int64_t patient) const {
  const store::PatientRow& row = store.row(patient);
  // A key names the centre only where ids repeat among centres.
  if (keys_.contains(row.key) || keys_.contains(row.centre + "/" + row.id)) return true;
  for (const auto& [modality, hashes] : engine::contents_of(store, {patient})) {
    const auto known = contents_.find(modality);
    if (known != contents_.end() && std::binary_search(known->second.begin(), known->second.end(), hashes.front())) return true;
  }
  return false;
}

std::int64_t TrainingPatients::count(const store::Store& store, const std::vector<std::int64_t>& patients) const {
  return std::count_if(patients.begin(), patients.end(), [&](std::int64_t p) { return contains(store, p); });
}

std::vector<std::int64_t> unseen(const TrainingPatients& training, const store::Store& store, const std::vector<std::int64_t>& patients) {
  std::vector<std::int64_t> out;
  std::copy_if(patients.begin(), patients.end(), std::back_inserter(out), [&](std::int64_t p) { return !training.contains(store, p); });
  if (out.empty() && !patients.empty())
    throw input_error(fmt::format("the model was trained on all {} patients: predictions of theirs prove nothing and are not sealed", patients.size()), {store.path().string()},
                      "seal predictions of patients that it has not seen");
  return out;
}

}  // namespace hepar::evaluation
