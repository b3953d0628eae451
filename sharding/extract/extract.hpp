// SPDX-License-Identifier: Apache-2.0
// One patient's raw files to features and facts; and the fingerprint that tells when they must be read again.
#pragma once

#include "data/cohort/cohort.hpp"
#include "data/imaging/radiomics_facts.hpp"
#include "data/pathology/tile_encoder.hpp"
#include "sharding/store/shard_file.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hepar::extract {

// The stored modalities of a cohort (vectors left out: they are table columns), their layouts fixed.
// Bags take the width that most files have; a modality of which no file can be read is
// left out of the store, and its failures are counted.
struct Recipe {
  std::vector<ModalitySpec> specs;
  std::vector<store::StoredModality> modalities;
  std::vector<ModalitySpec> unreadable;
  std::vector<imaging::RegionRequest> regions;   // what columns take from regions of images: facts, not modalities
  RadiomicsSettings radiomics;
  std::map<std::string, std::shared_ptr<pathology::TileEncoder>, std::less<>> encoders;  // of bags, by modality
  [[nodiscard]] nlohmann::ordered_json settings() const;  // what decides the features, for store.json
};
// `encoder` makes the tile encoders that bags name.
[[nodiscard]] Recipe recipe_of(const Cohort& cohort, const pathology::EncoderFactory& encoder = &pathology::builtin_encoder);

struct Failure {
  std::string key, modality, source, reason;
  // Every declared phase is there, and of several series one was taken: on record, but nothing that reading again would mend.
  static constexpr const char* kChosen = "series_chosen";
  [[nodiscard]] bool mendable() const { return reason != kChosen; }
};

// A small picture for people, as a JPEG file.
struct Preview { std::string name, jpeg; };

struct Extracted {
  store::PatientFeatures features;
  std::vector<Failure> failures;   // absent although the cohort has a row, or partly left out
  std::vector<Preview> previews;   // under the names of their files in preview/
};
// Local. Never throws for what a file holds.
[[nodiscard]] Extracted extract(const PatientRecord& patient, const Recipe& recipe);

// Changes when a source file's path, size or time, or the row that names it, changes.
[[nodiscard]] std::string fingerprint(const PatientRecord& patient, const Recipe& recipe);
// Bytes of the source files: the predicted cost.
[[nodiscard]] std::int64_t source_bytes(const PatientRecord& patient, const Recipe& recipe);
// What its features will take, about.
[[nodiscard]] std::int64_t predicted_feature_bytes(const PatientRecord& patient, const Recipe& recipe);

}  // namespace hepar::extract
