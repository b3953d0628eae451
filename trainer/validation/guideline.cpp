// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/guideline.hpp"

#include "data/cohort/column_kinds.hpp"
#include "data/cohort/eligibility.hpp"
#include "trainer/statistics/doubly_robust.hpp"

#include <algorithm>

namespace hepar::validation {

namespace {

// As configured, or from the columns that a liver cohort has.
std::string guideline_text(const engine::DecisionConfig& config, const std::vector<ColumnSpec>& columns) {
  if (config.guideline != "auto") return config.guideline;
  std::vector<std::string> parts;
  for (const ColumnSpec& column : columns) {
    const bool category = kind_of(column).levels && !column.values.empty(), number = kind_of(column).quantity;
    if (column.name == "mvi" && category) parts.push_back("mvi != '" + column.values.front() + "'");
    if (column.name == "size" && number) parts.emplace_back(column.unit == "mm" ? "size > 50" : "size > 5");
    if (column.name == "number" && category) parts.push_back("number != '" + column.values.front() + "'");
    if (column.name == "number" && number) parts.emplace_back("number > 1");
  }
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : " or ") + part;
  return text;
}

}  // namespace

Guideline guideline_of(const engine::DecisionConfig& config, const store::Store& store, const std::vector<std::int64_t>& patients) {
  Guideline out{guideline_text(config, store.columns()), {}, {}, 0};
  const std::vector<std::string> arms = store.strategies().arm_names();
  const auto arm = std::find(arms.begin(), arms.end(), config.guideline_arm);
  if (out.text.empty()) out.problem = "no rule: decision.guideline names none, and the cohort has none of the columns mvi, size, number";
  if (arm == arms.end()) out.problem = "there is no strategy '" + config.guideline_arm + "' (decision.guideline_arm)";
  if (!out.problem.empty()) return out;
  CohortSpec spec;
  spec.columns = store.columns();
  spec.strategies = store.strategies();
  const Expression rule = Expression::parse(out.text, spec, {"decision.guideline"});
  for (const std::int64_t p : patients) {
    PatientRecord record;
    record.cells = store.row(p).cells;
    const Facts facts = store.facts(p);
    const Truth holds = rule.evaluate(record, spec, &facts);
    out.choice.push_back(holds == Truth::yes ? static_cast<int>(arm - arms.begin()) : holds == Truth::no ? 0 : statistics::kAsObserved);
    out.unknown += holds == Truth::yes || holds == Truth::no ? 0 : 1;
  }
  return out;
}

}  // namespace hepar::validation
