// SPDX-License-Identifier: Apache-2.0
// Lymph nodes: how many were looked at, how many hold tumour.
#include "data/base/text.hpp"
#include "data/reports/rules.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace hepar::reports {

namespace {

struct Counted {
  int positive = 0, examined = 0;
  Span where;
};
struct Nodes {
  std::vector<Counted> groups;
  std::optional<Span> not_submitted;
  Statements judged;  // positive, negative or uncertain, where no numbers are given
};

const Pattern& node_names() {
  static const Pattern kNames(R"(淋巴结|‹lymph nodes?›|‹nodes?›|‹nodal›|‹lns?›)");
  return kNames;
}

int number_of(const Reading& reading, const Span& span) {
  constexpr std::array<std::u16string_view, 11> kWords{u"zero", u"one", u"two", u"three", u"four", u"five", u"six", u"seven", u"eight", u"nine", u"ten"};
  constexpr std::u16string_view kChinese = u"零一二三四五六七八九十";
  const std::u16string_view text = reading.text(span);
  if (const auto word = std::find(kWords.begin(), kWords.end(), text); word != kWords.end()) return static_cast<int>(word - kWords.begin());
  if (text == u"两") return 2;
  if (text == u"none" || text == u"no") return 0;
  if (text.size() == 1 && kChinese.find(text[0]) != std::u16string_view::npos) return static_cast<int>(kChinese.find(text[0]));
  return static_cast<int>(parse_integer(std::string(text.begin(), text.end())).value_or(-1));
}

// "2/5", "2 of 5 nodes", "5枚中2枚", "3枚…未见", "number examined: 5".
void count_groups(const Reading& reading, const Unit& unit, Nodes& nodes) {
  const std::string number = R"((\d{1,3}|[一二两三四五六七八九十]|‹(?:zero|none|one|two|three|four|five|six|seven|eight|nine|ten)))";
  static const Pattern kFraction(R"((?<![\d./a-z])(\d{1,3})\s*/\s*(\d{1,3})(?![\d/.]))");
  static const Pattern kOf(number + R"(\s*(?:out )?of (?:the )?)" + number +
                           R"((?=[^.;]{0,30}‹(?:nodes?|lymph|examined)›|\s*\)|\s*(?:positive|negative|involved)))");
  static const Pattern kAmong(number + R"(\s*(?:枚|个)?[^,。;\d]{0,6}(?:中|其中),?(?:有)?)" + number + R"(\s*(?:枚|个))");
  static const Pattern kClear(number + R"(\s*(?:枚|个)[^。;\d]{0,10}(?:未见|无|阴性|\(-\)))");
  static const Pattern kClearEnglish(number + R"( (?:\w+ ){0,3}(?:lymph )?nodes?[^.;\d]{0,30}‹(?:negative|free|no|uninvolved|benign|without)›)");
  static const Pattern kAll(R"(‹all )" + number + R"( (?:\w+ ){0,3}(?:lymph )?nodes?[^.;\d]{0,20}‹(?:positive|involved)›)");
  static const Pattern kExamined(R"((?:examined|送检(?:总)?数|检出(?:总)?数|总数)\s*:?\s*)" + number);
  static const Pattern kInvolved(R"((?:(?:nodes?|number)[^:.;\n]{0,20}(?:involved|positive|with (?:tumou?r|metastas[ei]s))|阳性(?:总)?数)"
                                 R"(|转移(?:总)?数)\s*:?\s*)" +
                                 number);
  const auto add = [&](int positive, int examined, const Span& where) {
    if (positive < 0 || examined <= 0 || positive > examined) return;
    nodes.groups.push_back({positive, examined, where});
  };
  const std::size_t had = nodes.groups.size();
  for (const Match& m : kFraction.all(reading.text(), unit.span)) add(number_of(reading, m.groups[1]), number_of(reading, m.groups[2]), m.whole);
  if (nodes.groups.size() != had) return;  // words beside a fraction say the same once more
  for (const Match& m : kOf.all(reading.text(), unit.span)) add(number_of(reading, m.groups[1]), number_of(reading, m.groups[2]), m.whole);
  for (const Match& m : kAmong.all(reading.text(), unit.span)) add(number_of(reading, m.groups[2]), number_of(reading, m.groups[1]), m.whole);
  for (const Match& m : kAll.all(reading.text(), unit.span)) add(number_of(reading, m.groups[1]), number_of(reading, m.groups[1]), m.whole);
  if (nodes.groups.size() != had) return;
  for (const Pattern* pattern : {&kClear, &kClearEnglish})
    for (const Match& m : pattern->all(reading.text(), unit.span)) add(0, number_of(reading, m.groups[1]), m.whole);
  if (nodes.groups.size() != had) return;
  const auto examined = kExamined.find(reading.text(), unit.span), involved = kInvolved.find(reading.text(), unit.span);
  if (examined && involved) add(number_of(reading, involved->groups[1]), number_of(reading, examined->groups[1]), examined->whole);
}

void judge(const Reading& reading, const Unit& unit, const Span& name, Nodes& nodes) {
  static const Pattern kNegative(R"(未(?:见|查见|发现|检出|有)|阴性|\(-+\)|无(?:癌|肿瘤|转移)|:\s*(?:无|未))"
                                 R"(|反应性增生|慢性炎|窦组织细胞增生|呈炎性|‹(?:reactive|sinus histiocytosis|hyperplas\w+)›)"
                                 R"(|‹(?:negative|free of|uninvolved|benign|not involved|without)"
                                 R"(|no (?:evidence of )?(?:\w+ ){0,2}(?:metasta\w+|tumou?r|carcinoma|malignan\w+|involvement))›)"
                                 R"(|‹no (?:evidence of )?(?:lymph )?nod(?:e|al) )");
  static const Pattern kPositive(R"((?:见|有)(?:癌|转移|肿瘤)|癌?转移|阳性|\(\++\)|癌累及)"
                                 R"(|‹(?:positive|metasta\w+|involved|involvement|with (?:tumou?r|carcinoma))›)");
  if (doubted(reading, unit.span)) return nodes.judged.push_back({"uncertain", name, 0.8});
  if (kNegative.in(reading.text(), unit.span)) return nodes.judged.push_back({"negative", name, 0.8});
  if (kPositive.in(reading.text(), unit.span)) nodes.judged.push_back({"positive", name, 0.8});
}

// A first fraction that is the sum of the others is their total.
void drop_totals(std::vector<Counted>& groups) {
  if (groups.size() < 3) return;
  int positive = 0, examined = 0;
  for (auto group = groups.begin() + 1; group != groups.end(); ++group) {
    positive += group->positive;
    examined += group->examined;
  }
  if (groups.front().positive == positive && groups.front().examined == examined) groups.resize(1);
}

Nodes nodes_of(const Reading& reading) {
  static const Pattern kNone(R"(未送(?:检)?(?:区域|肝门)?淋巴结)"
                             R"(|淋巴结[,:]?\s*(?:均)?(?:未送(?:检)?|无淋巴结|未检(?:出|及)?|未取|未清扫|未查见淋巴结|无\s*(?:[,。;]|$)))"
                             R"(|(?:无|未(?:见|检出|找到|查见|清扫|触及))(?:区域|肝门|明确)?淋巴结(?!\s*(?:癌|转移|肿大|受|内|见|组织转移)))"
                             R"(|‹no (?:regional |hilar )?(?:lymph )?nodes? (?:(?:is|are|was|were|have been) )?(?:submitted|identified|received|found)"
                             R"(|sampled|present|examined|included|resected|seen|dissected))"
                             R"(|(?:lymph )?nodes?[^.;:]{0,12}(?:‹not (?:submitted|sampled|identified|received|examined|applicable|included|present)"
                             R"(|dissected)|:\s*(?:none|not |n/a|no nodes|no lymph))|‹no (?:lymph )?nodes?›\s*(?:\.|$)|‹without (?:lymph )?nodes?›)");
  static const Pattern kStation(R"((?:第?\d{1,2}[a-z]?组|‹(?:station|group|level))[^。;]{0,20}?\d\s*/\s*\d)");
  Nodes nodes;
  bool speaks = false;
  for (const Unit& unit : reading.units()) {
    const auto name = node_names().find(reading.text(), unit.span);
    const bool history = std::any_of(unit.clauses.begin(), unit.clauses.end(), [](const Clause& c) { return c.history; });
    const bool goes_on = speaks && kStation.in(reading.text(), unit.span);
    speaks = (name.has_value() || goes_on) && !history;
    if (!speaks) continue;
    if (const auto none = kNone.find(reading.text(), unit.span)) {
      nodes.not_submitted = none->whole;
      continue;
    }
    const std::size_t had = nodes.groups.size();
    count_groups(reading, unit, nodes);
    if (name && nodes.groups.size() == had) judge(reading, unit, name->whole, nodes);
  }
  drop_totals(nodes.groups);
  // The same numbers in another unit are the same nodes told again.
  for (std::size_t i = 1; i < nodes.groups.size(); ++i)
    if (nodes.groups[i].positive == nodes.groups[0].positive && nodes.groups[i].examined == nodes.groups[0].examined && nodes.groups.size() == 2 &&
        reading.text(Span{nodes.groups[0].where.end, nodes.groups[i].where.begin}).find(u'\n') != std::u16string_view::npos)
      nodes.groups.resize(1);
  return nodes;
}

Statements total(const Reading& reading, int Counted::*number) {
  const Nodes nodes = nodes_of(reading);
  if (nodes.groups.empty()) return {};
  int sum = 0;
  for (const Counted& group : nodes.groups) sum += group.*number;
  return {{std::to_string(sum), {nodes.groups.front().where.begin, nodes.groups.back().where.end}, 0.9}};
}

}  // namespace

Statements lymph_node(const Reading& reading) {
  const Nodes nodes = nodes_of(reading);
  if (!nodes.groups.empty()) {
    const bool positive = std::any_of(nodes.groups.begin(), nodes.groups.end(), [](const Counted& group) { return group.positive > 0; });
    return {{positive ? "positive" : "negative", {nodes.groups.front().where.begin, nodes.groups.back().where.end}, 0.9}};
  }
  if (!nodes.judged.empty()) return nodes.judged;
  if (nodes.not_submitted) return {{"not_submitted", *nodes.not_submitted, 0.9}};
  return {};
}

Statements nodes_positive(const Reading& reading) { return total(reading, &Counted::positive); }
Statements nodes_examined(const Reading& reading) { return total(reading, &Counted::examined); }

}  // namespace hepar::reports
