// SPDX-License-Identifier: Apache-2.0
// Eligibility: an ordered list of small expressions in three-valued logic (Kleene), and the counted flow they give.
#pragma once

#include "data/cohort/cohort.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hepar {

enum class Truth : std::uint8_t { no = 0, yes = 1, unknown = 2, pending = 3 };  // pending: needs a fact of extraction

// Grammar: or, and, not, parentheses, == != < <= > >=, `x in [a, b]`, numbers, 'text', true, false, column names and
// facts with dots. Categories compare in their declared order. Comparison with an unknown is unknown, and so is that of a
// value at a limit ('>60500', kept with limits: keep) which the limit and the column's range do not decide; `and` with a
// false and `or` with a true operand are decided whatever the others are. Names, types and the values of categories and
// facts are checked when parsed: usage_error at `place`.
class Expression {
 public:
  static Expression parse(const std::string& text, const CohortSpec& spec, const Place& place);
  // `facts` may be null: facts of extraction are then pending.
  [[nodiscard]] Truth evaluate(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const;
  // "age=82": the operands that the verdict rests on, and "table": where they come from, for excluded.csv.
  [[nodiscard]] std::string operands(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const;
  [[nodiscard]] std::string sources(const PatientRecord& patient, const CohortSpec& spec, const Facts* facts) const;
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  friend class ExpressionParser;
  struct Node;
  std::shared_ptr<const Node> root_;
};

// Facts every rule may name, with what they mean (`cohort check --facts`).
struct FactName {
  enum class Type : std::uint8_t { flag, number, text };
  std::string name, meaning, known_from;
  Type type = Type::number;
  std::vector<std::string> values;  // of texts: all that it can be (none: any text); of numbers: the words that may stand for one
};
[[nodiscard]] std::vector<FactName> known_facts(const CohortSpec& spec);
// A fact that the tables alone give (follow_up.*, treatment.*, surgery.*, <endpoint>.known); nullopt: it is
// extraction's.
[[nodiscard]] std::optional<Fact> table_fact(std::string_view name, const PatientRecord& patient,
                                             const CohortSpec& spec);

struct RuleVerdict {
  Truth truth = Truth::unknown;
  bool passed = false;
  bool query = false;
};

// What the rules say of one patient. `excluded_by` is the first rule that failed, or -1.
struct Verdict {
  std::vector<RuleVerdict> rules;  // one a rule, all evaluated
  int excluded_by = -1;            // over all stages
  int excluded_at_enrolment_by = -1;
  bool pending = false;
  [[nodiscard]] bool eligible() const { return excluded_by < 0; }
  [[nodiscard]] bool enrolled() const { return excluded_at_enrolment_by < 0; }  // may be predicted
};

[[nodiscard]] std::vector<Verdict> judge(const Cohort& cohort, std::span<const RuleSpec> rules,
                                         const std::map<std::string, Facts, std::less<>>* facts_by_key);

// Counted flow: per rule and per centre, how many failed (no), were unknown and excluded, passed, pend, wait for an
// answer.
struct FlowStep {
  std::string id, text;
  std::map<std::string, std::int64_t> entered, excluded, unknown_excluded, unknown_included, queried, pending;
};
struct Flow {
  std::map<std::string, std::int64_t> patients, eligible;
  std::vector<FlowStep> steps;
  std::map<std::string, std::map<std::string, std::int64_t>> strategies;  // arm or state -> centre -> n of the eligible
  std::map<std::string, std::int64_t> query_counts;                       // problem -> n
  [[nodiscard]] std::string text() const;                                 // a table for people
  [[nodiscard]] std::string json() const;

 private:
  [[nodiscard]] std::string block(std::span<const std::string> centres) const;
};
[[nodiscard]] Flow count_flow(const Cohort& cohort, std::span<const RuleSpec> rules, std::span<const Verdict> verdicts);

}  // namespace hepar
