// SPDX-License-Identifier: Apache-2.0
// The clinical covariates as complete columns, for the Cox baseline and the propensity: fitted in the training fold.
#pragma once

#include "sharding/store/store.hpp"
#include "trainer/statistics/causal.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hepar::validation {

// Numbers (log1p where declared) with the fold's mean for missing ones, flags, one 0/1 column a category but the first,
// and a column "… missing" where the fold has missing values. Columns without variation in the fold are left out.
class Covariates {
 public:
  static Covariates fit(const store::Store& store, const std::vector<std::string>& columns, const std::vector<std::int64_t>& patients);
  [[nodiscard]] std::vector<std::vector<double>> values(const store::Store& store, const std::vector<std::int64_t>& patients) const;  // [column][patient]
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] const std::vector<std::string>& fitted_on() const { return fitted_on_; }
  [[nodiscard]] std::string json() const;
  static Covariates from_json(const std::string& text);

 private:
  enum class Part : int { number, missing, category };
  struct Term {
    std::string column;
    Part part = Part::number;
    bool log1p = false;
    double fill = 0;
    int value = 0;
  };
  [[nodiscard]] double term(const Term& term, const Cell& cell) const;
  std::vector<Term> terms_;
  std::vector<std::string> names_, fitted_on_;
};

// P(arm | covariates), fitted in the training fold on patients whose arm is known; no centre enters.
class ArmShares {
 public:
  static ArmShares fit(const store::Store& store, const std::vector<std::string>& columns, const std::vector<std::int64_t>& patients);
  static ArmShares from_json(const std::string& text);
  [[nodiscard]] std::vector<std::vector<double>> of(const store::Store& store, const std::vector<std::int64_t>& patients) const;  // [patient][arm]
  [[nodiscard]] std::string json() const;
  [[nodiscard]] const std::vector<std::string>& fitted_on() const { return fitted_on_; }
  [[nodiscard]] const std::string& note() const { return note_; }

 private:
  std::optional<Covariates> covariates_;   // none: the same shares for everybody
  std::vector<std::vector<double>> coef_;  // [present arm - 1]: intercept, then the columns
  std::vector<int> present_;               // arms seen in training; the first is the reference
  std::vector<double> shares_;             // of all arms
  std::vector<std::string> fitted_on_;
  std::string note_;
};

}  // namespace hepar::validation
