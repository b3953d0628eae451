// SPDX-License-Identifier: Apache-2.0
#include "trainer/evaluation/statistician.hpp"

#include "data/base/table.hpp"

#include <cmath>

namespace hepar::evaluation {

namespace {

namespace st = statistics;

// One row a patient under study at the landmark; months count from there.
std::string subjects_csv(const Evaluation& evaluation, const EndpointAnalysis& endpoint) {
  const st::Consistency& c = endpoint.consistency;
  std::vector<std::string> header{"patient_id", "centre", "cluster", "recommended", "given",          "consistent",
                                  "months",     "event",  "weight",  "score_model", "score_observed", "score_surgery"};
  for (std::size_t x = 0; x < endpoint.covariates.size(); ++x) header.push_back("x" + std::to_string(x + 1));
  std::string csv = csv_line(header);
  const auto at = [](const std::vector<double>& values, std::size_t k) { return values.empty() ? std::string() : number_text(values[k]); };
  for (std::size_t k = 0; k < c.rows.size(); ++k) {
    const std::size_t i = c.rows[k];
    const Subject& subject = evaluation.subjects[endpoint.subjects[i]];
    std::vector<std::string> fields{subject.id,
                                    subject.centre,
                                    std::to_string(c.cluster[k]),
                                    evaluation.arms[static_cast<std::size_t>(subject.recommended)],
                                    evaluation.arms[static_cast<std::size_t>(subject.arm)],
                                    subject.arm == subject.recommended ? "1" : "0",
                                    number_text(endpoint.study.outcomes.time[i] - c.landmark),
                                    std::to_string(endpoint.study.outcomes.event[i]),
                                    number_text(c.weight[k]),
                                    at(c.model_score, k),
                                    at(c.observed_score, k),
                                    at(c.surgery_score, k)};
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

constexpr const char* kScript = R"(# Computes every figure of headline.csv again from the frozen rows, with R's survival package.
# Run it in this folder: Rscript headline.R. Exit status 1 when a figure differs.
library(survival)
headline <- read.csv("headline.csv")
differs <- 0
check <- function(endpoint, figure, value, se = NA) {
  row <- headline[headline$endpoint == endpoint & headline$figure == figure, ]
  if (nrow(row) == 0) return(invisible())  # not estimable there
  ok <- abs(value - row$value) <= 1e-6 * max(abs(row$value), 1)
  if (!is.na(se)) ok <- ok && abs(se - row$se) <= 1e-5 * max(abs(row$se), 1)
  cat(sprintf("%-12s %-28s %12.6f %12.6f %s\n", endpoint, figure, row$value, value, if (ok) "same" else "DIFFERS"))
  if (!ok) differs <<- differs + 1
}
ratio <- function(endpoint, figure, fit) {
  if (any(headline$endpoint == endpoint & headline$figure == figure)) {
    table <- summary(fit)$coefficients
    check(endpoint, figure, exp(table["consistent", "coef"]), exp(table["consistent", "coef"]) * table["consistent", "robust se"])
  }
}
for (endpoint in unique(headline$endpoint)) {
  d <- read.csv(paste0("subjects_", endpoint, ".csv"))
  tau <- headline$value[headline$endpoint == endpoint & headline$figure == "tau"]
  d$time <- pmin(d$months, tau)
  d$failed <- as.integer(d$event == 1 & d$months <= tau)
  x <- grep("^x[0-9]+$", names(d), value = TRUE)
  has <- function(figure) any(headline$endpoint == endpoint & headline$figure == figure)
  if (has("hr_unadjusted")) ratio(endpoint, "hr_unadjusted", coxph(Surv(time, failed) ~ consistent, d, cluster = cluster, ties = "efron"))
  if (has("hr_adjusted")) ratio(endpoint, "hr_adjusted", coxph(reformulate(c("consistent", x), "Surv(time, failed)"), d, cluster = cluster, ties = "efron"))
  if (has("hr_weighted")) ratio(endpoint, "hr_weighted", coxph(Surv(time, failed) ~ consistent, d[d$weight > 0, ], weights = weight, cluster = cluster, ties = "efron"))
  competing <- any(d$event == 2)
  for (group in c("inconsistent", "consistent")) {
  part < -d[d$consistent == (group == "consistent"), ] if (!has(paste0("free_", group))) next if (competing) {
    fit < -summary(survfit(Surv(months, factor(event, 0 : 2)) ~1, part), times = tau, extend = TRUE)
              check(endpoint, paste0("free_", group), 1 - fit$pstate[, 2])
  }
  else {
    fit < -summary(survfit(Surv(months, event == 1) ~1, part), times = tau, extend = TRUE) check(endpoint, paste0("free_", group), fit$surv, fit$std.err)
  }
}
if (has("rmst_difference")) {
  area < -function(part) summary(survfit(Surv(months, event == 1) ~1, part), rmean = tau)
             $table["rmean"] check(endpoint, "rmst_difference", unname(area(d[d$consistent == 1, ]) - area(d[d$consistent == 0, ])))
}
mean_se < -function(v) c(mean(v), sd(v) / sqrt(length(v))) if (has("policy_model")) {
  m < -mean_se(d$score_model);
  check(endpoint, "policy_model", m[1], m[2])
}
if (has("policy_model_minus_surgery")) {
  m < -mean_se(d$score_model - d$score_surgery);
  check(endpoint, "policy_model_minus_surgery", m[1], m[2])
}
}
if (differs > 0) quit(status = 1)
)";

}  // namespace

std::vector<std::pair<std::string, std::string>> statistician_files(const Evaluation& evaluation) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const EndpointAnalysis& endpoint : evaluation.endpoints)
    files.emplace_back("subjects_" + endpoint.endpoint + ".csv", subjects_csv(evaluation, endpoint));
  files.emplace_back("headline.csv", headline_csv(evaluation));
  files.emplace_back("headline.R", kScript);
  return files;
}

}  // namespace hepar::evaluation
