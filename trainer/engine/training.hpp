// SPDX-License-Identifier: Apache-2.0
// One training, as a story that every rank tells alike: open, prepare, continue (training_setup.cpp), steps (train.cpp),
// finish (training_record.cpp). Internal to the room.
#pragma once

#include "data/base/machine.hpp"
#include "trainer/engine/checkpoint.hpp"
#include "trainer/engine/engine.hpp"
#include "trainer/engine/initial.hpp"
#include "trainer/engine/overlap.hpp"
#include "trainer/engine/run_record.hpp"
#include "trainer/engine/step.hpp"
#include "trainer/engine/tensorboard.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hepar::engine {

// When to write a checkpoint besides the end: by time or by steps (0: not).
struct Rhythm {
  double seconds = 600;
  std::int64_t steps = 0;
  bool automatic = false;  // by the time limit, where that is known
};

[[nodiscard]] inline double seconds_since(std::chrono::steady_clock::time_point start) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }

// Throws when the ranks' parameters are not the same bits. Collective.
void check_replicas(std::span<const float> values, collective::Collective& group, std::int64_t step);

// Refuses the serial OpenBLAS with several slots at once (its gradients are silently wrong then), warns of the reference BLAS.
void check_blas(const Machine& machine, int slots, const Console& console);

enum class Ending { finished, paused, stopped };

class Training {
 public:
  Training(const TrainRequest& request, collective::Collective& group, const Console& console)
      : request_(request), config_(request.experiment.train), group_(group), console_(console), folder_{request.out}, root_(group.rank() == 0), seed_(static_cast<std::uint64_t>(request.experiment.seed)) {}

  TrainResult run();
  // status.json of what ended it. Local.
  void failed(const Error& error);

  // For measuring (rehearsal.cpp): everything that is computed, without a run's folder.
  void prepare();
  StepSeconds rehearse(double& optimiser_seconds, double& loss);
  void write_twin(const std::filesystem::path& folder);
  [[nodiscard]] std::int64_t parameters() const { return arena_->size(); }
  [[nodiscard]] std::int64_t patients_in_step() const { return config_.slots_per_step * config_.patients_per_slot; }
  [[nodiscard]] int workers() const { return workers_->count(); }

 private:
  void open_folder();
  void continue_from_checkpoint();
  void steps();
  bool one_step();
  double update(double norm);
  void skip(const StepResult& result);
  void add_phases();
  void after_step(const StepResult& result, double rate);
  void finish(Ending ending);
  [[nodiscard]] nlohmann::ordered_json identity(const std::string& status) const;
  [[nodiscard]] nlohmann::ordered_json run_json(const std::string& hash, Ending ending);
  void show_phases(const nlohmann::ordered_json& record) const;
  [[nodiscard]] StepResult computed_step(const dataset::StepPlan& plan);
  [[nodiscard]] StepResult repeated_step(const dataset::StepPlan& plan);
  [[nodiscard]] std::optional<TrainResult> finished_before();
  void choose_patients();
  void start_computing();
  [[nodiscard]] TrainResult result() const;
  [[nodiscard]] std::vector<std::string> trained_on() const;
  [[nodiscard]] std::vector<std::string> seen_before() const;
  [[nodiscard]] Contents contents() const;
  [[nodiscard]] Spent spent() const { return {before_.seconds + seconds_since(start_), before_.sessions + 1}; }
  void roll_back();
  [[nodiscard]] double checkpoint_interval() const;
  void stall_if_planted(const char* phase) const;
  void save_checkpoint(bool must);

  const TrainRequest& request_;
  const TrainConfig& config_;
  collective::Collective& group_;
  const Console& console_;
  RunFolder folder_;
  bool root_;
  std::uint64_t seed_;
  Selection selection_;
  std::vector<std::int64_t> patients_;     // those of the request with an outcome to learn from
  dataset::Transform transform_;
  std::vector<objective::HeadSpec> heads_;
  std::vector<EndpointSpec> endpoints_;
  std::vector<std::vector<objective::Subject>> subjects_;
  std::vector<double> cost_;
  std::unique_ptr<model::Network> network_;
  std::unique_ptr<Arena> arena_;
  Initial initial_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<dataset::Sampler> sampler_;
  std::unique_ptr<dataset::Staging> staging_;
  std::unique_ptr<Learner> learner_;
  std::unique_ptr<StepEngine> engine_;
  std::unique_ptr<OverlapChoice> overlap_;
  std::unique_ptr<Trace> trace_;
  std::unique_ptr<CheckpointWriter> writer_;
  std::unique_ptr<Events> events_;
  std::unique_ptr<TensorBoard> tensorboard_;
  std::unique_ptr<Progress> progress_;
  Cursor cursor_;
  StatusFile status_{folder_.status()};
  bool working_ = false;                   // the folder is this training's: what ends it is written there
  StepSeconds phases_;
  double optimiser_seconds_ = 0, setup_seconds_ = 0, steps_seconds_ = 0;
  Spent before_;                           // by the sessions that this one continues
  std::int64_t reduced_bytes_ = 0;         // that this rank gave to all-reduces
  std::int64_t total_steps_ = 0, last_step_ = 0;  // planned; of this call
  std::int64_t first_step_ = 0;            // of this session
  std::int64_t slots_computed_ = 0, patients_done_ = 0;
  std::int64_t checkpointed_step_ = 0;
  double loss_sum_ = 0;                    // of the steps since then
  bool stop_ = false;
  Rhythm rhythm_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now(), checkpointed_ = start_, logged_ = start_;
};

}  // namespace hepar::engine
