// SPDX-License-Identifier: Apache-2.0
// The patients of a cohort as its tables state them, checked; nothing fitted, nothing defaulted.
#pragma once

#include "data/cohort/spec.hpp"

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hepar {

// One value of a declared column. Numbers are in the declared unit and untransformed; categories hold the index into
// `ColumnSpec::values`, flags 0 or 1. `value` is NaN unless known or at a limit.
struct Cell {
  enum class State : std::uint8_t { known = 0, missing, below_limit, above_limit, query };
  double value = std::nan("");
  State state = State::missing;
  bool strict = true;  // of a limit: '>' and not '>='; rules ask for it, stores do not keep it
  [[nodiscard]] bool usable() const { return state == State::known || state == State::below_limit || state == State::above_limit; }
};

// Days after surgery. Absent: not recorded.
struct FollowUp {
  std::optional<double> recurrence_day, recurrence_free_day, death_day, last_contact_day;
  std::string recurrence_site, cause;
};

struct Treatment {
  std::string kind, drug, drug_class, finding;  // kind: tace | systemic | other
  double start_day = 0;
  std::optional<double> stop_day;
};

struct ImagingRow { std::filesystem::path path, mask; std::string timing, phase; std::optional<double> study_day; Place place; };
struct SlideRow { std::filesystem::path path, mask; std::string stain; std::optional<double> um_per_pixel; Place place; };
struct ReportRow { std::filesystem::path path; std::string text, language; Place place; };

struct PatientRecord {
  std::string id;       // study key; pseudonymised when the cohort says so
  std::string centre;
  Place place;          // row of the patients table
  std::optional<long> surgery_date;  // days since 1970-01-01
  std::vector<Cell> cells;           // one a spec.columns
  bool has_follow_up = false;
  bool treatments_recorded = false;  // the cohort has a treatments table: no row means not treated
  FollowUp follow_up;
  std::vector<Treatment> treatments; // in order of start
  std::vector<ImagingRow> imaging;
  std::vector<SlideRow> slides;
  std::vector<ReportRow> reports;
  // Direct endpoints: one a spec.endpoints, in months and event code 0/1; NaN where not direct or missing.
  std::vector<double> direct_months, direct_event;

  // "centre/id" where ids repeat between centres, else "id": unique in the cohort, used as the key of stores.
  std::string key;
};

// Something in a table that a data manager must answer; the value concerned was left out or changed as `action` says.
// `patient` is the key.
struct Query { std::string patient, centre, table, column, value, problem, action; Place place; };

struct Cohort {
  CohortSpec spec;
  std::vector<PatientRecord> patients;  // ordered by key (byte order)
  std::vector<Query> queries;
  std::vector<std::string> notes;       // e.g. undeclared columns that are not used
  std::string tables_digest;            // SHA-256 of what the tables say (not of spelling, path or order of rows)
  [[nodiscard]] std::vector<std::string> centres() const;  // sorted
};

[[nodiscard]] Cohort read_cohort(const std::filesystem::path& cohort_yaml);

}  // namespace hepar
