# SPDX-License-Identifier: Apache-2.0
# Computes every figure of headline.csv again from the frozen rows, with R's survival package.
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
    part <- d[d$consistent == (group == "consistent"), ]
    if (!has(paste0("free_", group))) next
    if (competing) {
      fit <- summary(survfit(Surv(months, factor(event, 0:2)) ~ 1, part), times = tau, extend = TRUE)
      check(endpoint, paste0("free_", group), 1 - fit$pstate[, 2])
    } else {
      fit <- summary(survfit(Surv(months, event == 1) ~ 1, part), times = tau, extend = TRUE)
      check(endpoint, paste0("free_", group), fit$surv, fit$std.err)
    }
  }
  if (has("rmst_difference")) {
    area <- function(part) summary(survfit(Surv(months, event == 1) ~ 1, part), rmean = tau)$table["rmean"]
    check(endpoint, "rmst_difference", unname(area(d[d$consistent == 1, ]) - area(d[d$consistent == 0, ])))
  }
  mean_se <- function(v) c(mean(v), sd(v) / sqrt(length(v)))
  if (has("policy_model")) { m <- mean_se(d$score_model); check(endpoint, "policy_model", m[1], m[2]) }
  if (has("policy_model_minus_surgery")) { m <- mean_se(d$score_model - d$score_surgery); check(endpoint, "policy_model_minus_surgery", m[1], m[2]) }
}
if (differs > 0) quit(status = 1)
