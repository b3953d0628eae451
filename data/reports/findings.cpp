// SPDX-License-Identifier: Apache-2.0
// Findings that a report affirms, denies or doubts: one expression each for how they are named.
#include "data/reports/rules.hpp"

#include <algorithm>

namespace hepar::reports {

namespace {

Statements findings(const Reading& reading, const Pattern& names, const Scope& scope = {}) {
  Statements said;
  reading.each(names, [&](const Unit& unit, const Clause&, const Match& name) {
    const Polarity polar = polarity(reading, unit, name.whole, scope);
    if (polar != Polarity::unstated) said.push_back({text_of(polar), name.whole, 0.9});
  });
  return said;
}

}  // namespace

Statements satellite(const Reading& reading) {
  static const Pattern kNames(R"(卫星[状样]?(?:癌|瘤|转移)?(?:结节|子灶|病灶|灶)|瘤周(?:癌)?结节|‹daughter (?:nodules?|lesions?|tumou?rs?)›)"
                              R"(|(?<!卫星)子(?:癌)?(?:灶|结节)|肝内(?:转移|播散)(?:灶)?)"
                              R"(|‹satellit(?:e (?:tumou?r )?(?:nodules?|lesions?|foc(?:us|i)|metastas[ei]s)|osis)"
                              R"(|es?(?! (?:imag|dna|cell|instab|lab))›)|‹intra-?hepatic metastas[ei]s›)");
  return findings(reading, kNames);
}

Statements macrovascular(const Reading& reading) {
  static const Pattern kNames(R"((?:门静脉|门脉|肝静脉|下腔静脉|静脉主干)(?!小分支|微)[^,。;:(微]{0,14}?(?:癌栓|瘤栓|受侵|侵犯))"
                              R"(|(?<!微)大血管(?:内)?[^,。;:(]{0,4}?(?:侵犯|癌栓|瘤栓|受侵|受累|累及|浸润))"
                              R"(|(?:肉眼|巨检)(?:可见)?(?:的)?(?:脉管|血管|静脉)(?:内)?(?:癌栓|瘤栓|侵犯)|肉眼癌栓|脉管侵犯(?=:?\s*\((?:巨检|肉眼)))"
                              R"(|(?:癌栓|侵犯|侵及|累及)(?:至)?(?:门静脉|门脉|肝静脉|下腔静脉)(?!小分支))"
                              R"(|‹pvtt›)"
                              R"(|‹(?:macro-?vascular|macroscopic vascular|gross vascular|(?:large|major)[- ]vess?el)"
                              R"(|large venous)(?: or [\w ]{3,20})? ?(?:tumou?r )?(?:invasion|involvement|thromb\w+))"
                              R"(|‹(?:portal|hepatic) veins?(?!(?:ule| branchlet))[^.;:()]{0,40}?(?:thromb\w+|invasion|involve\w+|invaded))"
                              R"(|‹(?:inferior )?vena cava[^.;:()]{0,20}?(?:thromb\w+|invasion|involve\w+))"
                              R"(|‹(?:thromb(?:us|i)|invasion|involvement|invad(?:es|ing)|involv(?:es|ing))[^,.;:()]{0,24}‹(?:portal|hepatic) veins?›)"
                              R"(|大血管(?=\s*\([+-]+\))|‹plug (?:in|within|of) (?:the )?(?:\w+ ){0,2}(?:portal|hepatic) veins?›)"
                              R"(|‹macro-? ?(?=(?:and|or|/) ?micro-?vascular))"
                              R"(|‹ivc (?:tumou?r )?thromb\w+)");
  return findings(reading, kNames);
}

Statements bile_duct_thrombus(const Reading& reading) {
  static const Pattern kNames(R"(胆管(?!癌(?!栓)|细胞)[^,。;:(]{0,8}?(?:癌栓|瘤栓)|(?:癌栓|瘤栓)[^,。;:]{0,4}胆管(?!癌)|‹bdtt›)"
                              R"(|‹bile[- ]ducts?[^.;:()]{0,24}?thromb\w+|‹biliary (?:tumou?r )?thromb\w+)"
                              R"(|‹(?:tumou?r )?thromb\w+ (?:in|within|of|into|extending into) (?:the |an? )?(?:\w+ ){0,2}bile[- ]ducts?›)");
  return findings(reading, kNames);
}

Statements nerve(const Reading& reading) {
  static const Pattern kNames(R"((?:周围)?神经(?!内分泌)(?:束|纤维|周围)?[^,。;:(]{0,8}?(?:侵犯|受侵|浸润|受累|累及|侵袭))"
                              R"(|(?:侵犯|侵及|累及|侵袭|浸润)(?:周围)?神经(?!内分泌)(?:束|纤维)?)"
                              R"(|‹(?:peri|intra)?-?neural (?:tumou?r )?(?:invasion|infiltration|involvement))"
                              R"(|‹nerves? (?:invasion|involvement|infiltration)|‹pni›|‹(?:invasion|involvement|infiltration) of (?:the )?nerves?›)"
                              R"(|‹nerves? (?:is|are) (?:invaded|involved|infiltrated))");
  return findings(reading, kNames);
}

// A stage of fibrosis says it too: the highest of each system is cirrhosis; a lower one says that there is none, unless
// the report speaks of cirrhosis itself.
Statements cirrhosis(const Reading& reading) {
  static const Pattern kNames(R"(肝硬[化变]|(?:结节性|门脉性|坏死后)硬化|假小叶|‹cirrho(?:sis|tic)›)");
  static const Pattern kNone(R"(非肝硬化|‹non-?\s?cirrhotic›|‹pre-?cirrhotic›)");
  static const Pattern kStage(R"(‹g\s?[0-4]\s*[,/]?\s*s\s?([0-4])(?:\s*[-~/]\s*s?([0-4]))?›)"
                              R"(|(?:纤维化|scheuer|分期|fibrosis|stage|metavir|knodell|batts-ludwig)"
                              R"(|laennec)[^,。;\n]{0,16}?‹[sf]?\s?([0-4])(?:\s*[-~/](?!\s*4›)\s*[sf]?([0-4]))?(?:期|\s*/\s*4)?(?![a-z0-9%.]))"
                              R"(|‹[sf]([0-4])(?:\s*[-~]\s*[sf]?([0-4]))?(?:\s*(?:期|fibrosis))?›)");
  static const Pattern kIshak(R"(‹ishak[^,.。;]{0,24}?([0-6])(?:\s*/\s*6)?›|(?<!\d)([0-6])\s*/\s*6[^,.。;]{0,12}‹ishak›)");
  static const Pattern kRoman(R"((?:纤维化|‹fibrosis)[^,。;\n]{0,8}?‹(iv|i{1,3})(?:期|级|›)|‹(?:stage )?(iv|i{1,3})(?:期纤维化| fibrosis))");
  static const Pattern kTumour(R"(‹p?t[0-4]|tnm|癌分期|肿瘤分期|ajcc|bclc|cnlc|_{2,})");
  Statements said = findings(reading, kNames, {true, false});
  reading.each(kNone, [&](const Unit&, const Clause&, const Match& name) {
    std::erase_if(said, [&](const Statement& s) { return name.whole.holds(s.where); });
    said.push_back({"absent", name.whole, 0.9});
  });
  const bool stated = !said.empty();
  const auto add = [&](int low, int high, int top, const Span& where) {
    if (high == top) said.push_back({low == top ? "present" : "uncertain", where, 0.9});
    if (high < top && !stated) said.push_back({"absent", where, 0.7});
  };
  reading.each(kStage, [&](const Unit&, const Clause& clause, const Match& stage) {
    if (reading.in(kTumour, clause.span)) return;
    const auto digit = [&](std::size_t group) { return stage.groups[group].size() == 0 ? -1 : reading.text()[stage.groups[group].end - 1] - u'0'; };
    const int low = std::max({digit(1), digit(3), digit(5)});
    add(low, std::max({low, digit(2), digit(4), digit(6)}), 4, stage.whole);
  });
  reading.each(kRoman, [&](const Unit&, const Clause& clause, const Match& stage) {
    if (reading.in(kTumour, clause.span)) return;
    const std::u16string_view level = reading.text(stage.groups[stage.groups[1].size() > 0 ? 1 : 2]);
    const int number = level == u"iv" ? 4 : static_cast<int>(level.size());
    add(number, number, 4, stage.whole);
  });
  reading.each(kIshak, [&](const Unit&, const Clause&, const Match& stage) {
    const int level = reading.text()[stage.groups[stage.groups[1].size() > 0 ? 1 : 2].begin] - u'0';
    add(level, level, 6, stage.whole);
  });
  std::sort(said.begin(), said.end(), [](const Statement& a, const Statement& b) { return a.where.begin < b.where.begin; });
  return said;
}

}  // namespace hepar::reports
