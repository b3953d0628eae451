// SPDX-License-Identifier: Apache-2.0
#include "trainer/evaluation/statistician.hpp"

#include "data/base/table.hpp"

#include <cmath>
#include <string_view>

namespace hepar::evaluation {

std::string_view headline_script();  // headline.R, put into the program by CMake

namespace {

namespace st = statistics;

// One row a patient under study at the landmark; months count from there.
std::string subjects_csv(const Evaluation& evaluation, const EndpointAnalysis& endpoint) {
  const st::Consistency& c = endpoint.consistency;
  std::vector<std::string> header{"patient_id", "centre", "cluster", "recommended", "given", "consistent", "months", "event", "weight", "score_model", "score_observed", "score_surgery"};
  for (std::size_t x = 0; x < endpoint.covariates.size(); ++x) header.push_back("x" + std::to_string(x + 1));
  std::string csv = csv_line(header);
  const auto at = [](const std::vector<double>& values, std::size_t k) { return values.empty() ? std::string() : number_text(values[k]); };
  for (std::size_t k = 0; k < c.rows.size(); ++k) {
    const std::size_t i = c.rows[k];
    const Subject& subject = evaluation.subjects[endpoint.subjects[i]];
    std::vector<std::string> fields{subject.id, subject.centre, std::to_string(c.cluster[k]), evaluation.arms[static_cast<std::size_t>(subject.recommended)], evaluation.arms[static_cast<std::size_t>(subject.arm)],
                                    subject.arm == subject.recommended ? "1" : "0", number_text(endpoint.study.outcomes.time[i] - c.landmark), std::to_string(endpoint.study.outcomes.event[i]), number_text(c.weight[k]),
                                    at(c.model_score, k), at(c.observed_score, k), at(c.surgery_score, k)};
    for (const std::vector<double>& column : endpoint.study.covariates) fields.push_back(number_text(column[i]));
    csv += csv_line(fields);
  }
  return csv;
}

void add_figure(std::string& csv, const std::string& endpoint, const char* figure, const st::Estimate& estimate) {
  if (estimate.estimable()) csv += csv_line({endpoint, figure, number_text(estimate.value), number_text(estimate.se)});
}

std::string headline_csv(const Evaluation& evaluation) {
  std::string csv = csv_line({"endpoint", "figure", "value", "se"});
  for (const EndpointAnalysis& endpoint : evaluation.endpoints) {
    const st::Consistency& c = endpoint.consistency;
    csv += csv_line({endpoint.endpoint, "tau", number_text(c.horizon - c.landmark), ""});
    add_figure(csv, endpoint.endpoint, "hr_unadjusted", c.unadjusted.hazard_ratio);
    add_figure(csv, endpoint.endpoint, "hr_adjusted", c.adjusted.hazard_ratio);
    add_figure(csv, endpoint.endpoint, "hr_weighted", c.weighted.hazard_ratio);
    add_figure(csv, endpoint.endpoint, "free_inconsistent", c.unadjusted.free[0]);
    add_figure(csv, endpoint.endpoint, "free_consistent", c.unadjusted.free[1]);
    add_figure(csv, endpoint.endpoint, "rmst_difference", c.unadjusted.mean_difference);
    add_figure(csv, endpoint.endpoint, "policy_model", c.model_value);
    add_figure(csv, endpoint.endpoint, "policy_model_minus_surgery", c.model_over_surgery);
  }
  return csv;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> statistician_files(const Evaluation& evaluation) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const EndpointAnalysis& endpoint : evaluation.endpoints) files.emplace_back("subjects_" + endpoint.endpoint + ".csv", subjects_csv(evaluation, endpoint));
  files.emplace_back("headline.csv", headline_csv(evaluation));
  files.emplace_back("headline.R", headline_script());
  return files;
}

}  // namespace hepar::evaluation
