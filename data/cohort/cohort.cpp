// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/cohort.hpp"

#include "data/base/files.hpp"
#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "data/cohort/cells.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>

namespace hepar {

namespace {

// Patients by (centre, id), and by id alone where that is unique.
class Directory {
 public:
  void add(const PatientRecord& patient, std::size_t index) {
    by_both_[patient.centre + '\n' + patient.id] = index;
    by_id_[patient.id].push_back(index);
  }
  [[nodiscard]] bool has(const std::string& centre, const std::string& id) const { return by_both_.contains(centre + '\n' + id); }
  [[nodiscard]] bool repeats(const std::string& id) const { return by_id_.at(id).size() > 1; }
  [[nodiscard]] std::size_t find(const Table& table, std::size_t row, std::size_t id_column, std::optional<std::size_t> centre_column) const {
    const std::string& id = table.at(row, id_column);
    if (centre_column) {
      const auto found = by_both_.find(table.at(row, *centre_column) + '\n' + id);
      if (found != by_both_.end()) return found->second;
      throw input_error("patient '" + id + "' of centre '" + table.at(row, *centre_column) + "' is not in the patients table", table.place(row), "add the patient or remove the row");
    }
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) throw input_error("patient '" + id + "' is not in the patients table", table.place(row), "add the patient or remove the row");
    if (found->second.size() > 1) throw input_error("patient '" + id + "' stands in several centres", table.place(row), "add a centre column to this table");
    return found->second.front();
  }

 private:
  std::unordered_map<std::string, std::size_t> by_both_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_id_;
};

class Reader {
 public:
  explicit Reader(Cohort& cohort) : cohort_(cohort), spec_(cohort.spec) {}

  void patients();
  void follow_up();
  void treatments();
  void imaging();
  void slides();
  void reports();
  void note_unused(const Table& table, const std::set<std::string>& used);
  void query(const PatientRecord& patient, const Place& place, std::array<std::string, 5> what) {
    cohort_.queries.push_back({patient.key, patient.centre, what[0], what[1], what[2], what[3], what[4], place});
  }

 private:
  // A day after surgery from "<stem>_day" or "<stem>_date"; nullopt when the table has neither or the field is empty.
  std::optional<double> day(const Table& table, std::size_t row, const std::string& stem, const PatientRecord& patient) const;
  void check_follow_up(PatientRecord& patient, const Place& place, const std::string& table);
  template <class Fill>
  void each_row(const std::filesystem::path& path, const std::set<std::string>& used, Fill&& fill);

  Cohort& cohort_;
  const CohortSpec& spec_;
  Directory directory_;
};

std::optional<double> Reader::day(const Table& table, std::size_t row, const std::string& stem, const PatientRecord& patient) const {
  if (const auto column = table.column(stem + "_day")) {
    const std::string text(trim(nfkc(table.at(row, *column))));
    if (text.empty() || text == "NA") return std::nullopt;
    const std::optional<double> value = parse_number(text);
    if (!value) throw input_error("'" + text + "' in '" + stem + "_day' is no number of days", table.place(row), "give days after surgery");
    return value;
  }
  if (const auto column = table.column(stem + "_date")) {
    const std::string text(trim(nfkc(table.at(row, *column))));
    if (text.empty() || text == "NA") return std::nullopt;
    const std::optional<long> date = parse_date(text, spec_.dates);
    if (!date) throw input_error("'" + text + "' in '" + stem + "_date' is no date of pattern " + spec_.dates, table.place(row), "correct it or change dates: in cohort.yaml");
    if (!patient.surgery_date) throw input_error("'" + stem + "_date' needs the patient's surgery_date", patient.place, "add surgery_date to the patients table");
    return static_cast<double>(*date - *patient.surgery_date);
  }
  return std::nullopt;
}

void Reader::note_unused(const Table& table, const std::set<std::string>& used) {
  for (const std::string& name : table.header())
    if (!name.empty() && !used.contains(name)) cohort_.notes.push_back(table.path().filename().string() + ": column '" + name + "' is not declared and not used");
}

void Reader::patients() {
  const Table table = Table::read(spec_.patients);
  const std::size_t id_column = table.require("patient_id");
  const auto centre_column = table.column("centre"), surgery_column = table.column("surgery_date");
  std::set<std::string> used{"patient_id", "centre", "surgery_date"};
  std::vector<std::optional<std::size_t>> columns;
  for (const ColumnSpec& column : spec_.columns) {
    const bool from_table = std::find(column.from.begin(), column.from.end(), "table") != column.from.end();
    columns.push_back(from_table ? std::optional(table.require(column.source_column)) : std::nullopt);
    used.insert(column.source_column);
  }
  std::vector<std::pair<std::size_t, std::size_t>> direct;
  for (const EndpointSpec& endpoint : spec_.endpoints) {
    if (endpoint.direct()) {
      const auto required = [&](const std::string& name) {
        if (!table.column(name)) throw usage_error("endpoint '" + endpoint.name + "' names no column of the patients table: '" + name + "'", endpoint.place, name_advice(name, table.header()));
        return table.require(name);
      };
      direct.emplace_back(required(endpoint.time_column), required(endpoint.event_column));
      used.insert({endpoint.time_column, endpoint.event_column});
    } else {
      direct.emplace_back(0, 0);
    }
  }
  if (table.rows() == 0) throw input_error("has a header and no patients", {spec_.patients.string()}, "export the table again");
  note_unused(table, used);
  for (std::size_t row = 0; row < table.rows(); ++row) {
    PatientRecord patient;
    patient.id = table.at(row, id_column);
    patient.centre = centre_column ? table.at(row, *centre_column) : "all";
    patient.key = patient.id;
    patient.place = table.place(row);
    if (patient.id.empty()) throw input_error("a patient has no patient_id", patient.place, "give every row its study key");
    if (patient.centre.empty()) throw input_error("patient '" + patient.id + "' has no centre", patient.place, "give the centre's code");
    if (directory_.has(patient.centre, patient.id)) throw input_error("patient '" + patient.id + "' stands twice in centre '" + patient.centre + "'", patient.place, "keep one row a patient");
    if (surgery_column && !table.at(row, *surgery_column).empty()) {
      patient.surgery_date = parse_date(trim(nfkc(table.at(row, *surgery_column))), spec_.dates);
      if (!patient.surgery_date) throw input_error("'" + table.at(row, *surgery_column) + "' in 'surgery_date' is no date of pattern " + spec_.dates, patient.place, "correct it or change dates: in cohort.yaml");
    }
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (!columns[c]) {
        patient.cells.emplace_back();
        continue;
      }
      const std::string& text = table.at(row, *columns[c]);
      ParsedCell parsed = parse_cell(spec_.columns[c], text, patient.centre, patient.place);
      if (!parsed.problem.empty()) query(patient, patient.place, {"patients", spec_.columns[c].name, text, parsed.problem, parsed.action});
      patient.cells.push_back(parsed.cell);
    }
    for (std::size_t e = 0; e < spec_.endpoints.size(); ++e) {
      const EndpointSpec& endpoint = spec_.endpoints[e];
      patient.direct_months.push_back(std::nan(""));
      patient.direct_event.push_back(std::nan(""));
      if (!endpoint.direct()) continue;
      const std::string time_text(trim(table.at(row, direct[e].first))), event_text(trim(table.at(row, direct[e].second)));
      if (time_text.empty() || event_text.empty() || time_text == "NA" || event_text == "NA") continue;
      const std::optional<double> time = parse_number(time_text), event = parse_number(event_text);
      if (!time) throw input_error("'" + time_text + "' in '" + endpoint.time_column + "' is no number", patient.place, "correct it or leave it empty");
      if (*time < 0) throw input_error("negative time " + time_text + " in '" + endpoint.time_column + "'", patient.place, "correct it or leave it empty");
      if (!event || (*event != 0 && *event != 1)) throw input_error("'" + event_text + "' in '" + endpoint.event_column + "' is not 0 or 1", patient.place, "code events as 1, censored as 0");
      static constexpr std::array<std::pair<std::string_view, double>, 4> kDays{{{"days", 1}, {"weeks", 7}, {"months", 30.4375}, {"years", 365.25}}};
      double days = *time;
      for (const auto& [unit, factor] : kDays)
        if (endpoint.unit == unit) days *= factor;
      if (days == 0) {
        query(patient, patient.place, {"patients", endpoint.time_column, time_text, "time 0", "kept as half a day"});
        days = 0.5;
      }
      patient.direct_months.back() = days / 30.4375;
      patient.direct_event.back() = *event;
    }
    directory_.add(patient, cohort_.patients.size());
    cohort_.patients.push_back(std::move(patient));
  }
  for (PatientRecord& patient : cohort_.patients)
    if (directory_.repeats(patient.id)) patient.key = patient.centre + "/" + patient.id;
}

template <class Fill>
void Reader::each_row(const std::filesystem::path& path, const std::set<std::string>& used, Fill&& fill) {
  if (path.empty()) return;
  const Table table = Table::read(path);
  const std::size_t id_column = table.require("patient_id");
  const auto centre_column = table.column("centre");
  note_unused(table, used);
  for (std::size_t row = 0; row < table.rows(); ++row) fill(table, row, cohort_.patients[directory_.find(table, row, id_column, centre_column)]);
}

void Reader::check_follow_up(PatientRecord& patient, const Place& place, const std::string& table) {
  FollowUp& follow_up = patient.follow_up;
  const std::array<std::pair<const char*, std::optional<double>*>, 4> days{{{"recurrence_day", &follow_up.recurrence_day},
                                                                            {"recurrence_free_day", &follow_up.recurrence_free_day},
                                                                            {"death_day", &follow_up.death_day},
                                                                            {"last_contact_day", &follow_up.last_contact_day}}};
  for (const auto& [name, value] : days)
    if (*value && **value < 0) throw input_error(std::string("negative time in '") + name + "'", place, "times count from surgery; correct the date or the day");
  if (!follow_up.last_contact_day && follow_up.death_day) follow_up.last_contact_day = follow_up.death_day;
  if (!follow_up.last_contact_day) throw input_error("no last contact", place, "give last_contact_day (or last_contact_date), or death");
  const auto drop = [&](std::optional<double>& value, const char* column, const char* problem) {
    query(patient, place, {table, column, number_text(*value), problem, "dropped"});
    value.reset();
  };
  if (follow_up.death_day && *follow_up.death_day > *follow_up.last_contact_day) drop(follow_up.death_day, "death_day", "death after last contact");
  if (follow_up.recurrence_day && follow_up.death_day && *follow_up.recurrence_day > *follow_up.death_day) drop(follow_up.recurrence_day, "recurrence_day", "recurrence after death");
  if (follow_up.recurrence_day && *follow_up.recurrence_day > *follow_up.last_contact_day) drop(follow_up.recurrence_day, "recurrence_day", "recurrence after last contact");
  for (const auto& [name, value] : days)
    if (*value && **value == 0) {
      query(patient, place, {table, name, "0", "time 0", "kept as half a day"});
      *value = 0.5;
    }
}

void Reader::follow_up() {
  const std::set<std::string> used{"patient_id", "centre", "recurrence_day", "recurrence_free_day", "death_day", "last_contact_day", "recurrence_date", "recurrence_free_date", "death_date", "last_contact_date", "recurrence_site", "cause"};
  each_row(spec_.follow_up, used, [&](const Table& table, std::size_t row, PatientRecord& patient) {
    if (!table.column("last_contact_day") && !table.column("last_contact_date")) table.require("last_contact_day");
    if (patient.has_follow_up) throw input_error("patient '" + patient.id + "' has two rows", table.place(row), "keep one row a patient");
    patient.has_follow_up = true;
    patient.follow_up = {day(table, row, "recurrence", patient), day(table, row, "recurrence_free", patient), day(table, row, "death", patient), day(table, row, "last_contact", patient), {}, {}};
    if (const auto site = table.column("recurrence_site")) patient.follow_up.recurrence_site = table.at(row, *site);
    if (const auto cause = table.column("cause")) patient.follow_up.cause = table.at(row, *cause);
    check_follow_up(patient, table.place(row), "follow_up");
  });
}

void Reader::treatments() {
  const std::set<std::string> used{"patient_id", "centre", "kind", "drug", "drug_class", "start_day", "start_date", "stop_day", "stop_date", "finding"};
  static const std::vector<std::string> kKinds{"tace", "systemic", "other"};
  each_row(spec_.treatments, used, [&](const Table& table, std::size_t row, PatientRecord& patient) {
    Treatment treatment;
    treatment.kind = table.at(row, table.require("kind"));
    if (std::find(kKinds.begin(), kKinds.end(), treatment.kind) == kKinds.end())
      throw input_error("'" + treatment.kind + "' is no treatment kind", table.place(row), name_advice(treatment.kind, kKinds));
    if (!table.column("start_day") && !table.column("start_date")) table.require("start_day");
    const std::optional<double> start = day(table, row, "start", patient);
    if (!start) throw input_error("a treatment has no start", table.place(row), "give start_day or start_date");
    treatment.start_day = *start;
    treatment.stop_day = day(table, row, "stop", patient);
    const auto text = [&](const char* name) { return table.column(name) ? table.at(row, *table.column(name)) : std::string(); };
    treatment.drug = text("drug");
    treatment.drug_class = text("drug_class");
    treatment.finding = text("finding");
    const FollowUp& seen = patient.follow_up;
    const bool after_death = seen.death_day && treatment.start_day > *seen.death_day;
    if (after_death || (seen.last_contact_day && treatment.start_day > *seen.last_contact_day)) {
      query(patient, table.place(row), {"treatments", "start_day", number_text(treatment.start_day), after_death ? "treatment after death" : "treatment after last contact", "dropped"});
      return;
    }
    patient.treatments.push_back(std::move(treatment));
  });
  for (PatientRecord& patient : cohort_.patients)
    std::stable_sort(patient.treatments.begin(), patient.treatments.end(), [](const Treatment& a, const Treatment& b) { return a.start_day < b.start_day; });
}

void Reader::imaging() {
  each_row(spec_.imaging, {"patient_id", "centre", "path", "timing", "study_day", "study_date", "phase", "mask"}, [&](const Table& table, std::size_t row, PatientRecord& patient) {
    const auto text = [&](const char* name) { return table.column(name) ? table.at(row, *table.column(name)) : std::string(); };
    ImagingRow image;
    image.path = spec_.imaging.parent_path() / table.at(row, table.require("path"));
    if (!text("mask").empty()) image.mask = spec_.imaging.parent_path() / text("mask");
    image.timing = table.at(row, table.require("timing"));
    if (image.timing != "pre_op" && image.timing != "post_op") throw input_error("'" + image.timing + "' is no timing", table.place(row), "known: pre_op, post_op");
    image.phase = text("phase");
    image.study_day = day(table, row, "study", patient);
    image.place = table.place(row);
    patient.imaging.push_back(std::move(image));
  });
}

void Reader::slides() {
  each_row(spec_.slides, {"patient_id", "centre", "path", "stain", "um_per_pixel"}, [&](const Table& table, std::size_t row, PatientRecord& patient) {
    SlideRow slide;
    slide.path = spec_.slides.parent_path() / table.at(row, table.require("path"));
    if (const auto stain = table.column("stain")) slide.stain = table.at(row, *stain);
    if (const auto scale = table.column("um_per_pixel"); scale && !table.at(row, *scale).empty()) {
      slide.um_per_pixel = parse_number(table.at(row, *scale));
      if (!slide.um_per_pixel || *slide.um_per_pixel <= 0) throw input_error("'" + table.at(row, *scale) + "' in 'um_per_pixel' is no positive number", table.place(row), "correct it or leave it empty");
    }
    slide.place = table.place(row);
    patient.slides.push_back(std::move(slide));
  });
}

void Reader::reports() {
  each_row(spec_.reports, {"patient_id", "centre", "path", "text", "language"}, [&](const Table& table, std::size_t row, PatientRecord& patient) {
    const auto path = table.column("path"), text = table.column("text"), language = table.column("language");
    if (!path && !text) table.require("path");
    ReportRow report;
    if (path && !table.at(row, *path).empty()) report.path = spec_.reports.parent_path() / table.at(row, *path);
    if (text) report.text = table.at(row, *text);
    if (language) report.language = table.at(row, *language);
    report.place = table.place(row);
    patient.reports.push_back(std::move(report));
  });
}

// Keyed HMAC of centre and id: the same patient in two centres gets two pseudonyms.
void pseudonymise(Cohort& cohort) {
  const std::string key = read_file(cohort.spec.key_file);
  if (trim(key).size() < 16) throw usage_error("holds fewer than 16 characters", {cohort.spec.key_file.string()}, "put a long random secret into the key file");
  const auto hidden = [&](const std::string& text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &length);
    std::string hex;
    for (unsigned int i = 0; i < 12; ++i) {
      static constexpr char kDigits[] = "0123456789abcdef";
      hex += kDigits[digest[i] >> 4];
      hex += kDigits[digest[i] & 15];
    }
    return hex;
  };
  for (PatientRecord& patient : cohort.patients) {
    const std::string pseudonym = hidden(patient.centre + "\n" + patient.id);
    for (Query& query : cohort.queries)
      if (query.patient == patient.key || query.patient == patient.id) query.patient = pseudonym;
    patient.id = patient.key = pseudonym;
  }
}

std::string digest_of(const Cohort& cohort) {
  Sha256 hash;
  const auto add = [&](const std::string& text) { hash.update(text + '\n'); };
  const auto optional_text = [](const std::optional<double>& value) { return value ? number_text(*value) : std::string("-"); };
  for (const PatientRecord& patient : cohort.patients) {
    add(patient.key + '\t' + patient.centre);
    for (const Cell& cell : patient.cells) add(number_text(cell.value) + '/' + std::to_string(static_cast<int>(cell.state)));
    for (std::size_t e = 0; e < patient.direct_months.size(); ++e) add(number_text(patient.direct_months[e]) + '/' + number_text(patient.direct_event[e]));
    const FollowUp& seen = patient.follow_up;
    add(optional_text(seen.recurrence_day) + '/' + optional_text(seen.recurrence_free_day) + '/' + optional_text(seen.death_day) + '/' + optional_text(seen.last_contact_day));
    for (const Treatment& treatment : patient.treatments) add(treatment.kind + '/' + number_text(treatment.start_day) + '/' + optional_text(treatment.stop_day));
  }
  return hash.hex();
}

}  // namespace

std::vector<std::string> Cohort::centres() const {
  std::set<std::string> names;
  for (const PatientRecord& patient : patients) names.insert(patient.centre);
  return {names.begin(), names.end()};
}

Cohort read_cohort(const std::filesystem::path& cohort_yaml) {
  Cohort cohort;
  cohort.spec = read_cohort_spec(cohort_yaml);
  Reader reader(cohort);
  reader.patients();
  reader.follow_up();
  reader.treatments();
  reader.imaging();
  reader.slides();
  reader.reports();
  if (cohort.spec.pseudonymise) pseudonymise(cohort);
  std::sort(cohort.patients.begin(), cohort.patients.end(), [](const PatientRecord& a, const PatientRecord& b) { return a.key < b.key; });
  cohort.tables_digest = digest_of(cohort);
  return cohort;
}

}  // namespace hepar
