// SPDX-License-Identifier: Apache-2.0
// experiment.yaml as values (schema hepar-experiment/1). The defaults stand here and nowhere else; every one of them is
// the default of CONTRACTS.md, "An experiment".
#pragma once

#include "data/base/options.hpp"
#include "trainer/model/network.hpp"

#include <string>
#include <vector>

namespace hepar::engine {

struct TrainConfig {
  std::string steps = "auto";            // auto | a number
  double epochs = 0;                     // > 0 wins over steps
  long long slots_per_step = 16;
  long long patients_per_slot = 4;
  std::string optimizer = "adamw";
  double learning_rate = 1.0e-3;
  std::string schedule = "cosine";       // cosine | constant
  double warmup = 0.05;                  // share of the steps
  double weight_decay = 0.01;
  double clip_norm = 1.0;                // 0: none
  double ema = 0.0;                      // 0: none
  std::string precision = "fp32";
  std::string weights = "none";          // | iptw: by the inverse probability of the treatment that was given
  long long bag_cap = 4096;
  std::string checkpoint_every = "auto"; // auto | 10min | 500steps | 1epoch
  std::string init_from;                 // a finished run whose parameters are taken over where name and shape agree
  std::vector<std::string> freeze;       // modules that stay as they begin: encoder.slide, fusion, head.…
  std::vector<std::string> module_rates; // encoder.ct=0.1: share of the learning rate
};

struct ValidationConfig {
  std::string scheme = "leave_one_centre_out";  // | grouped_k_fold | split
  long long folds = 5;
  std::string group = "patient";                // grouped_k_fold: centre | patient
  double test = 0.2;                            // split
  long long min_events = 10;
  long long pool_below_events = 0;
  std::string inner_by = "patient";
  double inner_share = 0.1;
  std::vector<std::string> inner_use = {"calibration"};
  std::vector<std::string> baselines = {"clinical_cox"};
  std::vector<std::string> chosen_on = {};      // centres whose patients chose these settings (hepar sweep): never tested
};

// How predictions become a recommendation, and what it is compared with.
struct DecisionConfig {
  std::string endpoint = "auto";                  // the first in which recurrence and death are events, else the first
  double months = 36;                             // of the restricted mean
  double small_gain = 0.5;                        // months; a smaller net gain over the first arm is none
  double min_propensity = 0.02;                   // of the recommended arm, among such patients in training
  double sensitive_gain = 1.0;                    // months that the lower 90 % limit must exceed
  std::vector<std::string> toxicity_months = {};  // "tace=0.5": months that a strategy costs
  std::vector<std::string> required = {};         // modalities without which nothing is recommended
  std::string guideline = "auto";                 // an expression in cohort terms
  std::string guideline_arm = "tace";             // what the guideline gives where it holds; the first arm else
};

struct Resources {
  std::string collective = "auto";       // mpi | nccl | self
  bool check_collectives = false;
  double stall_seconds = 120;            // without progress, and ten of the slowest steps, until a rank is given up
  std::string slots_at_once = "auto";
  std::string prefetch = "auto";
  std::string staging = "auto";
  std::string overlap = "auto";          // on | off
  long long checkpoints_kept = 2;
  long long trace_steps = 0;
};

struct Experiment {
  long long seed = 1;
  std::string mode = "reproducible";     // | native
  std::vector<std::string> endpoints = {"all"};
  std::string predict_at = "post_op";    // | pre_op
  std::vector<std::string> modalities = {"all"};
  model::ModelConfig model;
  TrainConfig train;
  ValidationConfig validation;
  DecisionConfig decision;
  Resources resources;
};

[[nodiscard]] std::vector<Row> rows(Experiment& experiment);  // every key of an experiment
[[nodiscard]] std::string config_yaml(Experiment& experiment);  // resolved, readable by --config
// The experiment that such a text describes; `name` for errors.
[[nodiscard]] Experiment experiment_of(const std::string& yaml, const std::string& name);
// Over every key that a run may not change when it is continued (all but resources.* and train.checkpoint_every).
[[nodiscard]] std::string config_sha256(const Experiment& experiment);
// "train.learning_rate was 0.001 and is 0.01" for the first such key, or "".
[[nodiscard]] std::string first_difference(const std::string& before_yaml, const Experiment& now);

}  // namespace hepar::engine
