// SPDX-License-Identifier: Apache-2.0
#include "sharding/store/tables_file.hpp"

#include "sharding/store/hdf5.hpp"
#include "sharding/store/tables_spec.hpp"

#include <cmath>
#include <functional>
#include <limits>

namespace hepar::store {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double day(const std::optional<double>& value) { return value.value_or(kNone); }
std::optional<double> day(double value) { return std::isnan(value) ? std::nullopt : std::optional<double>(value); }

std::string start_name(std::size_t kind) { return std::string(kRecordedKinds[kind]) + "_start_day"; }

// Every data set below is one value a patient unless its name says otherwise.
class Writer {
 public:
  Writer(const Handle& file, const std::vector<PatientRow>& rows) : file_(file), rows_(rows) {}

  template <class Get>
  void numbers(const Handle& group, const std::string& name, Get get) const { write_numbers(group, name, collect<double>(get), {}); }
  template <class Get>
  void integers(const Handle& group, const std::string& name, Get get) const { write_integers(group, name, collect<std::int64_t>(get), {}); }
  template <class Get>
  void bytes(const Handle& group, const std::string& name, Get get) const { write_bytes(group, name, collect<std::uint8_t>(get), {}); }
  template <class Get>
  void texts(const Handle& group, const std::string& name, Get get) const { write_texts(group, name, collect<std::string>(get), {}); }
  [[nodiscard]] Handle group(const std::string& name) const { return create_group(file_, name, {}); }

  // patients x width
  template <class Get>
  void matrix(const Handle& group, const std::string& name, std::size_t width, Get get) const {
    std::vector<std::uint8_t> values;
    for (const PatientRow& row : rows_)
      for (std::size_t i = 0; i < width; ++i) values.push_back(static_cast<std::uint8_t>(get(row, i)));
    const std::array<hsize_t, 2> shape{rows_.size(), width};
    const Handle dataset = create_dataset(group, name, H5T_STD_U8LE, shape, {});
    write_whole(dataset, H5T_NATIVE_UINT8, values.data(), {});
  }

 private:
  template <class T, class Get>
  std::vector<T> collect(Get get) const {
    std::vector<T> values;
    for (const PatientRow& row : rows_) values.push_back(static_cast<T>(get(row)));
    return values;
  }
  const Handle& file_;
  const std::vector<PatientRow>& rows_;
};

void write_cells(const Writer& writer, const Tables& tables) {
  const Handle columns = writer.group("columns");
  for (std::size_t c = 0; c < tables.columns.size(); ++c) {
    const Handle one = create_group(columns, tables.columns[c].name, {});
    // An unusable cell has no value: NaN, whatever it held.
    writer.numbers(one, "value", [c](const PatientRow& row) { return row.cells.at(c).usable() ? row.cells[c].value : kNone; });
    writer.bytes(one, "state", [c](const PatientRow& row) { return row.cells.at(c).state; });
  }
}

void write_verdicts(const Writer& writer, const Tables& tables) {
  const std::size_t rules = tables.rules.size();
  const Handle group = writer.group("rules");
  writer.matrix(group, "truth", rules, [](const PatientRow& row, std::size_t r) { return row.verdict.rules.at(r).truth; });
  writer.matrix(group, "passed", rules, [](const PatientRow& row, std::size_t r) { return row.verdict.rules.at(r).passed; });
  writer.matrix(group, "query", rules, [](const PatientRow& row, std::size_t r) { return row.verdict.rules.at(r).query; });
  writer.integers(group, "excluded_by", [](const PatientRow& row) { return row.verdict.excluded_by; });
  writer.integers(group, "excluded_at_enrolment_by", [](const PatientRow& row) { return row.verdict.excluded_at_enrolment_by; });
  writer.bytes(group, "pending", [](const PatientRow& row) { return row.verdict.pending; });
}

void write_treatment(const Writer& writer, const Tables& tables) {
  const Handle strategy = writer.group("strategy");
  writer.integers(strategy, "arm", [](const PatientRow& row) { return row.assignment.arm; });
  writer.texts(strategy, "state", [](const PatientRow& row) { return row.assignment.state; });
  for (std::size_t kind = 0; kind < kTreatmentKinds; ++kind)
    writer.numbers(strategy, start_name(kind), [kind](const PatientRow& row) { return day(row.assignment.start_day[kind]); });
  // One value a treatment; `patient` is the row.
  std::vector<std::int64_t> patient;
  std::vector<std::string> kind;
  std::vector<double> start, stop;
  for (std::size_t p = 0; p < tables.rows.size(); ++p) {
    for (const Treatment& treatment : tables.rows[p].treatments) {
      patient.push_back(static_cast<std::int64_t>(p));
      kind.push_back(treatment.kind);
      start.push_back(treatment.start_day);
      stop.push_back(day(treatment.stop_day));
    }
  }
  const Handle group = writer.group("treatments");
  write_integers(group, "patient", patient, {});
  write_texts(group, "kind", kind, {});
  write_numbers(group, "start_day", start, {});
  write_numbers(group, "stop_day", stop, {});
}

void write_outcomes(const Writer& writer, const Tables& tables) {
  const Handle days = writer.group("follow_up");
  writer.numbers(days, "recurrence_day", [](const PatientRow& row) { return day(row.follow_up.recurrence_day); });
  writer.numbers(days, "recurrence_free_day", [](const PatientRow& row) { return day(row.follow_up.recurrence_free_day); });
  writer.numbers(days, "death_day", [](const PatientRow& row) { return day(row.follow_up.death_day); });
  writer.numbers(days, "last_contact_day", [](const PatientRow& row) { return day(row.follow_up.last_contact_day); });
  const Handle history = writer.group("history");  // months
  writer.bytes(history, "known", [](const PatientRow& row) { return row.history.known; });
  writer.numbers(history, "recurrence", [](const PatientRow& row) { return day(row.history.recurrence); });
  writer.numbers(history, "death", [](const PatientRow& row) { return day(row.history.death); });
  writer.numbers(history, "recurrence_seen_until", [](const PatientRow& row) { return row.history.recurrence_seen_until; });
  writer.numbers(history, "last_contact", [](const PatientRow& row) { return row.history.last_contact; });
  const Handle endpoints = writer.group("endpoints");
  for (std::size_t e = 0; e < tables.endpoints.size(); ++e) {
    const Handle one = create_group(endpoints, tables.endpoints[e].name, {});
    writer.bytes(one, "known", [e](const PatientRow& row) { return row.outcomes.at(e).known; });
    writer.numbers(one, "months", [e](const PatientRow& row) { return row.outcomes.at(e).known ? row.outcomes[e].months : kNone; });
    writer.bytes(one, "event", [e](const PatientRow& row) { return row.outcomes.at(e).event; });
  }
}

// Reads the data sets back, each checked to have one value a patient (or `width`).
class Reader {
 public:
  Reader(const Handle& file, const std::filesystem::path& path, std::size_t patients) : file_(file), path_(path), patients_(patients) {}

  [[nodiscard]] std::vector<double> numbers(const std::string& name) const { return checked(read_numbers(file_, name, path_), name, 1); }
  [[nodiscard]] std::vector<std::int64_t> integers(const std::string& name) const { return checked(read_integers(file_, name, path_), name, 1); }
  [[nodiscard]] std::vector<std::uint8_t> bytes(const std::string& name, std::size_t width = 1) const { return checked(read_bytes(file_, name, path_), name, width); }
  [[nodiscard]] std::vector<std::string> texts(const std::string& name) const { return checked(read_texts(file_, name, path_), name, 1); }

 private:
  template <class T>
  std::vector<T> checked(std::vector<T> values, const std::string& name, std::size_t width) const {
    if (values.size() != patients_ * width) throw store_error("/" + name + " does not cover its patients", {path_.string()}, "run 'hepar shard' again");
    return values;
  }
  const Handle& file_;
  const std::filesystem::path& path_;
  std::size_t patients_;
};

void read_cells(const Reader& reader, Tables& tables) {
  for (const ColumnSpec& column : tables.columns) {
    const auto values = reader.numbers("columns/" + column.name + "/value");
    const auto states = reader.bytes("columns/" + column.name + "/state");
    for (std::size_t p = 0; p < values.size(); ++p) tables.rows[p].cells.push_back({values[p], static_cast<Cell::State>(states[p])});
  }
}

void read_verdicts(const Reader& reader, Tables& tables) {
  const std::size_t rules = tables.rules.size();
  const auto truth = reader.bytes("rules/truth", rules), passed = reader.bytes("rules/passed", rules), query = reader.bytes("rules/query", rules), pending = reader.bytes("rules/pending");
  const auto by = reader.integers("rules/excluded_by"), enrolment = reader.integers("rules/excluded_at_enrolment_by");
  for (std::size_t p = 0; p < tables.rows.size(); ++p) {
    Verdict& verdict = tables.rows[p].verdict;
    for (std::size_t r = 0; r < rules; ++r) verdict.rules.push_back({static_cast<Truth>(truth[p * rules + r]), passed[p * rules + r] != 0, query[p * rules + r] != 0});
    verdict.excluded_by = static_cast<int>(by[p]);
    verdict.excluded_at_enrolment_by = static_cast<int>(enrolment[p]);
    verdict.pending = pending[p] != 0;
  }
}

void read_treatment(const Handle& file, const Reader& reader, const std::filesystem::path& path, Tables& tables) {
  const auto arm = reader.integers("strategy/arm");
  const auto state = reader.texts("strategy/state");
  for (std::size_t p = 0; p < tables.rows.size(); ++p) tables.rows[p].assignment = {static_cast<int>(arm[p]), state[p], {}};
  for (std::size_t kind = 0; kind < kTreatmentKinds; ++kind) {
    const auto starts = reader.numbers("strategy/" + start_name(kind));
    for (std::size_t p = 0; p < tables.rows.size(); ++p) tables.rows[p].assignment.start_day[kind] = day(starts[p]);
  }
  const auto patient = read_integers(file, "treatments/patient", path);
  const auto kind = read_texts(file, "treatments/kind", path);
  const auto start = read_numbers(file, "treatments/start_day", path), stop = read_numbers(file, "treatments/stop_day", path);
  for (std::size_t t = 0; t < patient.size(); ++t) {
    Treatment treatment;
    treatment.kind = kind.at(t);
    treatment.start_day = start.at(t);
    treatment.stop_day = day(stop.at(t));
    tables.rows.at(static_cast<std::size_t>(patient[t])).treatments.push_back(std::move(treatment));
  }
}

void read_outcomes(const Reader& reader, Tables& tables) {
  const auto recurrence = reader.numbers("follow_up/recurrence_day"), free = reader.numbers("follow_up/recurrence_free_day"), death = reader.numbers("follow_up/death_day"),
             contact = reader.numbers("follow_up/last_contact_day");
  const auto known = reader.bytes("history/known");
  const auto history_recurrence = reader.numbers("history/recurrence"), history_death = reader.numbers("history/death"),
             until = reader.numbers("history/recurrence_seen_until"), last = reader.numbers("history/last_contact");
  for (std::size_t p = 0; p < tables.rows.size(); ++p) {
    PatientRow& row = tables.rows[p];
    row.follow_up.recurrence_day = day(recurrence[p]);
    row.follow_up.recurrence_free_day = day(free[p]);
    row.follow_up.death_day = day(death[p]);
    row.follow_up.last_contact_day = day(contact[p]);
    row.history = {known[p] != 0, day(history_recurrence[p]), day(history_death[p]), until[p], last[p]};
  }
  for (const EndpointSpec& endpoint : tables.endpoints) {
    const std::string prefix = "endpoints/" + endpoint.name + "/";
    const auto is_known = reader.bytes(prefix + "known"), event = reader.bytes(prefix + "event");
    const auto months = reader.numbers(prefix + "months");
    for (std::size_t p = 0; p < tables.rows.size(); ++p)
      tables.rows[p].outcomes.push_back(is_known[p] != 0 ? Outcome{true, months[p], event[p]} : Outcome{});
  }
}

}  // namespace

std::string tables_image(const Tables& tables) {
  const Handle file = create_image();
  const Writer writer(file, tables.rows);
  {
    const Handle patient = writer.group("patient");
    writer.texts(patient, "key", [](const PatientRow& row) { return row.key; });
    writer.texts(patient, "id", [](const PatientRow& row) { return row.id; });
    writer.texts(patient, "centre", [](const PatientRow& row) { return row.centre; });
  }
  write_cells(writer, tables);
  write_verdicts(writer, tables);
  write_treatment(writer, tables);
  write_outcomes(writer, tables);
  write_texts(file, "spec", std::vector<std::string>{spec_text(tables)}, {});
  return image_of(file);
}

Tables read_tables(const std::filesystem::path& path) {
  const Handle file = open_file(path);
  Tables tables;
  try {
    read_spec(read_texts(file, "spec", path).at(0), tables);
    for (const std::string& key : read_texts(file, "patient/key", path)) {
      tables.rows.emplace_back();
      tables.rows.back().key = key;
    }
    const Reader reader(file, path, tables.rows.size());
    const auto ids = reader.texts("patient/id"), centres = reader.texts("patient/centre");
    for (std::size_t p = 0; p < tables.rows.size(); ++p) {
      tables.rows[p].id = ids[p];
      tables.rows[p].centre = centres[p];
    }
    read_cells(reader, tables);
    read_verdicts(reader, tables);
    read_treatment(file, reader, path, tables);
    read_outcomes(reader, tables);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& problem) {
    throw store_error(std::string("cannot be understood: ") + problem.what(), {path.string()}, "run 'hepar shard' again");
  }
  return tables;
}

}  // namespace hepar::store
