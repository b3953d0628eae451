// SPDX-License-Identifier: Apache-2.0
// Reads the tables of a cohort in order: patients, follow-up, treatments, then the lists of files. For the .cpp files
// of this room only.
#pragma once

#include "data/base/table.hpp"
#include "data/cohort/cohort.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hepar {

// Patients by (centre, id), and by id alone where that is unique.
class Directory {
 public:
  void add(const PatientRecord& patient, std::size_t index);
  [[nodiscard]] bool has(const std::string& centre, const std::string& id) const;
  [[nodiscard]] bool repeats(const std::string& id) const { return by_id_.at(id).size() > 1; }
  // input_error when the patient is unknown, or stands in several centres and the row names none.
  [[nodiscard]] std::size_t find(const std::string& id, const std::string& centre, const Place& place) const;

 private:
  std::unordered_map<std::string, std::size_t> by_both_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_id_;
};

class TableReader {
 public:
  explicit TableReader(Cohort& cohort) : cohort_(cohort), spec_(cohort.spec) {}

  void patients();
  void follow_up();
  void treatments();
  void imaging();
  void slides();
  void reports();
  void finish();  // keys of patients and queries, which need all patients

 private:
  // One row of a table about one patient.
  struct Line {
    const Table& table;
    std::size_t row;
    std::size_t patient;
    std::string name;                                               // of the table, for queries
    [[nodiscard]] std::string text(std::string_view column) const;  // "" where the table has no such column
    [[nodiscard]] Place place() const { return table.place(row); }
  };
  struct Said {
    std::string column, value, problem, action;
  };

  void query(const Line& line, Said said);
  [[nodiscard]] std::optional<long> date_of(const Line& line, const std::string& column) const;  // days since 1970-01-01
  // A day after surgery from "<stem>_day" or "<stem>_date"; nullopt when both are absent or empty.
  [[nodiscard]] std::optional<double> day(const Line& line, const std::string& stem);
  [[nodiscard]] std::optional<double> day_of_date(const Line& line, const std::string& column) const;
  void note_table(const Table& table, const std::set<std::string>& used);  // its separator, the columns that are not used
  void refuse_centre_twins() const;
  // Every row of an optional table, after its required columns ("a|b": one of them).
  void each_row(const std::filesystem::path& path, const std::string& name, const std::vector<std::string>& required,
                const std::set<std::string>& optional, const std::function<void(const Line&)>& fill);

  void patient_row(const Table& table, std::size_t row, const std::vector<std::optional<std::size_t>>& columns);
  void direct_outcomes(const Line& line);
  [[nodiscard]] std::set<std::string> endpoint_columns(const Table& table) const;
  void check_order(const Line& line, FollowUp& follow_up);
  void check_treatment(const Line& line, const Treatment& treatment);

  Cohort& cohort_;
  const CohortSpec& spec_;
  Directory directory_;
  bool has_centres_ = false;
  std::vector<std::size_t> query_patients_;  // parallel to cohort_.queries
};

}  // namespace hepar
