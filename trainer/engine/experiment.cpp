// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/engine.hpp"

#include "data/base/files.hpp"
#include "trainer/engine/optimiser.hpp"

namespace hepar::engine {

namespace {

void append(std::vector<Row>& rows, std::vector<Row> more) {
  for (Row& row : more) rows.push_back(std::move(row));
}

std::vector<Row> train_rows(TrainConfig& c) {
  return {
      row("train.steps", c.steps, "optimiser steps: auto or a number"),
      row("train.epochs", c.epochs, {0, 1e6}, "epochs", "passes over the training patients; 0: train.steps decides"),
      row("train.slots_per_step", c.slots_per_step, {1, 4096}, "slots", "independent pieces of a step; ranks share them out"),
      row("train.patients_per_slot", c.patients_per_slot, {1, 4096}, "patients", "patients computed together in a slot"),
      row("train.optimizer", c.optimizer, optimiser_names(), "the optimiser"),
      row("train.learning_rate", c.learning_rate, {0, 10}, "", "peak learning rate"),
      row("train.schedule", c.schedule, schedule_names(), "learning rate after warm-up"),
      row("train.warmup", c.warmup, {0, 1}, "share of steps", "linear warm-up"),
      row("train.weight_decay", c.weight_decay, {0, 100}, "", "decoupled weight decay of weights"),
      row("train.clip_norm", c.clip_norm, {0, 1e9}, "", "largest norm of a step's gradient; 0: none"),
      row("train.ema", c.ema, {0, 0.99999}, "", "decay of averaged weights, which then predict; 0: none"),
      row("train.precision", c.precision, {"fp32"}, "arithmetic of the network"),
      row("train.weights", c.weights, {"none", "iptw"}, "likelihoods weighted by the stabilised inverse probability of the treatment given"),
      row("train.bag_cap", c.bag_cap, {1, 1e9}, "tiles", "longest run of a bag in one step"),
      row("train.init_from", c.init_from, "a finished run: its parameters begin this one, where name and shape agree"),
      row("train.freeze", c.freeze, "modules that stay as they begin, such as encoder.slide"),
      row("train.module_rates", c.module_rates, "shares of the learning rate, such as encoder.ct=0.1"),
      row("train.checkpoint_every", c.checkpoint_every, "auto (10min, by the time limit where it is known), or a number with min, steps or epoch"),
  };
}

std::vector<Row> validation_rows(ValidationConfig& c) {
  return {
      row("validation.scheme", c.scheme, {"leave_one_centre_out", "grouped_k_fold", "split"}, "how patients are held out"),
      row("validation.folds", c.folds, {2, 1000}, "folds", "of grouped_k_fold"),
      row("validation.group", c.group, {"centre", "patient"}, "what grouped_k_fold keeps together"),
      row("validation.test", c.test, {0.01, 0.99}, "share", "held out by split"),
      row("validation.min_events", c.min_events, {1, 1e6}, "events", "a fold with fewer is listed and not pooled"),
      row("validation.pool_below_events", c.pool_below_events, {0, 1e6}, "events", "centres with fewer are held out together"),
      row("validation.inner.by", c.inner_by, {"patient"}, "what the inner split keeps together"),
      row("validation.inner.share", c.inner_share, {0, 0.5}, "share", "of a training fold kept for calibration"),
      row("validation.inner.use", c.inner_use, {"calibration"}, "what the inner split is used for: calibration"),
      row("validation.baselines", c.baselines, {"clinical_cox", "tnm", "bclc", "cnlc"}, "models to compare with: clinical_cox; tnm, bclc, cnlc: a stage alone, from the column of that name, known at predict_at"),
      row("validation.chosen_on", c.chosen_on, "centres whose patients chose these settings, as hepar sweep writes: no fold tests them"),
  };
}

std::vector<Row> decision_rows(DecisionConfig& c) {
  return {
      row("decision.endpoint", c.endpoint, "endpoint of the recommendation; auto: the first with recurrence and death as events"),
      row("decision.months", c.months, {1, 600}, "months", "to which time free of it is counted"),
      row("decision.small_gain", c.small_gain, {0, 600}, "months", "a smaller net gain is no recommendation to treat"),
      row("decision.min_propensity", c.min_propensity, {0, 1}, "", "rarer arms among such patients are not recommended"),
      row("decision.sensitive_gain", c.sensitive_gain, {0, 600}, "months", "that the lower 90 % limit exceeds in a sensitive patient"),
      row("decision.toxicity_months", c.toxicity_months, "what a strategy costs, as arm=months"),
      row("decision.required", c.required, "modalities without which nothing is recommended"),
      row("decision.guideline", c.guideline, "rule in cohort terms; auto: MVI, size > 5 cm or multiple where those columns exist"),
      row("decision.guideline_arm", c.guideline_arm, "arm that the guideline gives where its rule holds"),
  };
}

}  // namespace

std::vector<Row> rows(Experiment& e) {
  std::vector<Row> all{
      row("seed", e.seed, {0, 9e15}, "", "of order, initial weights and masks"),
      row("mode", e.mode, {"reproducible", "native"}, "the same bits on any number of ranks, or the fastest"),
      row("endpoints", e.endpoints, "names, or all"),
      row("predict_at", e.predict_at, {"post_op", "pre_op"}, "only what is known then enters"),
      row("modalities", e.modalities, "names, or all that are known"),
  };
  append(all, model::rows(e.model));
  append(all, train_rows(e.train));
  append(all, validation_rows(e.validation));
  append(all, decision_rows(e.decision));
  append(all, {row("resources.collective", e.resources.collective, {"auto", "mpi", "nccl", "self"}, "what sums over ranks: auto (NCCL for gradients on a GPU, else MPI)"),
               row("resources.check_collectives", e.resources.check_collectives, "for debugging: compare every rank's calls before they are made"),
               row("resources.stall_seconds", e.resources.stall_seconds, {1, 1e6}, "s", "a rank without progress for so long, and for ten of the slowest steps, ends the job")});
  append(all, {row("resources.slots_at_once", e.resources.slots_at_once, "slots computed at the same time by a rank: auto (its share of cores) or a number"),
               row("resources.prefetch", e.resources.prefetch, "batches read ahead: auto or a number"),
               row("resources.staging", e.resources.staging, "copy of the store on the node's disk: auto (from a network file system to TMPDIR), off, or a folder"),
               row("resources.overlap", e.resources.overlap, {"auto", "on", "off"}, "sums over ranks begin while backward goes on: auto tries both"),
               row("resources.checkpoints_kept", e.resources.checkpoints_kept, {1, 1000}, "checkpoints", "the newest that stay, beside the one of the lowest loss"),
               row("resources.trace_steps", e.resources.trace_steps, {0, 1e6}, "steps", "whose phases go to trace.json, for chrome://tracing; 0: none")});
  return all;
}

std::vector<Row> rows(Faults& f) {
  const Range step{-1, 1e15};
  return {row("faults.nan_step", f.nan_step, step, "step", "for tests: a NaN in slot 0 of this step"),
          row("faults.nan_until", f.nan_until, step, "step", "for tests: and of the steps after it, to this one"),
          row("faults.overflow_step", f.overflow_step, step, "step", "for tests: a gradient beyond the fixed point's range"),
          row("faults.break_step", f.break_step, step, "step", "for tests: a difference between ranks"),
          row("faults.memory_step", f.memory_step, step, "step", "for tests: memory that is used up in slot 0"),
          row("faults.slow_ms", f.slow_ms, {0, 1e6}, "ms", "for tests: a pause before each slot"),
          row("faults.stall_rank", f.stall_rank, step, "rank", "for tests: the rank that stays for ever"),
          row("faults.stall_step", f.stall_step, step, "step", "for tests: in this step"),
          row("faults.stall_phase", f.stall_phase, "for tests: in this phase")};
}

bool may_differ(const std::string& key) { return key.starts_with("resources.") || key == "train.checkpoint_every"; }

std::string config_yaml(Experiment& experiment) { return "schema: hepar-experiment/1\n" + resolved_yaml(rows(experiment)); }

Experiment experiment_of(const std::string& yaml, const std::string& name) {
  Experiment experiment;
  std::vector<Row> all = rows(experiment);
  apply(Yaml::parse(yaml, name), all, {"schema"});
  return experiment;
}

std::string config_sha256(const Experiment& experiment) {
  Experiment copy = experiment;
  std::string text;
  for (const Row& row : rows(copy))
    if (!may_differ(row.name)) text += row.name + "=" + row.get() + "\n";
  return sha256(text);
}

std::string first_difference(const std::string& before_yaml, const Experiment& now) {
  Experiment before, copy = now;
  std::vector<Row> before_rows = rows(before);
  apply(Yaml::parse(before_yaml, "config.yaml"), before_rows, {"schema"});
  const std::vector<Row> now_rows = rows(copy);
  for (std::size_t i = 0; i < now_rows.size(); ++i)
    if (!may_differ(now_rows[i].name) && now_rows[i].get() != before_rows[i].get()) return now_rows[i].name + " was " + before_rows[i].get() + " and is " + now_rows[i].get();
  return {};
}

}  // namespace hepar::engine
