// SPDX-License-Identifier: Apache-2.0
#include "data/reports/reading.hpp"

#include "data/base/text.hpp"

#include <algorithm>
#include <set>

namespace hepar::reports {

namespace {

// Ends of units: full stops, semicolons, line ends; in forms the white space before the next label.
std::set<std::size_t> borders_of(std::u16string_view text) {
  static const Pattern kEnd(R"([。;!\n]|(?<![a-z0-9])\.|(?<=[a-z0-9)%"])\.(?=\s|$|\p{Han})|(?<=\p{Han})\.)");
  static const Pattern kAbbreviation(R"(‹(?:approx|e\.g|i\.e|ca|vs|fig|incl|max|diam|diff|dr|st|cf|resp)\.$)");
  static const Pattern kField(R"((?<=[\p{Han})\d%]) +(?=\p{Han}{2,12}\s*(?:\([^()\n]{0,24}\))?\s*:)|(?<=\p{Han}|\)) {2,}(?=\p{Han}|\())"
                              R"(|(?<=\s|[\p{Han})]),?(?=\d{1,2}、\s*\p{Han}))");
  const Span whole{0, text.size()};
  std::set<std::size_t> borders{0, text.size()};
  for (const Match& end : kEnd.all(text, whole)) {
    const bool shortened =
        text[end.whole.begin] == u'.' && kAbbreviation.in(text, {end.whole.begin - std::min<std::size_t>(end.whole.begin, 8), end.whole.end});
    if (!shortened) borders.insert(end.whole.end);
  }
  for (const Match& field : kField.all(text, whole)) borders.insert(field.whole.end);
  return borders;
}

std::vector<Clause> clauses_of(std::u16string_view text, const Span& unit) {
  static const Pattern kComma(R"((?<!\d),|(?<=\d),(?!\d{3}(?!\d)|\s*\d+(?:\.\d+)?\s*(?:,|、|和|及|‹and›|cm|mm)))");
  std::vector<Clause> clauses;
  std::size_t begin = unit.begin;
  for (const Match& comma : kComma.all(text, unit)) {
    clauses.push_back({{begin, comma.whole.end}});
    begin = comma.whole.end;
  }
  if (begin < unit.end || clauses.empty()) clauses.push_back({{begin, unit.end}});
  return clauses;
}

// What is not said of this specimen: a section under a heading, a finding of imaging, a word of the past.
void mark_history(std::u16string_view text, std::vector<Unit>& units) {
  static const Pattern kHeading(R"(^[\s\d.、()*#-]*(?:(?:临床|既往|现)病?史|临床(?:资料|诊断|表现|病史|信息)|病史(?:摘要|简介)?|家族史|临床)"
                                R"(|既往[^:。;\n]{0,10})"
                                R"(|(?:术前)?影像学?(?:所见|检查|诊断|资料|表现)?|术前诊断|术中(?:所见|情况|诊断)|手术所见)"
                                R"(|(?:增强)?(?:ct|mri?|pet-?ct|b超|超声|us)(?:检查)?|请(?:注明|明确|描述|报告|评估|回报))"
                                R"(|please (?:state|report|comment\w*|assess)(?: on)?)"
                                R"(|(?:previous|prior|outside|earlier) (?:biopsy|report|pathology|diagnosis|specimen|resection)[^:.;]{0,24})"
                                R"(|family history)"
                                R"(|(?:clinical|medical|past|patient) (?:history|information|data|diagnosis|indications?|details)|indications?)"
                                R"(|(?:\w+ )?history|clinical|hx|pmh|referral|request)"
                                R"(|pre-?operative (?:diagnosis|imaging)|(?:pre-?op(?:erative)? )?imaging(?: findings)?|radiology(?: findings)?)\s*:)");
  static const Pattern kLabel(R"(^[\s\d.、()*#-]*[^:,。;\n]{1,40}:)");
  static const Pattern kImaging(R"((?:ct|mri?|b超|超声|影像学?|petct|造影)(?:检查)?[^,。;:]{0,4}(?:示|提示|显示|所见|报告|考虑))"
                                R"(|‹(?:on|by) (?:\w+ )?(?:ct|mri|ultrasound|imaging)›)"
                                R"(|‹(?:ct|mri|imaging|ultrasound)(?: scan)? (?:show|demonstrat|reveal|report|suggest)\w*)");
  static const Pattern kPast(R"(‹(?:history of|medical history|hx|pmh|known|h/o|previous(?:ly)?|prior)"
                             R"(|outside (?:hospital|institution|biops\w+|slides?|report|pathology|diagnosis))›)"
                             R"(|‹earlier (?:hepatectomy|biopsy|resection|operation|surgery|specimen)›|‹(?:family|father|mother|sister|brother)›)"
                             R"(|‹(?:as )?per (?:the )?(?:request|requisition|referr\w+|clinic\w*|form|chart)›)"
                             R"(|‹according to the (?:request|requisition|clinician|form|chart)›)"
                             R"(|既往|病史|曾(?:经)?(?:有|患|行|诊)|父亲|母亲|其父|其母|兄弟|姐妹|哥哥|弟弟|姐姐|妹妹|家族|申请单|送检单)"
                             R"(|患者(?:有|因|系|曾)|因肝硬化)"
                             R"(|(?:术前|外院)[^,。;]{0,6}(?:穿刺|活检|诊断|会诊))");
  bool under = false;
  for (Unit& unit : units) {
    const std::u16string_view said = text.substr(unit.span.begin, unit.span.size());
    if (kHeading.in(text, unit.span)) {
      under = true;
    } else if (kLabel.in(text, unit.span)) {
      under = false;
    }
    bool imaging = false, bracketed = false;  // of the past, in a bracket that is still open
    for (Clause& clause : unit.clauses) {
      imaging = imaging || kImaging.in(text, clause.span);
      clause.history = under || imaging || bracketed || kPast.in(text, clause.span);
      const std::u16string_view until = text.substr(unit.span.begin, clause.span.end - unit.span.begin);
      bracketed = clause.history && std::count(until.begin(), until.end(), u'(') > std::count(until.begin(), until.end(), u')');
    }
    // A heading with words behind it holds for its line, one that stands alone until the next label.
    const bool bare = said.find_last_not_of(u" \n") != std::u16string_view::npos && said[said.find_last_not_of(u" \n")] == u':';
    const bool words = said.find_first_not_of(u" \n") != std::u16string_view::npos;
    if (words && !bare && said.back() == u'\n') under = false;
  }
}

}  // namespace

Reading::Reading(std::string_view utf8) : original_(utf8), normal_(normal_text(utf8)) {
  const std::set<std::size_t> borders = borders_of(normal_.text);
  for (auto border = borders.begin(); std::next(border) != borders.end(); ++border) {
    const Span span{*border, *std::next(border)};
    units_.push_back({span, clauses_of(normal_.text, span)});
  }
  mark_history(normal_.text, units_);
}

std::optional<double> Reading::number(const Span& digits) const {
  const std::u16string_view said = text(digits);
  return parse_number(std::string(said.begin(), said.end()));
}

Attribute Reading::attribute(const std::string& name, const Statement& said, const std::string& rule) const {
  const std::size_t start = normal_.origin[said.where.begin];
  const std::size_t end = said.where.end > said.where.begin ? normal_.origin[said.where.end - 1] + 1 : start;
  return {name, said.value, original_.substr(normal_.byte_of[start], normal_.byte_of[end] - normal_.byte_of[start]), start, end, rule, said.confidence};
}

std::optional<std::pair<std::size_t, std::size_t>> Reading::place_of(const Span& match) const {
  const auto unit = std::find_if(units_.begin(), units_.end(), [&](const Unit& u) { return u.span.end > match.begin; });
  if (unit == units_.end() || !unit->span.holds(match)) return std::nullopt;
  const auto clause = std::find_if(unit->clauses.begin(), unit->clauses.end(), [&](const Clause& c) { return c.span.end > match.begin; });
  if (clause == unit->clauses.end() || clause->history) return std::nullopt;
  return std::pair(static_cast<std::size_t>(unit - units_.begin()), static_cast<std::size_t>(clause - unit->clauses.begin()));
}

}  // namespace hepar::reports
