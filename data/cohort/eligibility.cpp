// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/eligibility.hpp"

#include "data/cohort/outcome.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace hepar {

namespace {

std::int64_t total(const std::map<std::string, std::int64_t>& counts) {
  std::int64_t sum = 0;
  for (const auto& [centre, n] : counts) sum += n;
  return sum;
}

// Columns that a terminal takes for it: fmt pads by them, and cuts by characters.
std::size_t width_of(const std::string& text) {
  constexpr std::size_t kWide = 400;
  return kWide - (fmt::format("{:<{}}", text, kWide).size() - text.size());
}

// A row of the table for people: its label, over as many lines as it needs, and the numbers beside the first.
std::string table_row(std::string label, const std::string& numbers) {
  constexpr int kWidth = 60;
  const std::string indent(6, ' ');
  std::string out;
  while (true) {
    std::string head = fmt::format("{:.{}}", label, kWidth);
    for (int characters = kWidth; width_of(head) > kWidth;) head = fmt::format("{:.{}}", label, --characters);
    std::size_t cut = head.size();
    const std::size_t space = head.rfind(' ');
    if (cut < label.size() && label[cut] != ' ' && space != std::string::npos && space > indent.size()) cut = space;
    out += out.empty() ? fmt::format("{:<{}}{}\n", label.substr(0, cut), kWidth, numbers) : label.substr(0, cut) + "\n";
    const std::size_t next = label.find_first_not_of(' ', cut);
    if (next == std::string::npos) return out;
    label = indent + label.substr(next);
  }
}

RuleVerdict verdict_of(const RuleSpec& rule, Truth truth) {
  RuleVerdict verdict{truth, false, false};
  if (truth == Truth::yes || truth == Truth::pending) verdict.passed = true;
  if (truth == Truth::unknown) {
    verdict.passed = rule.on_unknown == OnUnknown::include;
    verdict.query = rule.on_unknown == OnUnknown::query;
  }
  return verdict;
}

}  // namespace

std::vector<Verdict> judge(const Cohort& cohort, std::span<const RuleSpec> rules,
                           const std::map<std::string, Facts, std::less<>>* facts_by_key) {
  std::vector<Expression> expressions;
  for (const RuleSpec& rule : rules) expressions.push_back(Expression::parse(rule.require, cohort.spec, rule.place));
  static const Facts kNone;
  std::vector<Verdict> verdicts;
  for (const PatientRecord& patient : cohort.patients) {
    const Facts* facts = nullptr;
    if (facts_by_key != nullptr) {
      const auto found = facts_by_key->find(patient.key);
      facts = found == facts_by_key->end() ? &kNone : &found->second;
    }
    Verdict verdict;
    for (std::size_t r = 0; r < rules.size(); ++r) {
      verdict.rules.push_back(verdict_of(rules[r], expressions[r].evaluate(patient, cohort.spec, facts)));
      verdict.pending = verdict.pending || verdict.rules.back().truth == Truth::pending;
      if (verdict.rules.back().passed) continue;
      if (verdict.excluded_by < 0) verdict.excluded_by = static_cast<int>(r);
      if (verdict.excluded_at_enrolment_by < 0 && rules[r].stage == Stage::enrolment)
        verdict.excluded_at_enrolment_by = static_cast<int>(r);
    }
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

Flow count_flow(const Cohort& cohort, std::span<const RuleSpec> rules, std::span<const Verdict> verdicts) {
  Flow flow;
  for (const RuleSpec& rule : rules) flow.steps.push_back({rule.id, rule.text, {}, {}, {}, {}, {}, {}});
  for (std::size_t p = 0; p < cohort.patients.size(); ++p) {
    const PatientRecord& patient = cohort.patients[p];
    const Verdict& verdict = verdicts[p];
    ++flow.patients[patient.centre];
    for (std::size_t r = 0; r < rules.size(); ++r) {
      FlowStep& step = flow.steps[r];
      const RuleVerdict& rule = verdict.rules[r];
      ++step.entered[patient.centre];
      if (rule.truth == Truth::pending) ++step.pending[patient.centre];
      if (rule.truth == Truth::unknown && rule.passed) ++step.unknown_included[patient.centre];
      if (rule.passed) continue;
      const bool unknown = rule.truth == Truth::unknown;
      ++(rule.query ? step.queried : unknown ? step.unknown_excluded : step.excluded)[patient.centre];
      break;  // counted at the first rule that failed; the patient leaves the flow there
    }
    if (!verdict.eligible()) continue;
    ++flow.eligible[patient.centre];
    ++flow.strategies[assign_strategy(patient, cohort.spec.strategies).name(cohort.spec.strategies)][patient.centre];
  }
  for (const Query& query : cohort.queries) ++flow.query_counts[query.problem];
  return flow;
}

std::string Flow::text() const {
  // Blocks of centres, so that a table of many centres still fits a screen; one centre alone needs no column of its
  // own.
  constexpr std::size_t kCentresABlock = 12;
  std::vector<std::string> centres;
  for (const auto& [centre, n] : patients) centres.push_back(centre);
  if (centres.size() == 1) centres.clear();
  std::string out;
  for (std::size_t first = 0; first == 0 || first < centres.size(); first += kCentresABlock) {
    const std::size_t last = std::min(centres.size(), first + kCentresABlock);
    if (first > 0) out += '\n';
    out += block(std::span(centres).subspan(first, last - first));
  }
  for (const auto& [problem, n] : query_counts) out += table_row("query: " + problem, fmt::format(" {:>7}", n));
  return out;
}

std::string Flow::block(std::span<const std::string> centres) const {
  std::string out = fmt::format("{:<60} {:>7}", "", "all");
  for (const std::string& centre : centres) out += fmt::format(" {:>7.7}", centre);
  out += '\n';
  const auto line = [&](const std::string& label, const std::map<std::string, std::int64_t>& counts) {
    std::string numbers = fmt::format(" {:>7}", total(counts));
    for (const std::string& centre : centres)
      numbers += fmt::format(" {:>7}", counts.contains(centre) ? counts.at(centre) : 0);
    out += table_row(label, numbers);
  };
  line("patients", patients);
  for (const FlowStep& step : steps) {
    line("  - " + step.id + ": " + step.text, step.excluded);
    if (total(step.unknown_excluded) > 0) line("  - " + step.id + ", not known (excluded)", step.unknown_excluded);
    if (total(step.unknown_included) > 0) line("    " + step.id + ", not known (kept)", step.unknown_included);
    if (total(step.queried) > 0) line("  - " + step.id + ", waits for an answer", step.queried);
    if (total(step.pending) > 0) line("    " + step.id + ", pending until features are extracted", step.pending);
  }
  line("eligible", eligible);
  for (const auto& [strategy, counts] : strategies) line("    strategy " + strategy, counts);
  return out;
}

std::string Flow::json() const {
  nlohmann::ordered_json out;
  out["patients"] = patients;
  out["steps"] = nlohmann::ordered_json::array();
  for (const FlowStep& step : steps)
    out["steps"].push_back({{"id", step.id},
                            {"text", step.text},
                            {"entered", step.entered},
                            {"excluded", step.excluded},
                            {"unknown_excluded", step.unknown_excluded},
                            {"unknown_included", step.unknown_included},
                            {"queried", step.queried},
                            {"pending", step.pending}});
  out["eligible"] = eligible;
  out["strategies"] = strategies;
  out["queries"] = query_counts;
  return out.dump(2) + "\n";
}

}  // namespace hepar
