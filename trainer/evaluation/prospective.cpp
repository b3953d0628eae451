// SPDX-License-Identifier: Apache-2.0
#include "trainer/evaluation/prospective.hpp"

#include "data/base/random.hpp"
#include "data/base/run_folder.hpp"
#include "data/base/sealed.hpp"
#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "data/cohort/eligibility.hpp"
#include "data/cohort/outcome.hpp"
#include "trainer/evaluation/sealed_files.hpp"
#include "trainer/statistics/estimates.hpp"
#include "trainer/validation/covariates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace hepar::evaluation {

namespace {

namespace st = statistics;
class Prospective {
 public:
  explicit Prospective(const EvaluationRequest& request) : request_(request), cohort_(read_cohort(request.cohort)) {
    out_.seal = read_seal(request.predictions);
    if (out_.seal.document.contains("left_out_trained_on")) out_.trained_on = out_.seal.document.at("left_out_trained_on").get<std::int64_t>();
  }

  Evaluation run() {
    out_.arms = cohort_.spec.strategies.arm_names();
    if (out_.arms.size() < 2)
      throw input_error("has one strategy, and nothing can be consistent or not", {request_.cohort.string()}, "declare strategies in the cohort");
    if (out_.seal.document.at("decisions").is_null())
      throw store_error("the sealed model knows one strategy, and nothing was recommended", {request_.predictions.string()},
                        "predict with a model of this cohort's strategies");
    out_.decision_endpoint = out_.seal.document.at("decision").at("endpoint");
    out_.window_days = cohort_.spec.strategies.window_high_day;
    match();
    natural_ = read_natural(request_.predictions, months_);
    for (const EndpointSpec& endpoint : cohort_.spec.endpoints) analyse(endpoint);
    adverse_events();
    treated_without_gain();
    out_.subjects = std::move(subjects_);
    if (request_.nulls.simulations > 0) {
      out_.start_delays = st::null_of_start_delays(request_.nulls);
      out_.confounding = st::null_of_confounding(request_.nulls);
    }
    if (!request_.validation.empty())
      out_.earlier = read_sealed(ValidationFolder{request_.validation}.results(), kValidationDocument.schema, "run hepar validate again").at("pooled");
    return std::move(out_);
  }

 private:
  void match();
  void analyse(const EndpointSpec& endpoint);
  [[nodiscard]] EndpointAnalysis study_of(const EndpointSpec& endpoint) const;
  [[nodiscard]] st::Estimates prediction_of(const EndpointSpec& endpoint) const;
  void adverse_events();
  void treated_without_gain();
  [[nodiscard]] std::map<std::string, std::vector<int>> grades_of(const fs::path& path) const;
  [[nodiscard]] std::int64_t& out_because(const std::string& why) { return out_.left_out[why]; }
  [[nodiscard]] const PatientRecord& record(const Subject& subject) const { return cohort_.patients[subject.patient]; }

  const EvaluationRequest& request_;
  Cohort cohort_;
  Evaluation out_;
  std::vector<Subject> subjects_;  // analysed
  NaturalCurves natural_;
  std::vector<double> months_;
};

// Sealed patients that are in the cohort, follow the protocol and had one of its strategies; everybody else is counted.
void Prospective::match() {
  std::map<Key, std::size_t> place;
  for (std::size_t p = 0; p < cohort_.patients.size(); ++p) place[{cohort_.patients[p].centre, cohort_.patients[p].id}] = p;
  const Sealed sealed = read_decisions(decisions_path(request_.predictions), out_.arms);
  out_.sealed = static_cast<std::int64_t>(sealed.keys.size());
  std::vector<std::size_t> found;
  for (const Key& key : sealed.keys)
    if (const auto at = place.find(key); at != place.end()) found.push_back(at->second);
  refuse_late(out_.seal, cohort_, found, request_.predictions);
  for (const std::size_t p : found) out_.without_surgery_date += cohort_.patients[p].surgery_date ? 0 : 1;
  const std::vector<Verdict> verdicts = judge(cohort_, cohort_.spec.eligibility, nullptr);
  out_because("in the cohort and not sealed") = static_cast<std::int64_t>(cohort_.patients.size() - std::set<std::size_t>(found.begin(), found.end()).size());
  for (std::size_t s = 0; s < sealed.keys.size(); ++s) {
    const auto at = place.find(sealed.keys[s]);
    if (at == place.end()) {
      ++out_because("sealed and not in the cohort");
      continue;
    }
    Subject subject = sealed.subjects[s];
    subject.patient = at->second;
    subject.id = record(subject).id;
    subject.centre = record(subject).centre;
    const Verdict& verdict = verdicts[subject.patient];
    if (verdict.excluded_by >= 0) {
      ++out_because("excluded by rule " + cohort_.spec.eligibility[static_cast<std::size_t>(verdict.excluded_by)].id);
      continue;
    }
    const Assignment assignment = assign_strategy(record(subject), cohort_.spec.strategies);
    subject.given = assignment.name(cohort_.spec.strategies);
    subject.arm = assignment.state == "undetermined" ? 0 : assignment.arm;
    if (!record(subject).has_follow_up && cohort_.spec.follow_up != fs::path()) {
      ++out_because("no follow-up yet");
    } else if (subject.arm < 0) {
      ++out_because("treatment " + subject.given);
    } else if (!subject.abstained.empty()) {
      ++out_because("nothing recommended: " + subject.abstained);
    } else {
      subjects_.push_back(std::move(subject));
    }
  }
  out_.analysed = static_cast<std::int64_t>(subjects_.size());
  if (subjects_.empty())
    throw input_error(
        "no sealed patient can be analysed: " +
            [&] {
              std::string why;
              for (const auto& [reason, n] : out_.left_out) why += fmt::format("{}{} ({})", why.empty() ? "" : ", ", reason, n);
              return why;
            }(),
        {request_.cohort.string()}, "check that the cohort holds the sealed patients with their follow-up and treatments");
}

EndpointAnalysis Prospective::study_of(const EndpointSpec& endpoint) const {
  EndpointAnalysis out;
  st::StudyCohort& study = out.study;
  study.arms = static_cast<int>(out_.arms.size());
  study.arm_names = out_.arms;
  study.landmark = out_.window_days / kDaysPerMonth;
  study.horizon = endpoint.horizon_months;
  std::set<std::string> centres;
  for (const Subject& subject : subjects_) centres.insert(record(subject).centre);
  const std::vector<std::string> centre_names(centres.begin(), centres.end());
  validation::ClinicalRows rows{&cohort_.spec.columns, {}, {}, request_.cohort.string()};
  for (std::size_t s = 0; s < subjects_.size(); ++s) {
    const PatientRecord& patient = record(subjects_[s]);
    const Outcome outcome = outcome_of(patient, cohort_.spec, endpoint);
    if (!outcome.known) continue;
    out.subjects.push_back(s);
    study.outcomes.time.push_back(outcome.months);
    study.outcomes.event.push_back(outcome.event);
    const History history = history_of(patient);
    study.entry.push_back(history.known ? std::min({history.recurrence.value_or(1e9), history.death.value_or(1e9), history.last_contact}) : outcome.months);
    study.given.push_back(subjects_[s].arm);
    study.recommended.push_back(subjects_[s].recommended);
    study.centre.push_back(static_cast<int>(std::lower_bound(centre_names.begin(), centre_names.end(), patient.centre) - centre_names.begin()));
    study.fold.push_back(static_cast<int>(hash_text(patient.key) % 5));
    rows.cells.push_back(&patient.cells);
    rows.keys.push_back(patient.key);
  }
  std::vector<std::string> columns;  // what was known at surgery or from its pathology
  for (const ColumnSpec& column : cohort_.spec.columns)
    if (column.known.day <= KnownAt::kPostOp) columns.push_back(column.name);
  const validation::Covariates covariates = validation::Covariates::fit(rows, columns);
  study.covariates = covariates.values(rows);
  out.covariates = covariates.names();
  return out;
}

st::Estimates Prospective::prediction_of(const EndpointSpec& endpoint) const {
  st::HeldOut held_out;
  held_out.endpoint = endpoint.name;
  std::vector<std::size_t> columns;
  for (std::size_t m = 0; m < months_.size(); ++m)
    if (months_[m] <= endpoint.horizon_months + 1e-9) {
      held_out.at.push_back(months_[m]);
      columns.push_back(m);
    }
  const auto curves = natural_.find(endpoint.name);
  if (columns.empty() || curves == natural_.end()) return {};
  held_out.horizon = held_out.at.back();
  held_out.survival.resize(columns.size());
  for (const Subject& subject : subjects_) {
    const PatientRecord& patient = record(subject);
    const Outcome outcome = outcome_of(patient, cohort_.spec, endpoint);
    const auto curve = curves->second.find({patient.centre, patient.id});
    if (!outcome.known || curve == curves->second.end()) continue;
    held_out.months.push_back(outcome.months);
    held_out.event.push_back(outcome.event);
    for (std::size_t m = 0; m < columns.size(); ++m) held_out.survival[m].push_back(curve->second[columns[m]]);
    held_out.risk.push_back(1 - held_out.survival.back().back());
  }
  st::HeldOutOptions options;
  options.min_events = request_.min_events;
  options.threads = request_.nulls.threads;
  return held_out.months.empty() ? st::Estimates{} : st::held_out_metrics(held_out, options);
}

void Prospective::analyse(const EndpointSpec& endpoint) {
  EndpointAnalysis analysis = study_of(endpoint);
  const st::StudyCohort& study = analysis.study;
  analysis.endpoint = endpoint.name;
  analysis.horizon = endpoint.horizon_months;
  analysis.n = static_cast<std::int64_t>(analysis.subjects.size());
  analysis.events = static_cast<std::int64_t>(st::count_code(study.outcomes.event, 1));
  analysis.median_follow_up = st::median_follow_up_estimate(study.outcomes.view());
  analysis.consistency = st::consistency(study);
  analysis.prediction = prediction_of(endpoint);
  out_.endpoints.push_back(std::move(analysis));
}

// Grades by patient key.
std::map<std::string, std::vector<int>> Prospective::grades_of(const fs::path& path) const {
  const Table table = Table::read(path);
  const std::size_t id = table.require("patient_id"), grade = table.require("grade");
  const std::optional<std::size_t> centre = table.column("centre");
  std::map<std::string, std::vector<int>> grades;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::optional<long long> value = parse_integer(table.at(row, grade));
    if (!value || *value < 1 || *value > 5) throw input_error("'" + table.at(row, grade) + "' in 'grade' is no grade", table.place(row), "give 1 to 5 (CTCAE)");
    const auto known = [&](const PatientRecord& patient) { return patient.id == table.at(row, id) && (!centre || patient.centre == table.at(row, *centre)); };
    const auto patient = std::find_if(cohort_.patients.begin(), cohort_.patients.end(), known);
    if (patient != cohort_.patients.end() && std::any_of(patient + 1, cohort_.patients.end(), known))
      throw input_error("patient '" + table.at(row, id) + "' stands in several centres", table.place(row), "add a centre column to this table");
    if (patient == cohort_.patients.end())
      throw input_error("unknown patient '" + table.at(row, id) + "'", table.place(row), "only patients of the cohort have adverse events");
    grades[patient->key].push_back(static_cast<int>(*value));
  }
  return grades;
}

void Prospective::adverse_events() {
  out_.adverse_events_recorded = !request_.adverse_events.empty();
  if (!out_.adverse_events_recorded) return;
  const std::map<std::string, std::vector<int>> grades = grades_of(request_.adverse_events);
  for (const std::string& arm : out_.arms) out_.adverse_events.push_back({arm});
  for (const Subject& subject : subjects_) {
    ArmEvents& arm = out_.adverse_events[static_cast<std::size_t>(subject.arm)];
    ++arm.patients;
    const auto own = grades.find(record(subject).key);
    if (own == grades.end()) continue;
    const int worst = *std::max_element(own->second.begin(), own->second.end());
    arm.events += static_cast<std::int64_t>(own->second.size());
    arm.with_any += worst > 0 ? 1 : 0;
    arm.with_severe += worst >= 3 ? 1 : 0;
    arm.deaths += worst == 5 ? 1 : 0;
  }
}

void Prospective::treated_without_gain() {
  double treated = 0, without = 0;
  for (const Subject& subject : subjects_) {
    if (subject.arm == 0) continue;
    treated += 1;
    without += subject.gain[static_cast<std::size_t>(subject.arm)] <= 0 ? 1 : 0;
  }
  if (treated < 1) {
    out_.treated_without_gain = st::Estimate::none("nobody was treated");
    return;
  }
  const double share = without / treated, se = std::sqrt(share * (1 - share) / treated);
  out_.treated_without_gain = {share,
                               se,
                               std::max(0.0, share - 1.96 * se),
                               std::min(1.0, share + 1.96 * se),
                               static_cast<std::int64_t>(treated),
                               static_cast<std::int64_t>(without),
                               "share of the treated, normal interval",
                               {}};
}

}  // namespace

Evaluation evaluate(const EvaluationRequest& request) { return Prospective(request).run(); }

}  // namespace hepar::evaluation
