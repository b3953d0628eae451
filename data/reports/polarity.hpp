// SPDX-License-Identifier: Apache-2.0
// Whether a report affirms, denies or doubts a finding that it names.
#pragma once

#include "data/reports/reading.hpp"

namespace hepar::reports {

enum class Polarity { present, absent, uncertain, unstated };

struct Scope {
  bool behind = true;  // may a denial stand behind the finding ("… are absent")?
  bool lists = true;   // may it reach over commas of an enumeration ("no A, B or C")?
};

// In this order: the value of a form field right behind the finding; the nearest cue before it in its clause; the nearest
// behind it; a cue before or behind the enumeration that it stands in; else it is there. Unfilled fields and questions
// ("whether …") state nothing.
[[nodiscard]] Polarity polarity(const Reading& reading, const Unit& unit, const Span& finding, const Scope& scope = {});
[[nodiscard]] std::string text_of(Polarity polarity);  // "present", "absent", "uncertain", ""

// Words that doubt, in a span: for values that a phrase states by itself.
[[nodiscard]] bool doubted(const Reading& reading, const Span& span);

}  // namespace hepar::reports
