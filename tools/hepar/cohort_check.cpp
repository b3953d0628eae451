// SPDX-License-Identifier: Apache-2.0
// `hepar cohort check`: reads the tables, judges eligibility, and writes who enters, who does not, and why.
#include "data/base/files.hpp"
#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "data/cohort/cells.hpp"
#include "data/cohort/eligibility.hpp"
#include "data/cohort/outcome.hpp"
#include "data/imaging/radiomics_facts.hpp"
#include "sharding/store/layout.hpp"
#include "sharding/store/store.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/output_file.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace hepar::program {

namespace {

using FactsByKey = std::map<std::string, Facts, std::less<>>;

FactsByKey facts_of(const std::string& store_path) {
  const store::Store store = store::Store::open(store_path);
  FactsByKey facts;
  for (std::int64_t p = 0; p < store.patients(); ++p) facts[store.row(p).key] = store.facts(p);
  return facts;
}

std::string patients_csv(const Cohort& cohort, const std::vector<Verdict>& verdicts) {
  std::vector<std::string> header{"patient_id", "centre", "strategy"};
  for (const EndpointSpec& endpoint : cohort.spec.endpoints) {
    header.push_back(endpoint.name + "_months");
    header.push_back(endpoint.name + "_event");
  }
  std::string csv = csv_line(header);
  for (std::size_t p = 0; p < cohort.patients.size(); ++p) {
    if (!verdicts[p].eligible()) continue;
    const PatientRecord& patient = cohort.patients[p];
    std::vector<std::string> fields{patient.id, patient.centre,
                                    assign_strategy(patient, cohort.spec.strategies).name(cohort.spec.strategies)};
    for (const EndpointSpec& endpoint : cohort.spec.endpoints) {
      const Outcome outcome = outcome_of(patient, cohort.spec, endpoint);
      fields.push_back(outcome.known ? number_text(outcome.months) : "");
      fields.push_back(outcome.known ? std::to_string(outcome.event) : "");
    }
    csv += csv_line(fields);
  }
  return csv;
}

std::string excluded_csv(const Cohort& cohort, const std::vector<RuleSpec>& rules, const std::vector<Verdict>& verdicts,
                         const FactsByKey* facts) {
  std::string csv = csv_line({"patient_id", "centre", "rule", "value", "source"});
  for (std::size_t p = 0; p < cohort.patients.size(); ++p) {
    if (verdicts[p].eligible()) continue;
    const PatientRecord& patient = cohort.patients[p];
    const auto rule = static_cast<std::size_t>(verdicts[p].excluded_by);
    const Facts* known = facts != nullptr && facts->contains(patient.key) ? &facts->at(patient.key) : nullptr;
    const Expression expression = Expression::parse(rules[rule].require, cohort.spec, rules[rule].place);
    csv += csv_line({patient.id, patient.centre, rules[rule].id, expression.operands(patient, cohort.spec, known),
                     expression.sources(patient, cohort.spec, known)});
  }
  return csv;
}

std::string queries_csv(const Cohort& cohort) {
  std::string csv = csv_line({"patient_id", "centre", "table", "line", "column", "value", "problem", "action"});
  for (const Query& query : cohort.queries)
    csv += csv_line({query.patient, query.centre, query.table, std::to_string(query.place.line), query.column,
                     query.value, query.problem, query.action});
  return csv;
}

// What a fact can be compared with.
std::string values_of(const FactName& fact) {
  if (fact.type == FactName::Type::flag) return "true, false";
  if (fact.type == FactName::Type::text) return fact.values.empty() ? "a text" : join(fact.values, ", ");
  return fact.values.empty() ? "a number" : "a number, or " + join(fact.values, ", ");
}

// Cells whose sources disagree become queries like those of the tables.
void add_conflicts(Cohort& cohort, const FactsByKey& facts) {
  for (const PatientRecord& patient : cohort.patients) {
    const auto found = facts.find(patient.key);
    if (found == facts.end()) continue;
    for (Query& query : conflicts_of(patient, cohort.spec, found->second)) cohort.queries.push_back(std::move(query));
  }
}

// The eligible under one reading of the protocol, and whom each rule keeps out.
struct Reading {
  std::string name;
  std::vector<RuleSpec> rules;
  std::int64_t eligible = 0;
  std::map<std::string, std::int64_t> out_by_rule;
};

Reading count_reading(const Cohort& cohort, const std::string& name, const FactsByKey* facts) {
  Reading reading{name, rules_of_reading(cohort.spec, name), 0, {}};
  for (const Verdict& verdict : judge(cohort, reading.rules, facts)) {
    if (verdict.eligible()) {
      ++reading.eligible;
    } else {
      ++reading.out_by_rule[reading.rules[static_cast<std::size_t>(verdict.excluded_by)].id];
    }
  }
  return reading;
}

std::vector<Reading> count_readings(const Cohort& cohort, const FactsByKey* facts) {
  std::vector<Reading> readings{count_reading(cohort, "", facts)};
  for (const auto& [name, changes] : cohort.spec.readings) readings.push_back(count_reading(cohort, name, facts));
  return readings;
}

// Only rules whose count differs from the declared reading are shown beside a reading.
std::string readings_table(const std::vector<Reading>& readings) {
  if (readings.size() < 2) return {};
  const Reading& declared = readings.front();
  std::string text = fmt::format("\nreadings of the protocol\n  {:<30} {:>9} {:>9}  what differs\n  {:<30} {:>9}\n", "",
                                 "eligible", "change", "as declared", declared.eligible);
  for (const Reading& reading : readings) {
    if (&reading == &declared) continue;
    std::vector<std::string> differences;
    for (const RuleSpec& rule : reading.rules) {
      const auto count = [&](const Reading& one) {
        return one.out_by_rule.contains(rule.id) ? one.out_by_rule.at(rule.id) : 0;
      };
      if (count(reading) != count(declared))
        differences.push_back(fmt::format("{} {} instead of {}", rule.id, count(reading), count(declared)));
    }
    text += fmt::format("  {:<30.30} {:>9} {:>+9}  {}\n", reading.name, reading.eligible,
                        reading.eligible - declared.eligible,
                        differences.empty() ? "nothing" : "out by " + join(differences, ", "));
  }
  return text;
}

std::string flow_json(const Cohort& cohort, const Flow& flow, const std::vector<Reading>& readings,
                      const std::string& chosen) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(flow.json());
  json["schema"] = "hepar-flow/1";
  json["tables_digest"] = cohort.tables_digest;
  json["reading"] = chosen;
  json["readings"] = nlohmann::ordered_json::object();
  for (const Reading& reading : readings)
    json["readings"][reading.name.empty() ? "as declared" : reading.name] = {{"eligible", reading.eligible},
                                                                             {"out_by_rule", reading.out_by_rule}};
  json["notes"] = cohort.notes;
  return json.dump(2) + "\n";
}

// A run that finds the same result leaves the file as it is.
void publish_changed(const fs::path& path, const std::string& bytes) {
  std::error_code ignored;
  if (fs::exists(path, ignored) && read_file(path) == bytes) return;
  publish(path, bytes);
}

constexpr const char *kFlow = "flow.json", *kFlowText = "flow.txt", *kPatients = "patients.csv", *kExcluded = "excluded.csv", *kQueries = "queries.csv";

class CohortCheck : public Command {
 public:
  std::string_view name() const override { return "cohort check"; }
  std::string_view summary() const override {
    return "who is eligible and why not, strategies and endpoints, queries for data managers";
  }
  std::string_view example() const override { return "hepar cohort check --cohort cohort.yaml --out check"; }
  std::vector<Row> rows() override {
    return {required(row("cohort", cohort_, "the cohort's YAML")),
            row("out", out_, "folder for flow, patients, exclusions and queries"),
            row("store", store_, "answers rules on facts of extraction"),
            row("reading", reading_, "judge by this other reading of the protocol"),
            row("facts", facts_, "list the facts that rules may name, and stop")};
  }

  ExitCode run(const Context& context, const std::vector<std::string>&) override {
    mpi::together(context.world, [&] {
      if (context.world.root()) check(context);
    });
    return ExitCode::done;
  }

 private:
  void check(const Context& context) const {
    if (facts_) {
      for (const FactName& fact : known_facts(read_cohort_spec(cohort_)))
        fmt::print("{:<28} {:<44} {:<11} {}\n", fact.name, fact.meaning, fact.known_from, values_of(fact));
      return;
    }
    if (out_.empty()) throw usage_error("'cohort check' needs --out", {}, "example: " + std::string(example()));
    check_out();
    Cohort cohort = read_cohort(cohort_);
    (void)imaging::region_requests(cohort.spec);  // refuses a feature that there is not
    const std::vector<RuleSpec> rules = rules_of_reading(cohort.spec, reading_);
    std::optional<FactsByKey> facts;
    if (!store_.empty()) facts = facts_of(store_);
    const FactsByKey* known = facts ? &*facts : nullptr;
    if (known != nullptr) add_conflicts(cohort, *known);
    const std::vector<Verdict> verdicts = judge(cohort, rules, known);
    const Flow flow = count_flow(cohort, rules, verdicts);
    const std::vector<Reading> readings = count_readings(cohort, known);
    const std::string text = flow.text() + readings_table(readings), json = flow_json(cohort, flow, readings, reading_);

    const fs::path out(out_);
    make_folder(out);
    remove_stale_temporaries(out);
    publish_changed(out / kFlow, json);
    publish_changed(out / kFlowText, text);
    publish_changed(out / kPatients, patients_csv(cohort, verdicts));
    publish_changed(out / kExcluded, excluded_csv(cohort, rules, verdicts, known));
    publish_changed(out / kQueries, queries_csv(cohort));
    for (const std::string& note : cohort.notes) context.console.note("note: " + note);
    fmt::print("{}", context.json ? json : text);
  }

  // A cohort's own folder holds a patients.csv too, and a store a flow.json: neither is written over.
  void check_out() const {
    const fs::path out(out_);
    if (!fs::is_directory(out)) return;
    const bool ours = fs::exists(out / kFlowText) && fs::exists(out / kExcluded) && !fs::exists(store::Names{out}.manifest());
    for (const char* name : {kFlow, kFlowText, kPatients, kExcluded, kQueries})
      check_output(out / name, {"result of hepar cohort check", [&](std::string_view) { return ours; }});
  }

  std::string cohort_, out_, store_, reading_;
  bool facts_ = false;
};

}  // namespace

std::unique_ptr<Command> make_cohort_check_command() { return std::make_unique<CohortCheck>(); }

}  // namespace hepar::program
