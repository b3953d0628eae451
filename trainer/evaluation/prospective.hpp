// SPDX-License-Identifier: Apache-2.0
// Sealed predictions against what happened later: who was treated as recommended, how both groups fared, what that comparison
// can bear, and what the same code says of two studies in which nothing works.
#pragma once

#include "trainer/evaluation/seal.hpp"
#include "trainer/statistics/held_out.hpp"
#include "trainer/statistics/null_studies.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hepar::evaluation {

struct EvaluationRequest {
  fs::path predictions, cohort;
  fs::path validation;      // the folder of hepar validate, or empty
  fs::path adverse_events;  // CSV: patient_id[, centre], term, grade 1 to 5 (CTCAE), or empty
  statistics::NullOptions nulls;
  std::int64_t min_events = 10;
};

// One sealed patient with what followed.
struct Subject {
  std::size_t patient = 0;  // of the cohort
  std::string id, centre;
  int recommended = 0;
  bool small_gain = false;
  std::string abstained;     // codes, "" when something was recommended
  std::vector<double> gain;  // [arm]
  std::string given;         // an arm or a state
  int arm = -1;              // -1: no arm of the study; undetermined counts to the first arm
};

struct EndpointAnalysis {
  std::string endpoint;
  double horizon = 0;
  std::int64_t n = 0, events = 0;
  statistics::Estimate median_follow_up;
  statistics::Consistency consistency;
  statistics::StudyCohort study;        // what it was computed from
  std::vector<std::size_t> subjects;    // of Evaluation::subjects, one a row of `study`
  std::vector<std::string> covariates;  // names of study.covariates
  statistics::Estimates prediction;     // discrimination and calibration of the sealed natural risks
};

struct ArmEvents {
  std::string arm;
  std::int64_t patients = 0, with_any = 0, with_severe = 0, deaths = 0, events = 0;  // severe: grade 3 or more
};

struct Evaluation {
  Seal seal;
  std::vector<std::string> arms;
  std::string decision_endpoint;
  double window_days = 90;
  std::map<std::string, std::int64_t> left_out;  // reason -> patients
  std::int64_t sealed = 0, analysed = 0, in_late_check = 0, without_surgery_date = 0;
  std::optional<std::int64_t> trained_on;  // patients whom the seal leaves out because the model was trained on them; none: the seal does not know
  std::vector<EndpointAnalysis> endpoints;
  std::vector<ArmEvents> adverse_events;  // empty: no such table
  bool adverse_events_recorded = false;
  statistics::Estimate treated_without_gain;  // share of the treated whose treatment had an estimated gain <= 0
  statistics::NullStudy start_delays, confounding;
  nlohmann::ordered_json earlier;  // pooled metrics of the validation, or null
  std::vector<Subject> subjects;   // those analysed
};
// Throws store_error (a broken seal), input_error (known before, tables).
[[nodiscard]] Evaluation evaluate(const EvaluationRequest& request);

[[nodiscard]] nlohmann::ordered_json evaluation_json(const Evaluation& evaluation);
[[nodiscard]] std::string evaluation_text(const Evaluation& evaluation);

}  // namespace hepar::evaluation
