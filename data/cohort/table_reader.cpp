// SPDX-License-Identifier: Apache-2.0
// The patients table, and what all tables share.
#include "data/cohort/table_reader.hpp"

#include "data/base/composed.hpp"
#include "data/base/text.hpp"
#include "data/cohort/cells.hpp"
#include "data/cohort/outcome.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cmath>
#include <map>

namespace hepar {

namespace {

// A centre keeps the bytes that cohort.yaml may name it by; where it is looked up it has one spelling, as ids have everywhere.
std::string both(const std::string& centre, const std::string& id) { return composed(centre) + '\n' + id; }

bool empty_field(std::string_view text) { return text.empty() || text == "NA"; }

std::string plain(const std::string& text) { return std::string(trim(nfkc(text))); }

// Nobody is followed for longer, and every spreadsheet date from the year 2000 on is a larger number (36526).
constexpr double kLongestDays = 36525;

// What a spreadsheet means by a number in a column of dates; "" for numbers that it would hardly hold.
std::string spreadsheet_date(double serial) {
  using std::chrono::sys_days, std::chrono::year_month_day, std::chrono::days;
  if (serial < 20000 || serial > 80000) return {};
  const year_month_day date{sys_days(std::chrono::year(1899) / 12 / 30) + days(static_cast<int>(serial))};
  return fmt::format("a spreadsheet's number for {:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

bool plausible(long date) {
  const std::chrono::year_month_day day{std::chrono::sys_days(std::chrono::days(date))};
  return day.year() >= std::chrono::year(1900) && day.year() <= std::chrono::year(2100);
}

}  // namespace

void Directory::add(const PatientRecord& patient, std::size_t index) {
  by_both_[both(patient.centre, patient.id)] = index;
  by_id_[patient.id].push_back(index);
}

bool Directory::has(const std::string& centre, const std::string& id) const {
  return by_both_.contains(both(centre, id));
}

std::size_t Directory::find(const std::string& id, const std::string& centre, const Place& place) const {
  const char* remedy = "add the patient there or remove this row";
  if (!centre.empty()) {
    if (const auto found = by_both_.find(both(centre, id)); found != by_both_.end()) return found->second;
    throw input_error("patient '" + id + "' of centre '" + centre + "' is not in the patients table", place, remedy);
  }
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) throw input_error("patient '" + id + "' is not in the patients table", place, remedy);
  if (found->second.size() > 1)
    throw input_error("patient '" + id + "' stands in several centres", place, "add a centre column to this table");
  return found->second.front();
}

std::string TableReader::Line::text(std::string_view column) const {
  const auto found = table.column(column);
  return found ? table.at(row, *found) : std::string();
}

void TableReader::query(const Line& line, Said said) {
  cohort_.queries.push_back({{}, {}, line.name, said.column, said.value, said.problem, said.action, line.place()});
  query_patients_.push_back(line.patient);
}

void TableReader::finish() {
  for (PatientRecord& patient : cohort_.patients)
    if (directory_.repeats(patient.id)) patient.key = patient.centre + "/" + patient.id;
  for (std::size_t q = 0; q < cohort_.queries.size(); ++q) {
    cohort_.queries[q].patient = cohort_.patients[query_patients_[q]].key;
    cohort_.queries[q].centre = cohort_.patients[query_patients_[q]].centre;
  }
}

std::optional<long> TableReader::date_of(const Line& line, const std::string& column) const {
  const std::string text = plain(line.text(column));
  if (empty_field(text)) return std::nullopt;
  const std::optional<long> date = parse_date(text, spec_.dates);
  const std::string serial = spreadsheet_date(parse_number(text).value_or(0));
  if (!date)
    throw input_error("'" + text + "' in '" + column + "' is no date of the pattern " + spec_.dates, line.place(),
                      serial.empty() ? "correct it or change dates: in cohort.yaml" : "it may be " + serial + ": export dates as text");
  if (!plausible(*date))
    throw input_error("'" + text + "' in '" + column + "' lies outside the years 1900 to 2100", line.place(), "correct it, or leave an unknown date empty");
  return date;
}

std::optional<double> TableReader::day_of_date(const Line& line, const std::string& column) const {
  const std::optional<long> date = date_of(line, column);
  if (!date) return std::nullopt;
  const PatientRecord& patient = cohort_.patients[line.patient];
  if (!patient.surgery_date)
    throw input_error("'" + column + "' needs the surgery_date of patient '" + patient.id + "'", line.place(),
                      "add surgery_date at " + patient.place.text());
  return static_cast<double>(*date - *patient.surgery_date);
}

std::optional<double> TableReader::day(const Line& line, const std::string& stem) {
  const std::optional<double> dated = day_of_date(line, stem + "_date");
  const std::string text = plain(line.text(stem + "_day"));
  if (empty_field(text)) return dated;
  const std::optional<double> value = parse_number(text);
  if (!value)
    throw input_error("'" + text + "' in '" + stem + "_day' is no number of days", line.place(),
                      "give days after surgery");
  if (std::abs(*value) > kLongestDays) {
    const std::string serial = spreadsheet_date(*value);
    throw input_error("'" + text + "' in '" + stem + "_day' is more than a hundred years of days", line.place(),
                      serial.empty() ? "give days after surgery" : "it may be " + serial + ": give days after surgery, or the date in '" + stem + "_date'");
  }
  if (dated && *dated != *value) query(line, {stem + "_day", text, "day and date disagree", "the day is used"});
  return value;
}

void TableReader::note_table(const Table& table, const std::set<std::string>& used) {
  const std::string file = table.path().filename().string();
  if (table.separator() != ',')
    cohort_.notes.push_back(file + ": fields are separated by " + (table.separator() == ';' ? "';'" : "tabs"));
  std::size_t unnamed = 0;  // a header may hold a patient's data where its line was lost
  for (const std::string& name : table.header()) {
    if (used.contains(name)) continue;
    if (spec_.pseudonymise)
      ++unnamed;
    else
      cohort_.notes.push_back(file + ": column '" + name + "' is not declared and not used");
  }
  if (unnamed > 0) cohort_.notes.push_back(file + ": " + std::to_string(unnamed) + " columns are not declared and not used");
}

void TableReader::each_row(const std::filesystem::path& path, const std::string& name,
                           const std::vector<std::string>& required, const std::set<std::string>& optional,
                           const std::function<void(const Line&)>& fill) {
  if (path.empty()) return;
  const Table table = Table::read(path);
  const std::size_t id_column = table.require("patient_id");
  const auto centre_column = has_centres_ ? table.column("centre") : std::nullopt;
  std::set<std::string> used = optional;
  used.insert({"patient_id", "centre"});
  for (const std::string& choice : required) {
    const std::vector<std::string> names = split(choice, '|');
    if (std::none_of(names.begin(), names.end(), [&](const std::string& one) { return table.column(one).has_value(); }))
      (void)table.require(names.front());
    used.insert(names.begin(), names.end());
  }
  // Nobody treated is a finding; a list of files or follow-up without a row is a failed export.
  if (table.rows() == 0 && name != "treatments")
    throw input_error("has a header and no rows", {path.string()},
                      "export the table again, or remove '" + name + "' from cohort.yaml");
  note_table(table, used);
  std::map<std::vector<std::string>, std::size_t> lines;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string centre = centre_column ? table.at(row, *centre_column) : std::string();
    const Line line{table, row, directory_.find(composed(table.at(row, id_column)), centre, table.place(row)), name};
    std::vector<std::string> said;
    for (const std::string& column : used) said.push_back(line.text(column));
    const auto [first, fresh] = lines.emplace(std::move(said), row);
    if (!fresh && name != "follow_up") {  // two rows of follow-up are an error of their own
      query(line, {"", "as line " + std::to_string(table.place(first->second).line), "row given twice", "counted once"});
      continue;
    }
    fill(line);
  }
}

// Two spellings of one centre would be two centres: the one held out, the other trained on (law 5).
void TableReader::refuse_centre_twins() const {
  std::map<std::string, const PatientRecord*> spelled;
  for (const PatientRecord& patient : cohort_.patients) {
    std::string plainest = fold_case(nfkc(patient.centre));
    std::erase_if(plainest, [](unsigned char c) { return std::isspace(c) != 0; });
    const PatientRecord& first = *spelled.emplace(plainest, &patient).first->second;
    if (first.centre != patient.centre)
      throw input_error("the centre '" + patient.centre + "' is called '" + first.centre + "' in line " + std::to_string(first.place.line), patient.place,
                        "they differ in case, width or blanks only: write one name, or they count as two centres");
  }
}

std::set<std::string> TableReader::endpoint_columns(const Table& table) const {
  std::set<std::string> names;
  for (const EndpointSpec& endpoint : spec_.endpoints) {
    if (!endpoint.direct()) continue;
    for (const std::string& name : {endpoint.time_column, endpoint.event_column}) {
      if (!table.column(name))
        throw usage_error(
            "the endpoint '" + endpoint.name + "' names '" + name + "', which is no column of the patients table",
            endpoint.place, name_advice(name, table.header()));
      names.insert(name);
    }
  }
  return names;
}

void TableReader::patients() {
  const Table table = Table::read(spec_.patients);
  (void)table.require("patient_id");
  has_centres_ = table.column("centre").has_value();
  std::set<std::string> used = endpoint_columns(table);
  used.insert({"patient_id", "centre", "surgery_date"});
  std::vector<std::optional<std::size_t>> columns;
  for (const ColumnSpec& column : spec_.columns) {
    const bool from_table = std::find(column.from.begin(), column.from.end(), "table") != column.from.end();
    columns.push_back(from_table ? std::optional(table.require(column.source_column)) : std::nullopt);
    if (from_table) used.insert(column.source_column);
  }
  if (table.rows() == 0)
    throw input_error("has a header and no patients", {spec_.patients.string()}, "export the table again");
  note_table(table, used);
  for (std::size_t row = 0; row < table.rows(); ++row) patient_row(table, row, columns);
  refuse_centre_twins();
  std::set<std::string> centres;
  for (const PatientRecord& patient : cohort_.patients) centres.insert(patient.centre);
  for (const ColumnSpec& column : spec_.columns)
    for (const auto& [centre, unit] : column.units_by_centre)
      // A part of a cohort keeps the description of the whole, so this is no error; a typing error shows here.
      if (!centres.contains(centre))
        cohort_.notes.push_back("units_by_centre of column '" + column.name + "' names the centre '" + centre +
                                "', which has no patient");
}

void TableReader::patient_row(const Table& table, std::size_t row,
                              const std::vector<std::optional<std::size_t>>& columns) {
  const Line line{table, row, cohort_.patients.size(), "patients"};
  PatientRecord patient;
  patient.id = patient.key = composed(line.text("patient_id"));
  patient.centre = has_centres_ ? line.text("centre") : "all";
  patient.place = line.place();
  patient.treatments_recorded = !spec_.treatments.empty();
  if (patient.id.empty())
    throw input_error("a patient has no patient_id", patient.place, "give every row its study key");
  if (patient.centre.empty())
    throw input_error("patient '" + patient.id + "' has no centre", patient.place, "give the centre's code");
  if (directory_.has(patient.centre, patient.id))
    throw input_error("patient '" + patient.id + "' stands twice in centre '" + patient.centre + "'", patient.place,
                      "keep one row a patient");
  patient.surgery_date = date_of(line, "surgery_date");
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (!columns[c]) {
      patient.cells.emplace_back();
      continue;
    }
    const std::string& text = table.at(row, *columns[c]);
    ParsedCell parsed = parse_cell(spec_.columns[c], text, patient.centre, patient.place);
    if (!parsed.problem.empty()) query(line, {spec_.columns[c].name, text, parsed.problem, parsed.action});
    patient.cells.push_back(parsed.cell);
  }
  patient.direct_months.assign(spec_.endpoints.size(), std::nan(""));
  patient.direct_event = patient.direct_months;
  directory_.add(patient, line.patient);
  cohort_.patients.push_back(std::move(patient));
  direct_outcomes(line);
}

void TableReader::direct_outcomes(const Line& line) {
  static constexpr std::array<std::pair<std::string_view, double>, 4> kDays{
      {{"days", 1}, {"weeks", 7}, {"months", kDaysPerMonth}, {"years", 365.25}}};
  PatientRecord& patient = cohort_.patients[line.patient];
  for (std::size_t e = 0; e < spec_.endpoints.size(); ++e) {
    const EndpointSpec& endpoint = spec_.endpoints[e];
    if (!endpoint.direct()) continue;
    const std::string time_text = plain(line.text(endpoint.time_column)),
                      event_text = plain(line.text(endpoint.event_column));
    if (empty_field(time_text) && empty_field(event_text)) continue;
    if (empty_field(time_text) || empty_field(event_text)) {
      const std::string& column = empty_field(time_text) ? endpoint.time_column : endpoint.event_column;
      query(line, {column, "", "endpoint with a time or an event alone", "the endpoint becomes missing"});
      continue;
    }
    const std::optional<double> time = parse_number(time_text), event = parse_number(event_text);
    if (!time)
      throw input_error("'" + time_text + "' in '" + endpoint.time_column + "' is no number", line.place(),
                        "correct it or leave it empty");
    if (*time < 0)
      throw input_error("negative time " + time_text + " in '" + endpoint.time_column + "'", line.place(),
                        "times count from surgery; correct it");
    if (!event || (*event != 0 && *event != 1))
      throw input_error("'" + event_text + "' in '" + endpoint.event_column + "' is neither 0 nor 1", line.place(),
                        "code events as 1, censored as 0");
    double days = *time;
    for (const auto& [unit, factor] : kDays)
      if (endpoint.unit == unit) days *= factor;
    if (days > kLongestDays)
      throw input_error("'" + time_text + "' in '" + endpoint.time_column + "' is more than a hundred years of " + endpoint.unit, line.place(),
                        "times count from surgery; correct it or the endpoint's unit");
    if (days == 0) {
      query(line, {endpoint.time_column, time_text, "time 0", "kept as half a day"});
      days = 0.5;
    }
    // Months come back as they were written, not through days.
    patient.direct_months[e] = endpoint.unit == "months" && *time > 0 ? *time : days / kDaysPerMonth;
    patient.direct_event[e] = *event;
  }
}

}  // namespace hepar
