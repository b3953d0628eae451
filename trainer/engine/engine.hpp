// SPDX-License-Identifier: Apache-2.0
// Training and prediction on a group of ranks. Used by `train`, `validate` (one call a fold) and `sweep`.
#pragma once

#include "data/base/log.hpp"
#include "sharding/store/store.hpp"
#include "trainer/collective/collective.hpp"
#include "trainer/engine/experiment.hpp"
#include "trainer/objective/objective.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hepar::engine {

// What enters a training, resolved once from the experiment and the store (law 5): inputs known at predict_at, their
// columns, what was left out and why. usage_error when the experiment asks by name for what is known too late.
struct Selection {
  std::vector<std::string> modalities, columns, endpoints;
  std::vector<std::string> left_out;        // "report: known post_op, predict_at is pre_op"
};
[[nodiscard]] Selection select(const Experiment& experiment, const store::Store& store);

// Faults that the tests of the laws plant; -1: never.
struct Faults {
  long long nan_step = -1;        // a NaN in slot 0 of this step …
  long long nan_until = -1;       // … and of those after it, to this one
  long long overflow_step = -1;   // a gradient beyond the fixed point's range in slot 0
  long long break_step = -1;      // a difference between ranks: breaks law 2 on purpose
  long long memory_step = -1;     // no memory for slot 0 (native: for the first forward)
  long long slow_ms = 0;          // a pause before each slot
  long long stall_rank = -1;      // never leaves …
  long long stall_step = -1;      // … from this step on …
  std::string stall_phase;        // … this phase
  [[nodiscard]] bool nan_at(std::int64_t step) const { return nan_step >= 0 && step >= nan_step && step <= std::max(nan_step, nan_until); }
};

[[nodiscard]] std::vector<Row> rows(Faults& faults);  // keys "faults.…", left out of --help

struct TrainRequest {
  const Experiment& experiment;
  const store::Store& store;
  std::vector<std::int64_t> patients;       // store indices to train on, each used once an epoch (law 1)
  std::filesystem::path out;                // the run's folder
  std::string label;                        // "fold C03" or "" for the progress line
  bool fresh = false, must_resume = false, accept_other_machine = false;
  Faults faults;
  std::vector<double> weights = {};         // one a patient, of its likelihood; empty: 1
  // Share of the planned steps after which it pauses: a checkpoint, and the model of that step. The same call with a larger
  // share goes on, to the same bits as without a pause.
  double until = 1;
};

struct TrainResult {
  std::string parameters_sha256;
  std::int64_t steps = 0, epochs = 0;
  bool stopped = false;                     // stop signal: checkpoint written, exit 75
  bool paused = false;                      // at `until`, with a model
  std::int64_t generation = 0;              // of the folder's status: whoever adds to the run checks it
  bool already_finished = false;
};

// The patients have no outcome, or no event, to learn from (ExitCode::training): thrown by all ranks before the first step.
class NothingToLearn : public AgreedError {
 public:
  using AgreedError::AgreedError;
};

// Collective over `group`. Trains, checkpoints, writes the whole run folder (run.json, events.jsonl, tensorboard, model).
// Continues what is there; throws store_error when it belongs to another store or configuration.
[[nodiscard]] TrainResult train(const TrainRequest& request, collective::Collective& group, const Console& console);

// A trained model that predicts (no optimiser state). Reading is local.
class Predictor {
 public:
  static Predictor open(const std::filesystem::path& run);
  Predictor(Predictor&&) noexcept;
  ~Predictor();

  // survival[arm][endpoint][month index] of one patient; months() are 12, 24, … to the longest horizon.
  struct Curves { std::vector<std::vector<std::vector<double>>> survival; };
  // Local, on this rank's cores; a patient's result depends on that patient alone. Not to be called from several threads.
  [[nodiscard]] std::vector<Curves> predict(const store::Store& store, const std::vector<std::int64_t>& patients) const;
  // The same at other times (for RMST, plots).
  [[nodiscard]] std::vector<Curves> predict_at(const store::Store& store, const std::vector<std::int64_t>& patients,
                                               const std::vector<double>& months) const;

  [[nodiscard]] const std::vector<std::string>& arms() const;
  [[nodiscard]] const std::vector<EndpointSpec>& endpoints() const;
  [[nodiscard]] const std::vector<double>& months() const;
  [[nodiscard]] const std::string& features_sha256() const;
  // What validation adds to a run and predict needs again: the propensity of arms (model.json "propensity"), calibration.
  [[nodiscard]] std::string extra(const std::string& name) const;              // JSON text, "" when absent

 private:
  struct Impl;
  explicit Predictor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Adds or replaces one named part of model.json (propensity, calibration), published whole. Local, one rank. rank_failed when a
// generation later than `generation` (of TrainResult) works in the folder.
void add_to_model(const std::filesystem::path& run, const std::string& name, const std::string& json, std::int64_t generation);
// Throws so; nothing else. For other files of a run's folder.
void check_generation(const std::filesystem::path& run, std::int64_t generation);

}  // namespace hepar::engine
