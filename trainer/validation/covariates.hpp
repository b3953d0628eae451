// SPDX-License-Identifier: Apache-2.0
// The clinical covariates as complete columns, for the Cox baseline and the propensity: fitted in the training fold.
#pragma once

#include "sharding/store/store.hpp"
#include "trainer/statistics/causal.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hepar::validation {

// Clinical cells of some patients, of a store or of a cohort's tables. The views must outlive it.
struct ClinicalRows {
  const std::vector<ColumnSpec>* columns = nullptr;
  std::vector<const std::vector<Cell>*> cells;  // one a patient, each one a column
  std::vector<std::string> keys;
  std::string place;                            // for errors
};
[[nodiscard]] ClinicalRows rows_of(const store::Store& store, const std::vector<std::int64_t>& patients);

// Numbers (log1p where declared) with the fold's mean for missing ones, flags, one 0/1 column a category but the first,
// and a column "… missing" where the fold has missing values. Columns without variation in the fold are left out.
class Covariates {
 public:
  static Covariates fit(const ClinicalRows& rows, const std::vector<std::string>& columns);
  static Covariates fit(const store::Store& store, const std::vector<std::string>& columns, const std::vector<std::int64_t>& patients) { return fit(rows_of(store, patients), columns); }
  [[nodiscard]] std::vector<std::vector<double>> values(const ClinicalRows& rows) const;  // [column][patient]
  [[nodiscard]] std::vector<std::vector<double>> values(const store::Store& store, const std::vector<std::int64_t>& patients) const { return values(rows_of(store, patients)); }
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

// An arm as the training fold knows it. The network answers for every arm, also for one that it has never seen (with the
// hazard common to all arms): such an answer is not given.
struct Strategy {
  std::string name;
  std::int64_t patients = 0;  // of the training fold that received it
  std::string not_estimable;  // why; empty when it is
};
// {"name", "patients"[, "not_estimable"]}
[[nodiscard]] nlohmann::ordered_json strategy_json(const Strategy& strategy);
[[nodiscard]] Strategy strategy_from(const nlohmann::ordered_json& json);

// P(arm | covariates), fitted in the training fold on patients whose arm is known; no centre enters. Arms that are not
// estimable have no share.
class ArmShares {
 public:
  static ArmShares fit(const store::Store& store, const std::vector<std::string>& columns, const std::vector<std::int64_t>& patients);
  static ArmShares from_json(const std::string& text);  // store_error: not what json() writes
  [[nodiscard]] std::vector<std::vector<double>> of(const store::Store& store, const std::vector<std::int64_t>& patients) const;  // [patient][arm]
  [[nodiscard]] std::string json() const;
  [[nodiscard]] const std::vector<std::string>& fitted_on() const { return fitted_on_; }
  [[nodiscard]] const std::vector<Strategy>& strategies() const { return strategies_; }  // the arms, in the store's order
  [[nodiscard]] const std::string& note() const { return note_; }  // why the shares follow no covariates; empty when they do

 private:
  void judge_arms();
  std::vector<Strategy> strategies_;
  std::vector<double> shares_;             // of everybody, unless covariates say more
  std::optional<Covariates> covariates_;
  std::vector<std::size_t> estimable_;     // arms; the first is the reference
  std::vector<std::vector<double>> coef_;  // [estimable arm - 1]: intercept, then the columns
  std::vector<std::string> fitted_on_;
  std::string note_;
};

}  // namespace hepar::validation
