// SPDX-License-Identifier: Apache-2.0
#include "sharding/store/tables_file.hpp"

#include "sharding/store/hdf5.hpp"

#include <functional>

namespace hepar::store {

namespace {

constexpr std::array<const char*, 3> kTreatmentKinds{"tace", "systemic", "other"};

double number_of(const std::optional<double>& value) { return value ? *value : std::nan(""); }
std::optional<double> optional_of(double value) { return std::isnan(value) ? std::nullopt : std::optional(value); }

// Writes one value a patient.
class Writer {
 public:
  Writer(const Handle& file, const std::vector<TablesRow>& rows, const std::filesystem::path& path) : file_(file), rows_(rows), path_(path) {}

  void group(const std::string& name) { groups_.push_back(create_group(file_, name, path_)); }
  void numbers(const std::string& name, const std::function<double(const TablesRow&)>& value) const {
    std::vector<double> values;
    for (const TablesRow& row : rows_) values.push_back(value(row));
    write_numbers(file_, name, values, path_);
  }
  void bytes(const std::string& name, const std::function<int(const TablesRow&)>& value) const {
    std::vector<std::uint8_t> values;
    for (const TablesRow& row : rows_) values.push_back(static_cast<std::uint8_t>(value(row)));
    write_bytes(file_, name, values, path_);
  }
  void integers(const std::string& name, const std::function<std::int64_t(const TablesRow&)>& value) const {
    std::vector<std::int64_t> values;
    for (const TablesRow& row : rows_) values.push_back(value(row));
    write_integers(file_, name, values, path_);
  }
  void texts(const std::string& name, const std::function<std::string(const TablesRow&)>& value) const {
    std::vector<std::string> values;
    for (const TablesRow& row : rows_) values.push_back(value(row));
    write_texts(file_, name, values, path_);
  }

 private:
  const Handle& file_;
  const std::vector<TablesRow>& rows_;
  const std::filesystem::path& path_;
  std::vector<Handle> groups_;
};

void write_outcomes(Writer& writer, const TablesSpec& spec) {
  writer.group("outcomes");
  for (std::size_t e = 0; e < spec.endpoints.size(); ++e) {
    const std::string prefix = "outcomes/" + spec.endpoints[e].name;
    writer.group(prefix);
    writer.bytes(prefix + "/known", [e](const TablesRow& r) { return r.row.outcomes.at(e).known ? 1 : 0; });
    writer.numbers(prefix + "/months", [e](const TablesRow& r) { return r.row.outcomes.at(e).months; });
    writer.bytes(prefix + "/event", [e](const TablesRow& r) { return r.row.outcomes.at(e).event; });
  }
}

void write_rules(Writer& writer, const TablesSpec& spec) {
  writer.group("verdict");
  writer.integers("verdict/excluded_by", [](const TablesRow& r) { return r.row.verdict.excluded_by; });
  writer.integers("verdict/excluded_at_enrolment_by", [](const TablesRow& r) { return r.row.verdict.excluded_at_enrolment_by; });
  writer.group("rules");
  for (std::size_t k = 0; k < spec.rules.size(); ++k) {
    const std::string prefix = "rules/" + spec.rules[k].id;
    writer.group(prefix);
    writer.bytes(prefix + "/truth", [k](const TablesRow& r) { return static_cast<int>(r.row.verdict.rules.at(k).truth); });
    writer.bytes(prefix + "/passed", [k](const TablesRow& r) { return r.row.verdict.rules.at(k).passed ? 1 : 0; });
    writer.bytes(prefix + "/query", [k](const TablesRow& r) { return r.row.verdict.rules.at(k).query ? 1 : 0; });
  }
}

void write_course(Writer& writer) {
  writer.group("follow_up");
  writer.bytes("follow_up/known", [](const TablesRow& r) { return r.row.history.known ? 1 : 0; });
  writer.numbers("follow_up/recurrence_day", [](const TablesRow& r) { return number_of(r.recurrence_day); });
  writer.numbers("follow_up/recurrence_free_day", [](const TablesRow& r) { return number_of(r.recurrence_free_day); });
  writer.numbers("follow_up/death_day", [](const TablesRow& r) { return number_of(r.death_day); });
  writer.numbers("follow_up/last_contact_day", [](const TablesRow& r) { return number_of(r.last_contact_day); });
  writer.numbers("follow_up/recurrence_months", [](const TablesRow& r) { return number_of(r.row.history.recurrence); });
  writer.numbers("follow_up/death_months", [](const TablesRow& r) { return number_of(r.row.history.death); });
  writer.numbers("follow_up/recurrence_seen_until_months", [](const TablesRow& r) { return r.row.history.recurrence_seen_until; });
  writer.numbers("follow_up/last_contact_months", [](const TablesRow& r) { return r.row.history.last_contact; });
  writer.group("treatment");
  for (std::size_t k = 0; k < kTreatmentKinds.size(); ++k) {
    const std::string prefix = std::string("treatment/") + kTreatmentKinds[k];
    writer.group(prefix);
    writer.numbers(prefix + "/start_day", [k](const TablesRow& r) { return number_of(r.start_day[k]); });
    writer.numbers(prefix + "/stop_day", [k](const TablesRow& r) { return number_of(r.stop_day[k]); });
  }
  writer.group("strategy");
  writer.integers("strategy/arm", [](const TablesRow& r) { return r.row.assignment.arm; });
  writer.texts("strategy/state", [](const TablesRow& r) { return r.row.assignment.state; });
  writer.numbers("strategy/tace_start_day", [](const TablesRow& r) { return number_of(r.row.assignment.tace_start_day); });
  writer.numbers("strategy/systemic_start_day", [](const TablesRow& r) { return number_of(r.row.assignment.systemic_start_day); });
}

void read_course(const Handle& file, const std::filesystem::path& path, std::vector<PatientRow>& rows) {
  const auto known = read_bytes(file, "follow_up/known", path);
  const auto recurrence = read_numbers(file, "follow_up/recurrence_months", path), death = read_numbers(file, "follow_up/death_months", path);
  const auto seen = read_numbers(file, "follow_up/recurrence_seen_until_months", path), last = read_numbers(file, "follow_up/last_contact_months", path);
  const auto arm = read_integers(file, "strategy/arm", path);
  const auto state = read_texts(file, "strategy/state", path);
  const auto tace = read_numbers(file, "strategy/tace_start_day", path), systemic = read_numbers(file, "strategy/systemic_start_day", path);
  for (std::size_t p = 0; p < rows.size(); ++p) {
    rows[p].history = {known.at(p) != 0, optional_of(recurrence.at(p)), optional_of(death.at(p)), seen.at(p), last.at(p)};
    rows[p].assignment = {static_cast<int>(arm.at(p)), state.at(p), optional_of(tace.at(p)), optional_of(systemic.at(p))};
  }
}

void read_judgement(const Handle& file, const std::filesystem::path& path, const TablesSpec& spec, std::vector<PatientRow>& rows) {
  const auto by = read_integers(file, "verdict/excluded_by", path), at_enrolment = read_integers(file, "verdict/excluded_at_enrolment_by", path);
  for (std::size_t p = 0; p < rows.size(); ++p) {
    rows[p].verdict.excluded_by = static_cast<int>(by.at(p));
    rows[p].verdict.excluded_at_enrolment_by = static_cast<int>(at_enrolment.at(p));
  }
  for (const RuleSpec& rule : spec.rules) {
    const auto truth = read_bytes(file, "rules/" + rule.id + "/truth", path), passed = read_bytes(file, "rules/" + rule.id + "/passed", path), query = read_bytes(file, "rules/" + rule.id + "/query", path);
    for (std::size_t p = 0; p < rows.size(); ++p) {
      rows[p].verdict.rules.push_back({static_cast<Truth>(truth.at(p)), passed.at(p) != 0, query.at(p) != 0});
      rows[p].verdict.pending = rows[p].verdict.pending || static_cast<Truth>(truth.at(p)) == Truth::pending;
    }
  }
  for (const EndpointSpec& endpoint : spec.endpoints) {
    const std::string prefix = "outcomes/" + endpoint.name;
    const auto known = read_bytes(file, prefix + "/known", path), event = read_bytes(file, prefix + "/event", path);
    const auto months = read_numbers(file, prefix + "/months", path);
    for (std::size_t p = 0; p < rows.size(); ++p) rows[p].outcomes.push_back({known.at(p) != 0, months.at(p), event.at(p)});
  }
}

}  // namespace

void write_tables(const std::filesystem::path& path, const TablesSpec& spec, const std::vector<TablesRow>& rows) {
  Handle file = create_file(path);
  {
    Writer writer(file, rows, path);
    const std::string text = to_json(spec).dump();
    write_bytes(file, "spec", std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()), path);
    writer.group("patient");
    writer.texts("patient/key", [](const TablesRow& r) { return r.row.key; });
    writer.texts("patient/id", [](const TablesRow& r) { return r.row.id; });
    writer.texts("patient/centre", [](const TablesRow& r) { return r.row.centre; });
    writer.group("columns");
    for (std::size_t c = 0; c < spec.columns.size(); ++c) {
      const std::string prefix = "columns/" + spec.columns[c].name;
      writer.group(prefix);
      writer.numbers(prefix + "/value", [c](const TablesRow& r) { return r.row.cells.at(c).value; });
      writer.bytes(prefix + "/state", [c](const TablesRow& r) { return static_cast<int>(r.row.cells.at(c).state); });
    }
    write_rules(writer, spec);
    write_course(writer);
    write_outcomes(writer, spec);
  }
  file.close(path);
}

Tables read_tables(const std::filesystem::path& path) {
  const Handle file = open_file(path);
  Tables tables;
  const std::vector<std::uint8_t> text = read_bytes(file, "spec", path);
  try {
    tables.spec = tables_spec_from(nlohmann::ordered_json::parse(text.begin(), text.end()));
  } catch (const nlohmann::json::exception& error) {
    throw store_error(std::string("its specification cannot be read: ") + error.what(), {path.string()}, "run hepar shard again");
  }
  const auto keys = read_texts(file, "patient/key", path), ids = read_texts(file, "patient/id", path), centres = read_texts(file, "patient/centre", path);
  tables.rows.resize(keys.size());
  for (std::size_t p = 0; p < keys.size(); ++p) {
    tables.rows[p].key = keys[p];
    tables.rows[p].id = ids.at(p);
    tables.rows[p].centre = centres.at(p);
  }
  for (const ColumnSpec& column : tables.spec.columns) {
    const auto values = read_numbers(file, "columns/" + column.name + "/value", path);
    const auto states = read_bytes(file, "columns/" + column.name + "/state", path);
    for (std::size_t p = 0; p < keys.size(); ++p) tables.rows[p].cells.push_back({values.at(p), static_cast<Cell::State>(states.at(p))});
  }
  read_judgement(file, path, tables.spec, tables.rows);
  read_course(file, path, tables.rows);
  return tables;
}

}  // namespace hepar::store
