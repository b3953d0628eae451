// SPDX-License-Identifier: Apache-2.0
// A cohort's description: YAML, its schema, the rules of every reading.
#include "data/cohort/eligibility.hpp"
#include "data/cohort/spec.hpp"
#include "tests/fuzz/target.hpp"

using namespace hepar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFolder folder;
  fuzz::reads([&] {
    const CohortSpec spec = read_cohort_spec(folder.write("cohort.yaml", fuzz::text_of(data, size)));
    for (const RuleSpec& rule : spec.eligibility) static_cast<void>(Expression::parse(rule.require, spec, rule.place).names());
    for (const auto& [name, rules] : spec.readings) static_cast<void>(rules_of_reading(spec, name));
  });
  return 0;
}
