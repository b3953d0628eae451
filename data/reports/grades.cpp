// SPDX-License-Identifier: Apache-2.0
// Microvascular invasion, Edmondson-Steiner grade, differentiation.
#include "data/reports/rules.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace hepar::reports {

namespace {

// The 2015 grade by count and distance where none is written: more than 5, or farther than 1 cm, is M2; up to 5, all
// within 1 cm, is M1. A count without a distance says only that there are some.
std::string inferred_grade(const Reading& reading, const Span& where) {
  static const Pattern kMany(R"([>]\s*5\s*(?:个|处|枚|‹)|5(?:个|处)以上|\d*十?余(?:个|处|枚))"
                             R"(|(?:more than|over|greater than|at least six|>) ?(?:5|five|6|six)›)"
                             R"(|‹(?:numerous|many) (?:vessels|foci))");
  static const Pattern kCount(R"(‹(\d{1,3})\s*(?:个|处|枚|灶|(?:small |micro)?(?:vessels?|foci|focus|microvessels?|sites?)›|of (?:them|these)›))");
  static const Pattern kFew(R"([一两二三四五单](?:个|处|枚|灶))"
                            R"(|‹(?:an?|one|single|two|three|four|five) (?:(?:small|isolated|separate) )?(?:micro)?(?:vessels?|foci|focus|sites?)›)");
  static const Pattern kAway(R"((?:距|离)[^,。;\d]{0,12}@n\s*(cm|mm))"
                             R"(|@n\s*(cm|mm) (?:away )?(?:from|beyond|outside) (?:the )?(?:tumou?r|main|capsule|edge|lesion))");
  static const Pattern kNotFar(R"((?:不|未)超过\s*1|‹(?:none|not|no more than|never)(?: (?:is|are|extends?|more|lies?))? (?:beyond|than|farther)›)");
  static const Pattern kFar(R"(远癌旁|(?:>|大于|超过|more than|beyond|greater than)\s*1(?:\.0)?\s*(?:cm|厘米)|(?:>|大于|beyond|more than)\s*10\s*mm)");
  static const Pattern kNear(R"(近癌旁)"
                             R"(|(?:≤|<|<=|within|小于|不超过|less than)\s*(?:or equal to )?(?:1(?:\.0)?\s*(?:cm|厘米)|10\s*mm|0\.\d+\s*cm|[1-9]\s*mm))"
                             R"(|(?:均|all)[^,。;.]{0,20}(?:1\s*cm|10\s*mm)(?:以)?内)");
  const bool not_far = reading.in(kNotFar, where);
  double farthest = -1;  // mm
  for (const Match& away : kAway.all(reading.text(), where)) {
    const std::size_t group = away.groups[1].size() > 0 ? 1 : 3;
    farthest = std::max(farthest, reading.number(away.groups[group]).value_or(0) * (reading.text(away.groups[group + 1]) == u"cm" ? 10 : 1));
  }
  if (reading.in(kMany, where) || (!not_far && reading.in(kFar, where)) || farthest > 10) return "M2";
  const std::optional<Match> count = kCount.find(reading.text(), where);
  if (!count && !reading.in(kFew, where)) return "positive";
  if (count && reading.number(count->groups[1]).value_or(0) > 5) return "M2";
  return farthest >= 0 || not_far || reading.in(kNear, where) ? "M1" : "positive";
}

// "II-III" of 2 and 3; only neighbours have a name of their own.
std::string range_name(int low, int high, const std::array<const char*, 7>& names) {
  if (low > high) std::swap(low, high);
  if (high - low > 1) return "conflict";
  return names[static_cast<std::size_t>(2 * (low - 1) + (high - low))];
}

struct Graded {
  int low = 0, high = 0;
  Span where;
  std::size_t unit = 0;  // where the unit begins
  double confidence = 1;
};

// Grades of one unit make one statement ("mainly II, partly III" is II-III), unless a word corrects.
Statements merged(const Reading& reading, const std::vector<Graded>& grades, const std::array<const char*, 7>& names) {
  static const Pattern kCorrects(R"(更正|修正|修改为|corrected|amended)");
  Statements said;
  for (std::size_t i = 0; i < grades.size();) {
    Graded all = grades[i];
    std::size_t next = i + 1;
    for (; next < grades.size() && grades[next].unit == all.unit &&
           !reading.in(kCorrects, {std::min(all.where.end, grades[next].where.begin), grades[next].where.begin});
         ++next) {
      all.low = std::min(all.low, grades[next].low);
      all.high = std::max(all.high, grades[next].high);
      all.where.end = std::max(all.where.end, grades[next].where.end);
    }
    said.push_back({range_name(all.low, all.high, names), all.where, all.confidence});
    i = next;
  }
  return said;
}

int roman(std::u16string_view text) {
  constexpr std::array<std::u16string_view, 16> kForms{u"i",   u"1", u"一", u"one",   u"ii", u"2", u"二", u"two",
                                                       u"iii", u"3", u"三", u"three", u"iv", u"4", u"四", u"four"};
  const auto found = std::find(kForms.begin(), kForms.end(), text);
  return found == kForms.end() ? 0 : static_cast<int>((found - kForms.begin()) / 4) + 1;
}

void add_grades(const Reading& reading, const Pattern& pattern, double confidence, std::vector<Graded>& grades) {
  static const Pattern kOther(R"(异型|异性增生|纤维化|炎症|肝炎|child|肝功能|‹asa|tnm|分期|‹stage|fibrosis|inflammat|steatosis|dysplas|steatohepatitis)"
                              R"(|hepatitis|坏死分级)");
  reading.each(pattern, [&](const Unit& unit, const Clause& clause, const Match& match) {
    if (confidence < 1 && reading.in(kOther, clause.span)) return;
    const int low = roman(reading.text(match.groups[1])), high = match.groups[2].size() > 0 ? roman(reading.text(match.groups[2])) : low;
    if (low > 0 && high > 0) grades.push_back({low, high, match.whole, unit.span.begin, confidence});
  });
}

}  // namespace

Statements mvi(const Reading& reading) {
  static const Pattern kNames(R"(微(?:小)?(?:血管|脉管)(?:内)?[^,。;:()、]{0,5}?(?:侵犯|浸润|侵袭|癌栓|瘤栓|受侵|受累|累及))"
                              R"(|脉管(?:内)?[^,。;:()、]{0,5}?(?:癌栓|瘤栓)|(?<!微)脉管侵犯(?!:?\s*\((?:巨检|肉眼))|‹mvis?›)"
                              R"(|‹micro-?\s?vascular (?:tumou?r )?(?:invasion|involvement|emboli|embolus|thromb\w+))"
                              R"(|‹microscopic vascular (?:invasion|involvement)|‹micro-?vessel (?:invasion|involvement))"
                              R"(|‹small[- ]vessel (?:tumou?r )?(?:invasion|involvement))"
                              R"(|‹microscopic (?:portal |hepatic )?(?:vein|venous) (?:tumou?r )?(?:invasion|involvement))"
                              R"(|‹vascular invasion,? \(?(?:microscopic|micro|small[- ]vessel)›\)?|微血管(?=\s*\([+-]+\)))"
                              R"(|(?:微小|小|微)(?:静脉|血管|脉管)(?:分支)?(?:腔)?(?:内)?[^,。;:()、]{0,6}?(?:癌栓|瘤栓|癌巢|癌细胞))"
                              R"(|门静脉(?:小|微小|末梢)分支(?:内)?[^,。;:()、]{0,5}?(?:癌栓|瘤栓|侵犯|受侵))"
                              R"(|‹(?:emboli|embolus|thromb(?:us|i)|plugs?) (?:\w+ ){0,2}(?:in|within) [^,.;]{0,20}(?:venules?)"
                              R"(|small (?:portal )?(?:vessels?|veins?)|microvessels?)›)"
                              R"(|‹microvessels?[^,.;]{0,20}(?:inva\w+|involv\w+))"
                              R"(|‹(?:invasion|involvement|emboli) (?:of|in|within) (?:the )?(?:small|micro)-?\s?(?:vessels?|vasculature))");
  static const Pattern kGrade(R"(‹(?<!n[0-3x][ ,/]{0,2})m([o012])›)");
  static const Pattern kAlone(R"(‹m([012])(?:级)?\s*\(?(?:低|高)危|(?:(?:更正|修正|修改|改)为|‹(?:corrected|amended|revised|changed) to )\s*m([012])›)");
  static const Pattern kNumbered(R"([^,。;\d]{0,8}?(?:‹grade m?)?([0-2])(?:(?<=grade m?\d)›|\s*级(?!别)))");
  static const Pattern kLegend(R"(标准|定义|指南|分级说明|分级系统|预测|‹(?:guidelines?|grading (?:system|scheme)|predict\w*|refers? to)›|‹criteria›)"
                               R"(|‹defined as›)");
  static const Pattern kBulk(R"((?:肉眼|巨检|大体)[^,。;]{0,3}$)");
  Statements said;
  std::size_t judged = 0;  // up to here grades belong to an earlier name
  reading.each(kNames, [&](const Unit& unit, const Clause& clause, const Match& name) {
    if (reading.in(kLegend, unit.span) || name.whole.begin < judged || reading.in(kBulk, {clause.span.begin, name.whole.begin})) return;
    std::vector<Match> grades = kGrade.all(reading.text(), {name.whole.end, unit.span.end});
    if (grades.empty())
      if (const auto earlier = kGrade.find(reading.text(), {clause.span.begin, name.whole.begin})) grades.push_back(*earlier);
    if (grades.empty())
      if (const auto number = kNumbered.starts(reading.text(), {name.whole.end, unit.span.end})) grades.push_back(*number);
    for (const Match& grade : grades) {
      const Span where{std::min(name.whole.begin, grade.whole.begin), std::max(name.whole.end, grade.whole.end)};
      const char16_t digit = reading.text()[grade.groups[1].begin];
      said.push_back({std::string("M") + (digit == u'o' ? '0' : static_cast<char>(digit)), where});  // "MO" is a slip for M0
      judged = unit.span.end;
    }
    if (!grades.empty()) return;
    const Polarity polar = polarity(reading, unit, name.whole);
    if (polar == Polarity::unstated) return;
    const std::string value = polar == Polarity::absent    ? "M0"
                              : polar == Polarity::present ? inferred_grade(reading, {clause.span.begin, unit.span.end})
                                                           : "uncertain";
    said.push_back({value, name.whole, value == "M1" || value == "M2" ? 0.7 : 0.9});
  });
  reading.each(kAlone, [&](const Unit&, const Clause&, const Match& grade) {
    if (std::none_of(said.begin(), said.end(), [&](const Statement& s) { return s.where.end >= grade.whole.end && s.where.begin <= grade.whole.begin; }))
      said.push_back({std::string("M") + static_cast<char>(reading.text()[grade.groups[grade.groups[1].size() > 0 ? 1 : 2].begin]), grade.whole});
  });
  std::sort(said.begin(), said.end(), [](const Statement& a, const Statement& b) { return a.where.begin < b.where.begin; });
  return said;
}

Statements edmondson(const Reading& reading) {
  constexpr std::array<const char*, 7> kNames{"I", "I-II", "II", "II-III", "III", "III-IV", "IV"};
  // A grade may stand right behind the name: "SteinerⅡ级".
  const std::string grade = R"((?:‹|(?<=son)|(?<=steiner)|(?<=e[-/]s))(iv|i{1,3}|‹(?:one|two|three|four)›)"
                            R"(|[1-4一二三四])(?:\s*级)?(?:\s*(?:[-~/、]|至|到|或|及|‹(?:to|or|and)›)\s*(?:grade )?(iv|i{1,3})"
                            R"(|[1-4一二三四]))?(?![a-z0-9%]|\.\d)(?:\s*级)?)";
  const std::string letters = R"(‹(iv|i{1,3})(?:\s*级)?(?:\s*(?:[-~/、]|至|到|或|及|‹(?:to|or)›)\s*(iv|i{1,3}))?(?![a-z0-9%]|\.\d))";
  const std::string name = R"((?:edm[ou]nd?son(?:'s)?(?:\s*[-–]?\s*steiner)?|steiner|爱氏|[爱艾埃]德蒙[森逊])"
                           R"(|‹e[-/]?s(?=\s*(?:分级|级|grade|[iv1-4]|:|\())))";
  static const Pattern kNamed(name + R"([^,。;.\n0-9]{0,24}?)" + grade);
  static const Pattern kBehind(grade + R"(\s*[,(]?\s*(?:‹by )?)" + name);
  static const Pattern kPart(R"((?:以|部分|局灶|少量|大部分|最差|最高|worst|major|predominant\w*|focal\w*)[^,。;.\n]{0,20}?)" + letters);
  static const Pattern kCalled(R"(differentiation (?:is|:|=) ?)" + letters);
  static const Pattern kUnnamed(letters + R"(\s*级)");
  static const Pattern kBracketed(R"(分级[^,。;\n]{0,12}?\()" + letters + R"(\))");
  static const Pattern kGrade(R"(‹(?:histologic(?:al)? |nuclear |tumou?r )?grade\s*:?\s*)" + letters);
  static const Pattern kTumour(R"(癌|分级|‹hcc›|carcinoma|grade)");
  std::vector<Graded> grades;
  add_grades(reading, kNamed, 1, grades);
  if (grades.empty()) add_grades(reading, kBehind, 1, grades);
  const bool named = !grades.empty();
  for (const Pattern* pattern : {&kCalled, &kUnnamed, &kBracketed, &kGrade, &kPart}) {
    std::vector<Graded> more;
    add_grades(reading, *pattern, 0.8, more);
    for (const Graded& one : more) {
      const bool known =
          std::any_of(grades.begin(), grades.end(), [&](const Graded& g) { return g.where.begin < one.where.end && one.where.begin < g.where.end; });
      const bool same_unit = std::any_of(grades.begin(), grades.end(), [&](const Graded& g) { return g.unit == one.unit; });
      const bool part = pattern == &kPart;
      if (!known && (part ? same_unit : (!named || same_unit))) grades.push_back(one);
    }
  }
  std::sort(grades.begin(), grades.end(), [](const Graded& a, const Graded& b) { return a.where.begin < b.where.begin; });
  return merged(reading, grades, kNames);
}

Statements differentiation(const Reading& reading) {
  constexpr std::array<const char*, 7> kNames{"well", "well-moderate", "moderate", "moderate-poor", "poor", "conflict", "undifferentiated"};
  struct Row {
    Pattern pattern;
    double confidence;
  };
  static const std::vector<Row> kRows = [] {
    const std::string word = R"((well|moderate|intermediate|poor)(?:ly)?)", between = R"((?:(?:\s*[-/]\s*|\s+)(?:to|and|or)?(?:\s*-\s*|\s+)?))";
    std::vector<Row> rows;
    rows.push_back({Pattern(R"((高|中|低)(?:等)?(?:度)?(?:分化)?\s*(?:[-~/、]|至|到|或|及|和)?\s*(?:部分)?(高|中|低)(?:等)?(?:度)?分化)"), 1});
    rows.push_back({Pattern(R"((高|中|低)(?:等)?(?:度)?分化|(未)分化(?!型?结节))"), 1});
    rows.push_back({Pattern(R"(分化(?:程度)?\s*:?\s*(?:为|较)?(高|好|中|低|差)(?:等|度|分化)*(?:\s*[-~/至]\s*(高|好|中|低|差))?)"), 1});
    rows.push_back({Pattern("‹" + word + "(?: differentiated)?" + between + word + R"(\s*-?\s*diff(?:erentiat(?:ed|ion)|\.))"), 1});
    rows.push_back({Pattern("‹" + word + R"(\s*-?\s*diff(?:erentiat(?:ed|ion)|\.))"), 1});
    rows.push_back({Pattern(R"(‹(?:differentiation|grade)\s*(?:is|:|=|-)?\s*(?:g[1-4]\W{1,3})?)" + word + "(?:" + between + word + ")?›"), 0.9});
    rows.push_back({Pattern(R"(‹(undifferentiated)›)"), 1});
    rows.push_back({Pattern(R"(‹g\s?([1-4])(?:\s*[-~/]\s*g?\s?([1-4]))?(?!\s*[,/]?\s*s\s?[0-4])›)"), 0.8});
    return rows;
  }();
  static const Pattern kTumour(R"(癌|瘤|分化|carcinoma|tumou?r|‹hcc|differenti|histolog|grade|分级)");
  static const Pattern kLiver(R"(肝炎|炎症|纤维|scheuer|metavir|活动度|hepatitis|inflammat|fibrosis|异型增生|dysplas)");
  static const Pattern kType(R"(癌|瘤|carcinoma|‹hcc)");
  Statements doubts;
  static const Pattern kUngraded(R"(分化(?:程度)?[^,。;]{0,14}(?:难以|无法|不能|不宜)(?:准确)?(?:评估|判断|评价|确定|判定|分级))"
                                 R"(|‹(?:grade|grading|differentiation) (?:\w+ ){0,2}?(?:cannot|can not|could not|is not|not) (?:\w+ ){0,2}?(?:assess)"
                                 R"(|determin|evaluat|possible)\w*)"
                                 R"(|‹(?:unable|difficult|not possible) to (?:grade|assess (?:the )?(?:grade|differentiation))›)");
  const auto level = [&](const Span& span) {
    constexpr std::array<std::u16string_view, 4> kLevels{u"高好well1", u"中moderateintermediate2", u"低差poor3", u"未undifferentiated4"};
    const auto found =
        std::find_if(kLevels.begin(), kLevels.end(), [&](std::u16string_view words) { return words.find(reading.text(span)) != std::u16string_view::npos; });
    return static_cast<int>(found - kLevels.begin()) + 1;
  };
  std::vector<Graded> grades;
  for (const Row& row : kRows)
    reading.each(row.pattern, [&](const Unit& unit, const Clause& clause, const Match& match) {
      const Span first = match.groups[1].size() > 0 ? match.groups[1] : match.groups[2], second = match.groups[2].size() > 0 ? match.groups[2] : first;
      const bool known =
          std::any_of(grades.begin(), grades.end(), [&](const Graded& g) { return g.where.begin < match.whole.end && match.whole.begin < g.where.end; });
      const Polarity polar = polarity(reading, unit, match.whole, {false, true});
      if (polar == Polarity::absent) return;
      if (polar == Polarity::uncertain && !reading.in(kType, clause.span)) return doubts.push_back({"uncertain", match.whole, 0.8});
      if (known || (row.confidence == 0.8 && (reading.in(kLiver, clause.span) || !reading.in(kTumour, unit.span)))) return;
      grades.push_back({std::min(level(first), level(second)), std::max(level(first), level(second)), match.whole, unit.span.begin, row.confidence});
    });
  std::sort(grades.begin(), grades.end(), [](const Graded& a, const Graded& b) { return a.where.begin < b.where.begin; });
  Statements said = merged(reading, grades, kNames);
  if (said.empty()) said = doubts;
  if (said.empty()) reading.each(kUngraded, [&](const Unit&, const Clause&, const Match& match) { said.push_back({"uncertain", match.whole, 0.8}); });
  return said;
}

}  // namespace hepar::reports
