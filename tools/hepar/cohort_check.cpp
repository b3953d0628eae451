// SPDX-License-Identifier: Apache-2.0
// `hepar cohort check`: reads the tables, judges eligibility, and writes who enters, who does not, and why.
#include "data/base/files.hpp"
#include "data/base/table.hpp"
#include "data/cohort/eligibility.hpp"
#include "data/cohort/outcome.hpp"
#include "sharding/store/store.hpp"
#include "tools/hepar/command.hpp"

#include <fmt/format.h>

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
    std::vector<std::string> fields{patient.id, patient.centre, assign_strategy(patient, cohort.spec.strategies).name(cohort.spec.strategies)};
    for (const EndpointSpec& endpoint : cohort.spec.endpoints) {
      const Outcome outcome = outcome_of(patient, cohort.spec, endpoint);
      fields.push_back(outcome.known ? number_text(outcome.months) : "");
      fields.push_back(outcome.known ? std::to_string(outcome.event) : "");
    }
    csv += csv_line(fields);
  }
  return csv;
}

std::string excluded_csv(const Cohort& cohort, const std::vector<RuleSpec>& rules, const std::vector<Verdict>& verdicts, const FactsByKey* facts) {
  std::string csv = csv_line({"patient_id", "centre", "rule", "value", "source"});
  for (std::size_t p = 0; p < cohort.patients.size(); ++p) {
    if (verdicts[p].eligible()) continue;
    const PatientRecord& patient = cohort.patients[p];
    const auto rule = static_cast<std::size_t>(verdicts[p].excluded_by);
    const Facts* known = facts != nullptr && facts->contains(patient.key) ? &facts->at(patient.key) : nullptr;
    const Expression expression = Expression::parse(rules[rule].require, cohort.spec, rules[rule].place);
    csv += csv_line({patient.id, patient.centre, rules[rule].id, expression.operands(patient, cohort.spec, known),
                     patient.place.file.substr(patient.place.file.rfind('/') + 1) + ":" + std::to_string(patient.place.line)});
  }
  return csv;
}

std::string queries_csv(const Cohort& cohort) {
  std::string csv = csv_line({"patient_id", "centre", "table", "line", "column", "value", "problem", "action"});
  for (const Query& query : cohort.queries)
    csv += csv_line({query.patient, query.centre, query.table, std::to_string(query.place.line), query.column, query.value, query.problem, query.action});
  return csv;
}

// Rules of another reading replace those with the same id and follow the others.
std::vector<RuleSpec> rules_of_reading(const CohortSpec& spec, const std::vector<RuleSpec>& changes) {
  std::vector<RuleSpec> rules = spec.eligibility;
  for (const RuleSpec& change : changes) {
    const auto same = std::find_if(rules.begin(), rules.end(), [&](const RuleSpec& rule) { return rule.id == change.id; });
    if (same != rules.end()) {
      *same = change;
    } else {
      rules.push_back(change);
    }
  }
  return rules;
}

std::string readings_table(const Cohort& cohort, const FactsByKey* facts, std::int64_t eligible) {
  if (cohort.spec.readings.empty()) return {};
  std::string text = fmt::format("\nother readings of the protocol\n  {:<32} {:>9} {:>9}\n  {:<32} {:>9}\n", "", "eligible", "change", "as declared", eligible);
  for (const auto& [name, changes] : cohort.spec.readings) {
    const std::vector<Verdict> verdicts = judge(cohort, rules_of_reading(cohort.spec, changes), facts);
    const auto n = std::count_if(verdicts.begin(), verdicts.end(), [](const Verdict& verdict) { return verdict.eligible(); });
    text += fmt::format("  {:<32.32} {:>9} {:>+9}\n", name, n, n - eligible);
  }
  return text;
}

class CohortCheck : public Command {
 public:
  std::string_view name() const override { return "cohort check"; }
  std::string_view summary() const override { return "who is eligible and why not, strategies and endpoints, queries for data managers"; }
  std::string_view example() const override { return "hepar cohort check --cohort cohort.yaml --out check"; }
  std::vector<Row> rows() override {
    return {required(row("cohort", cohort_, "the cohort's YAML")), row("out", out_, "folder for flow, patients, exclusions and queries"),
            row("store", store_, "answers rules on facts of extraction"), row("reading", reading_, "judge by this other reading of the protocol"),
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
      for (const FactName& fact : known_facts(read_cohort_spec(cohort_))) fmt::print("{:<28} {:<44} {}\n", fact.name, fact.meaning, fact.known_from);
      return;
    }
    if (out_.empty()) throw usage_error("'cohort check' needs --out", {}, "example: " + std::string(example()));
    Cohort cohort = read_cohort(cohort_);
    std::vector<RuleSpec> rules = cohort.spec.eligibility;
    if (!reading_.empty()) {
      const auto found = cohort.spec.readings.find(reading_);
      if (found == cohort.spec.readings.end()) throw usage_error("no reading '" + reading_ + "'", {cohort_}, "see readings: in the cohort's YAML");
      rules = rules_of_reading(cohort.spec, found->second);
    }
    std::optional<FactsByKey> facts;
    if (!store_.empty()) facts = facts_of(store_);
    const FactsByKey* known = facts ? &*facts : nullptr;
    const std::vector<Verdict> verdicts = judge(cohort, rules, known);
    const Flow flow = count_flow(cohort, rules, verdicts);
    const auto eligible = std::count_if(verdicts.begin(), verdicts.end(), [](const Verdict& verdict) { return verdict.eligible(); });
    const std::string text = flow.text() + readings_table(cohort, known, eligible);

    std::error_code failed;
    fs::create_directories(out_, failed);
    if (failed) throw disk_error("cannot create the folder", {out_});
    publish(fs::path(out_) / "flow.json", flow.json());
    publish(fs::path(out_) / "flow.txt", text);
    publish(fs::path(out_) / "patients.csv", patients_csv(cohort, verdicts));
    publish(fs::path(out_) / "excluded.csv", excluded_csv(cohort, rules, verdicts, known));
    publish(fs::path(out_) / "queries.csv", queries_csv(cohort));
    for (const std::string& note : cohort.notes) context.console.note("note: " + note);
    fmt::print("{}", context.json ? flow.json() : text);
  }

  std::string cohort_, out_, store_, reading_;
  bool facts_ = false;
};

}  // namespace

std::unique_ptr<Command> make_cohort_check_command() { return std::make_unique<CohortCheck>(); }

}  // namespace hepar::program
