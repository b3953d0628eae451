// SPDX-License-Identifier: Apache-2.0
// The seal of predictions that were made before anybody could know better: what was predicted, by which model, from which
// store, by which program, and when. It shows change, not forgery: whoever wants proof deposits its hash with a third party.
#pragma once

#include "data/cohort/cohort.hpp"
#include "sharding/store/store.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hepar::evaluation {

namespace fs = std::filesystem;

// The files that belong to PREDICTIONS.csv.
[[nodiscard]] fs::path decisions_path(const fs::path& predictions);  // PREDICTIONS.decisions.csv
[[nodiscard]] fs::path seal_path(const fs::path& predictions);       // PREDICTIONS.seal.json

struct SealRequest {
  fs::path run, predictions;
  const store::Store& store;
  std::vector<std::int64_t> patients;  // store indices that were predicted
  std::int64_t trained_on = 0;         // patients left out because the model was trained on them
  std::string version;                 // of the program
  std::string decision;                // JSON: what recommendations were made by
};
// Writes the seal last. Returns the SHA-256 of its file. The files must be there.
std::string freeze(const SealRequest& request);
// usage_error when the predictions at this path are sealed: they are never written over.
void refuse_sealed(const fs::path& predictions);

struct Seal {
  nlohmann::ordered_json document;
  std::string sealed_at;  // "2026-11-29T17:40:12Z"
  double sealed_day = 0;  // days since 1970-01-01
};
// store_error: no seal, a broken one, or files that are not what was sealed.
[[nodiscard]] Seal read_seal(const fs::path& predictions);

// Patients of whom the store that was predicted from already knew what happened: more than none, and refuse_late refuses.
[[nodiscard]] std::int64_t outcomes_known(const Seal& seal);

// What was known of a sealed patient before the predictions were.
struct Late {
  std::string patient, what, date;
};
// Patients whose recurrence, death or last contact lies before the seal's day, by their dates of surgery.
[[nodiscard]] std::vector<Late> known_before(const Seal& seal, const Cohort& cohort, const std::vector<std::size_t>& patients);
// input_error with the dates when any is known before, or when the store that was predicted from had follow-up beyond the
// treatment window or events.
void refuse_late(const Seal& seal, const Cohort& cohort, const std::vector<std::size_t>& patients, const fs::path& predictions);

[[nodiscard]] std::string date_text(double days_since_1970);

}  // namespace hepar::evaluation
