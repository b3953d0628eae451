// SPDX-License-Identifier: Apache-2.0
// The one place that knows the file names of a run, a validation and a sweep, and the schemas that stand in them. (Those of a
// store: sharding/store/layout.hpp.)
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace hepar {

// A sealed JSON document: its file and the schema that it carries.
struct DocumentKind {
  const char* file;
  const char* schema;
};
inline constexpr DocumentKind kRunDocument{"run.json", "hepar-run/1"}, kModelDocument{"model.json", "hepar-model/1"}, kFoldDocument{"fold.json", "hepar-fold/1"},
    kPlanDocument{"plan.json", "hepar-plan/1"}, kValidationDocument{"validation.json", "hepar-validation/1"}, kSweepPlanDocument{"plan.json", "hepar-sweep-plan/1"}, kTrialDocument{"trial.json", "hepar-trial/1"},
    kRungDocument{"rung.json", "hepar-rung/1"}, kSweepDocument{"sweep.json", "hepar-sweep-results/1"}, kEvaluationDocument{"evaluation.json", "hepar-evaluation/1"};

// What `train` makes, and each fold of a validation.
struct RunFolder {
  std::filesystem::path root;

  [[nodiscard]] std::filesystem::path run() const { return root / kRunDocument.file; }
  [[nodiscard]] std::filesystem::path status() const { return root / "status.json"; }
  [[nodiscard]] std::filesystem::path config() const { return root / "config.yaml"; }
  [[nodiscard]] std::filesystem::path events() const { return root / "events.jsonl"; }
  [[nodiscard]] std::filesystem::path trace() const { return root / "trace.json"; }
  [[nodiscard]] std::filesystem::path tensorboard() const { return root / "tensorboard"; }
  [[nodiscard]] std::filesystem::path checkpoints() const { return root / "checkpoints"; }
  [[nodiscard]] std::filesystem::path checkpoint(std::int64_t step) const { return checkpoints() / ("step-" + std::to_string(step)); }
  [[nodiscard]] std::filesystem::path model() const { return root / "model.safetensors"; }
  [[nodiscard]] std::filesystem::path model_json() const { return root / kModelDocument.file; }
  // Of a fold: the record of what it saw, written last, and the patients that it held out.
  [[nodiscard]] std::filesystem::path fold() const { return root / kFoldDocument.file; }
  [[nodiscard]] std::filesystem::path predictions() const { return root / "predictions.csv"; }
};

// What `validate` makes.
struct ValidationFolder {
  std::filesystem::path root;

  [[nodiscard]] std::filesystem::path folds() const { return root / "folds"; }
  [[nodiscard]] RunFolder fold(const std::string& name) const { return {folds() / folder_name(name)}; }
  // A centre's code need not be a file name: "/", "\\", "%", control characters, "." and ".." stand as %XX.
  [[nodiscard]] static std::string folder_name(const std::string& fold);
  [[nodiscard]] std::filesystem::path plan() const { return root / kPlanDocument.file; }  // the folds' folders, for `hepar status`
  [[nodiscard]] std::filesystem::path predictions() const { return root / "predictions.csv"; }
  [[nodiscard]] std::filesystem::path decisions() const { return root / "decisions.csv"; }  // what was recommended to each patient held out
  [[nodiscard]] std::filesystem::path results() const { return root / kValidationDocument.file; }
  [[nodiscard]] std::filesystem::path run() const { return root / kRunDocument.file; }
  [[nodiscard]] std::filesystem::path status() const { return root / "status.json"; }
  [[nodiscard]] std::filesystem::path config() const { return root / "config.yaml"; }
};

// What `sweep` makes. Of a trial: its settings, a record a finished rung, a lease and a farewell a generation of holders.
struct SweepFolder {
  std::filesystem::path root;

  [[nodiscard]] std::filesystem::path trials() const { return root / "trials"; }
  [[nodiscard]] std::filesystem::path trial(std::int64_t number) const;
  [[nodiscard]] RunFolder run(std::int64_t number) const { return {trial(number) / "run"}; }
  [[nodiscard]] std::filesystem::path settings(std::int64_t number) const { return trial(number) / kTrialDocument.file; }
  [[nodiscard]] std::filesystem::path rung(std::int64_t number, int rung) const { return trial(number) / ("rung-" + std::to_string(rung) + ".json"); }
  [[nodiscard]] std::filesystem::path failure(std::int64_t number) const { return trial(number) / "failed.json"; }
  [[nodiscard]] std::filesystem::path lease(std::int64_t number, std::int64_t generation) const { return trial(number) / ("lease-" + std::to_string(generation)); }
  [[nodiscard]] std::filesystem::path left(std::int64_t number, std::int64_t generation) const { return trial(number) / ("left-" + std::to_string(generation)); }
  [[nodiscard]] std::filesystem::path workers() const { return root / "workers"; }
  [[nodiscard]] RunFolder worker(const std::string& name) const { return {workers() / name}; }  // its status
  [[nodiscard]] std::filesystem::path plan() const { return root / kSweepPlanDocument.file; }
  [[nodiscard]] std::filesystem::path experiment() const { return root / "experiment.yaml"; }
  [[nodiscard]] std::filesystem::path search() const { return root / "search.yaml"; }
  [[nodiscard]] std::filesystem::path results() const { return root / kSweepDocument.file; }
  [[nodiscard]] std::filesystem::path best() const { return root / "best.yaml"; }
  [[nodiscard]] std::filesystem::path page() const { return root / "report.html"; }
  [[nodiscard]] std::filesystem::path status() const { return root / "status.json"; }
};

}  // namespace hepar
