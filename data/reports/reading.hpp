// SPDX-License-Identifier: Apache-2.0
// A report as the rules see it: units that stand for themselves (a sentence, a field of a form), each a row of clauses; and
// which of them speak of the past or of imaging rather than of this specimen.
#pragma once

#include "data/reports/attributes.hpp"
#include "data/reports/normal_text.hpp"
#include "data/reports/pattern.hpp"

#include <optional>
#include <string>
#include <vector>

namespace hepar::reports {

struct Clause {
  Span span;
  bool history = false;
};
struct Unit {
  Span span;
  std::vector<Clause> clauses;  // between commas
};

// A place in the normalised text with the value that it states.
struct Statement {
  std::string value;
  Span where;
  double confidence = 1;
};

class Reading {
 public:
  explicit Reading(std::string_view utf8);

  [[nodiscard]] std::u16string_view text() const { return normal_.text; }
  [[nodiscard]] std::u16string_view text(const Span& span) const { return text().substr(span.begin, span.size()); }
  [[nodiscard]] std::optional<double> number(const Span& digits) const;
  [[nodiscard]] const std::vector<Unit>& units() const { return units_; }
  [[nodiscard]] Attribute attribute(const std::string& name, const Statement& said, const std::string& rule) const;

  // Calls visit(unit, clause, match) for every match that lies in one unit and speaks of the specimen.
  template <class Visit>
  void each(const Pattern& pattern, Visit visit) const {
    for (const Match& match : pattern.all(text(), {0, text().size()}))
      if (const auto place = place_of(match.whole)) visit(units_[place->first], units_[place->first].clauses[place->second], match);
  }
  [[nodiscard]] bool in(const Pattern& pattern, const Span& where) const { return pattern.in(text(), where); }

 private:
  [[nodiscard]] std::optional<std::pair<std::size_t, std::size_t>> place_of(const Span& match) const;  // unit, clause
  std::string original_;
  NormalText normal_;
  std::vector<Unit> units_;
};

}  // namespace hepar::reports
