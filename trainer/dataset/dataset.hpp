// SPDX-License-Identifier: Apache-2.0
// Patients as tensors: transforms fitted in the training fold, slots of a step, batches read from the store.
#pragma once

#include "sharding/store/store.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hepar::dataset {

// What a network needs to know about one input, after transforms.
struct Input {
  std::string name;
  Kind kind = Kind::vector;
  std::int64_t width = 0;               // vector: transformed columns; bag: tile dimension; sequence: vocabulary size
  std::vector<std::int64_t> volume{};    // volume: {phases, z, y, x}
  std::vector<std::string> features{};  // vector: name of each transformed column ("afp", "afp missing", "mvi=M2")
  std::vector<float> spread{};          // bag: SD between patients of a bag's mean, per dimension, in transformed units
};

// The values of one input for the patients of a batch, side by side.
struct InputBatch {
  at::Tensor values;                    // vector [P, width] · bag [tiles, width] · volume [P, phases, z, y, x] float32 · sequence [tokens] int64
  std::vector<std::int64_t> offsets;    // bag, sequence: P+1; an absent patient has none
  std::vector<std::uint8_t> present;    // P
};

struct Batch {
  std::vector<std::int64_t> patients;   // store indices
  std::vector<InputBatch> inputs;       // in the order of Transform::inputs()
};

// Everything that is fitted to inputs: centring, scaling and imputation of columns, per-dimension centring and scaling of
// bags, intensity scaling of volumes. Fitted on `patients` alone (law 5), in ascending order whatever the order given, so
// that every rank and every rank count gets the same bits. Local; all ranks compute the same.
//   Columns: numbers (log1p where declared) are centred and scaled, cut at 6 SD, missing = the mean; flags and one 0/1
// column a category are centred. Beside them a flag "missing" and flags "below limit", "above limit" where the fold has such.
//   Bags: per dimension, mean and SD over a deterministic sample of at most 512 patients x 64 tiles.
//   Volumes: per phase, median and (p90 - p10) / 2.56 over the voxels of at most 256 patients (robust against air and
// bone), cut at 8; an absent phase is 0.
//   Sequences: nothing but the size of the vocabulary.
class Transform {
 public:
  // `modalities`: names in the order of the network's inputs; `columns`: which columns of the vectors may enter.
  static Transform fit(const store::Store& store, std::span<const std::string> modalities,
                       std::span<const std::string> columns, std::span<const std::int64_t> patients);
  static Transform from_json(const std::string& text);
  [[nodiscard]] std::string json() const;                        // exact: doubles round-trip
  [[nodiscard]] const std::vector<Input>& inputs() const { return inputs_; }
  [[nodiscard]] const std::vector<std::string>& fitted_on() const { return fitted_on_; }  // patient keys, for the leak audit

  // Reads and transforms. Bags longer than `bag_cap` are cut to a contiguous run whose start is a function of
  // (key, patient) alone. `key` = 0: the run starts at the beginning (prediction). Thread-safe.
  [[nodiscard]] Batch batch(const store::Store& store, std::span<const std::int64_t> patients, std::int64_t bag_cap,
                            std::uint64_t key) const;

  struct Column {
    std::string name;
    ColumnType type = ColumnType::number;
    bool log1p = false;
    double mean = 0, inverse_sd = 0;            // numbers and flags; inverse 0: constant in the fold, says nothing
    std::vector<std::string> values{};          // categories
    std::vector<double> shares{};               // of each category in the fold
    bool has_missing = false, has_below = false, has_above = false;
  };
  struct Scale { std::vector<float> mean, inverse_sd; };          // bags: per dimension; volumes: per phase

 private:
  std::vector<Input> inputs_;
  std::vector<std::vector<Column>> columns_;   // one an input; empty unless a vector
  std::vector<Scale> scales_;                  // one an input; empty unless bag or volume
  std::vector<std::string> fitted_on_;
};

// Patients of one step, cut into slots. A pure function of (seed, step, patients, sizes).
struct Slot { std::int64_t index = 0; std::vector<std::int64_t> patients; };
struct StepPlan { std::int64_t epoch = 0; std::vector<Slot> slots; std::int64_t patients = 0; };

class Sampler {
 public:
  Sampler(std::vector<std::int64_t> patients, std::uint64_t seed, std::int64_t slots_per_step, std::int64_t patients_per_slot);
  [[nodiscard]] std::int64_t steps_per_epoch() const;
  [[nodiscard]] StepPlan step(std::int64_t step) const;  // the last step of an epoch may be shorter

 private:
  std::vector<std::int64_t> patients_;
  std::uint64_t seed_;
  std::int64_t slots_, per_slot_;
};

// Slot numbers of each rank, by predicted cost (values to read and compute), longest first; the same on all ranks.
[[nodiscard]] std::vector<std::vector<std::int64_t>> share_out(const StepPlan& plan, std::span<const double> cost_of_patient, int ranks);
// Predicted cost of a patient in relative units, from item counts.
[[nodiscard]] std::vector<double> patient_costs(const store::Store& store, std::span<const std::string> modalities, std::int64_t bag_cap);

}  // namespace hepar::dataset
