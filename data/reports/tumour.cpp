// SPDX-License-Identifier: Apache-2.0
// The tumour's type, its capsule and the resection margin.
#include "data/reports/rules.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace hepar::reports {

namespace {

struct Type {
  const char* value;
  Pattern names;
};

// A name inside a longer one of an earlier row ("hepatocellular-cholangiocarcinoma") does not count again.
const std::vector<Type>& types() {
  static const std::vector<Type> kTypes = [] {
    std::vector<Type> made;
    made.push_back({"cHCC-CCA", Pattern(R"(混合[型性]?(?:原发性)?肝(?:细胞)?癌[-~/与和及]?(?:肝内)?(?:胆管(?:细胞)?癌(?!栓))?)"
                                        R"(|混合[型性]?肝细胞[-~/和]?(?:癌)?(?:肝内)?胆管(?:细胞)?癌(?!栓)|肝细胞癌?[-~/](?:肝内)?胆管(?:细胞)?癌(?!栓))"
                                        R"(|肝细胞癌(?:和|与|及)(?:肝内)?胆管(?:细胞)?癌(?:的)?(?:混合|并存))"
                                        R"(|‹(?:combined|mixed)[^,.;]{0,12}hepatocellular[^.;]{0,24}cholangiocarcinoma)"
                                        R"(|‹hepatocellular(?: carcinoma)?[-/]cholangiocarcinoma|‹hepatocholangiocarcinoma|‹chcc(?:[-/]i?cca?)?›)"
                                        R"(|‹(?:combined|mixed) hcc|‹hcc[-/]i?cca?›)")});
    made.push_back({"HCC", Pattern(R"(肝细胞[性型]?(?:肝)?(?:腺)?癌|纤维板层[型样]?(?:肝)?癌|‹hcc›|‹hepatocellular (?:carcinomas?|ca|cancer)›)"
                                   R"(|‹hepatocarcinoma|‹hepatoma›|‹carcinoma, hepatocellular|‹liver cell carcinoma|‹fibrolamellar carcinoma)")});
    made.push_back({"ICC", Pattern(R"((?:肝内)?胆管(?:细胞)?[性型]?(?:肝)?(?:腺)?癌(?!栓)|‹(?:intra-?hepatic )?cholangiocarcinomas?|‹icca?›)"
                                   R"(|‹intra-?hepatic bile duct (?:adeno)?carcinoma)")});
    made.push_back({"other", Pattern(R"(转移(?:性|来)[^,。;]{0,8}?(?:癌|肿瘤|瘤)|(?:腺|鳞|鳞状细胞)癌|肝母细胞瘤|血管肉瘤|肉瘤(?!样)|淋巴瘤)"
                                     R"(|神经内分泌(?:癌|肿瘤|瘤)|肝细胞(?:性)?腺瘤|局灶(?:性)?结节[性状]?增生|血管平滑肌脂肪瘤|血管瘤)"
                                     R"(|‹metastatic (?:\w+ ){0,3}(?:adeno)?carcinoma|‹metastas[ie]s from|‹hepatoblastoma|‹\w*sarcoma›|‹lymphoma)"
                                     R"(|‹neuroendocrine (?:carcinoma|tumou?r)|‹hepat(?:ocellular|ic) adenoma|‹focal nodular hyperplasia|‹angiomyolipoma)"
                                     R"(|‹ha?emangioma|‹adenocarcinoma|‹squamous cell carcinoma)")});
    return made;
  }();
  return kTypes;
}

struct Named {
  std::string value;
  Polarity polar;
  Span where;
  std::size_t unit;
};

std::vector<Named> named_types(const Reading& reading) {
  static const Pattern kElsewhere(R"(淋巴结|切缘|免疫组化|‹(?:lymph )?nodes?›|‹margins?›|‹immuno\w+)");
  std::vector<Named> found;
  for (const Type& type : types())
    reading.each(type.names, [&](const Unit& unit, const Clause&, const Match& name) {
      const bool inside =
          std::any_of(found.begin(), found.end(), [&](const Named& n) { return n.where.begin < name.whole.end && name.whole.begin < n.where.end; });
      if (inside || (std::string(type.value) == "other" && reading.in(kElsewhere, unit.span))) return;
      found.push_back({type.value, polarity(reading, unit, name.whole, {false, true}), name.whole, unit.span.begin});
    });
  std::sort(found.begin(), found.end(), [](const Named& a, const Named& b) { return a.where.begin < b.where.begin; });
  return found;
}

}  // namespace

// A firm type; where another tumour lies beside a primary liver carcinoma, the carcinoma is the diagnosis.
Statements diagnosis(const Reading& reading) {
  static const Pattern kBoth(R"(成分|混合|并存|区域|‹(?:both|components?|mixed|combined|areas?)›)");
  const std::vector<Named> found = named_types(reading);
  const auto firm = [&](std::string_view value) {
    return std::find_if(found.begin(), found.end(), [&](const Named& n) { return n.value == value && n.polar == Polarity::present; });
  };
  Statements said;
  const auto combined = firm("cHCC-CCA"), hcc = firm("HCC"), icc = firm("ICC");
  const bool primary = combined != found.end() || hcc != found.end() || icc != found.end();
  const auto unit_of = [&](std::size_t begin) {
    return std::find_if(reading.units().begin(), reading.units().end(), [&](const Unit& unit) { return unit.span.begin == begin; })->span;
  };
  const bool one_tumour = hcc != found.end() && icc != found.end() && hcc->unit == icc->unit && reading.in(kBoth, unit_of(hcc->unit));
  for (const Named& name : found) {
    if (name.polar == Polarity::uncertain) said.push_back({"uncertain", name.where, 0.8});
    if (name.polar != Polarity::present || (name.value == "other" && primary)) continue;
    const bool part = combined != found.end() || (one_tumour && (name.value == "HCC" || name.value == "ICC"));
    said.push_back({part ? "cHCC-CCA" : name.value, name.where, part && name.value != "cHCC-CCA" ? 0.7 : 0.9});
  }
  return said;
}

// The tumour's, not the liver's or a node's. Invasion of it makes it incomplete; that it is not invaded says nothing more.
Statements capsule(const Reading& reading) {
  static const Pattern kNames(R"((?<!肝)(?<!肝脏)(?<!淋巴结)(?<!格林森)(?<!肝纤维)包膜|‹(?:(?:un|non-?)?encapsulated|encapsulation|capsul(?:e|ar))›)");
  static const Pattern kOrgan(R"(肝包膜|肝脏包膜|‹(?:liver|hepatic|glisson'?s?|nodal) capsul)");
  static const Pattern kInvaded(R"((?:侵犯|侵及|侵透|侵破|突破|穿透|穿破|累及|浸润|侵出)(?:肿瘤|纤维|假|至)*(?:包膜))"
                                R"(|包膜[^,。;:]{0,6}?(?:侵犯|受侵|浸润|受累|累及|突破|穿破|破裂))"
                                R"(|‹capsular (?:invasion|infiltration|penetration|involvement|breach))"
                                R"(|‹(?:inva|infiltrat|penetrat|breach|perforat|extend)\w+ (?:\w+ ){0,2}?(?:its |the |tumou?r )"
                                R"(|fibrous )*(?:pseudo)?capsule)"
                                R"(|‹capsule (?:is|was|appears) (?:focally |partly |partially )?(?:invaded|infiltrated|penetrated|breached|involved))");
  static const Pattern kPartial(R"(不完整|欠完整|不连续|部分(?:性)?(?:有|可见|见|完整|纤维|形成|缺失|包膜)|(?:包膜)部分|大部分)"
                                R"(|‹(?:partial(?:ly)?|incomplete(?:ly)?|discontinuous|not (?:\w+ )?(?:complete|intact)|poorly|focally absent)›)");
  static const Pattern kWhole(R"((?<!不|欠)完整(?!性)|完好|‹(?:complete(?:ly)?|intact|well|fully|entirely|thick|totally)›)");
  static const Pattern kNone(R"(‹(?:un|non-?)encapsulated›|‹not (?:\w+ )?encapsulated)");
  static const Pattern kWhole2(R"(‹encapsulated)");
  Statements said;
  bool breached = false;
  reading.each(kNames, [&](const Unit& unit, const Clause& clause, const Match& name) {
    if (reading.in(kOrgan, {clause.span.begin, name.whole.end})) return;
    if (doubted(reading, clause.span)) return said.push_back({"uncertain", name.whole, 0.8});
    if (const auto invaded = kInvaded.find(reading.text(), clause.span)) {
      if (polarity(reading, unit, invaded->whole) != Polarity::present) return;
      breached = true;
      return said.push_back({"incomplete", invaded->whole, 0.9});
    }
    if (reading.in(kNone, clause.span)) return said.push_back({"absent", name.whole});
    const Polarity polar = polarity(reading, unit, name.whole);
    const bool partial = reading.in(kPartial, clause.span);
    if (partial) return said.push_back({"incomplete", name.whole});
    if (polar == Polarity::absent) return said.push_back({"absent", name.whole, 0.9});
    if (reading.in(kWhole, clause.span) || reading.in(kWhole2, name.whole)) return said.push_back({"complete", name.whole});
    if (polar != Polarity::unstated) said.push_back({text_of(polar), name.whole, 0.9});
  });
  if (breached) std::erase_if(said, [](const Statement& s) { return s.value == "complete"; });
  return said;
}

Statements margin(const Reading& reading) {
  static const Pattern kNames(R"(切缘|切除面|(?:肝|手术)断(?:端|面)|‹margins?(?! of (?:error|the tumou?r))›)");
  static const Pattern kResidual(R"(‹r([012])(?:\s*切除|\s*resection)›|切缘[^,。;]{0,4}‹r([012])›)");
  static const Pattern kNegative(R"(未(?:见|查见|发现|检出|有)(?:明确)?(?:癌|肿瘤|瘤)?[^,。;]{0,6}|阴性|(?<!不)干?净|无(?:癌|肿瘤|瘤)[^,。;]{0,4}|\(-+\))"
                                 R"(|未(?:受)?(?:累及|累|侵犯)|:\s*(?:无(?!法)|-|未))"
                                 R"(|‹(?:free|clear|uninvolved|negative|tumou?r-free|(?:not|no longer) (?:\w+ )?involve[ds]?)"
                                 R"(|does not (?:\w+ )?(?:involve|extend))"
                                 R"(|no (?:residual |evidence of |invasive )*(?:tumou?r|carcinoma|malignan\w+|involvement|neoplasm|cancer))"
                                 R"(|not (?:present|identified|seen) at|without (?:tumou?r|carcinoma|involvement)|not at)›)");
  static const Pattern kPositive(R"((?:可|查|镜下)?见(?:有|到)?(?:少量|残留|散在)?(?:癌|肿瘤)|阳性|有癌|癌(?:组织)?(?:残留|累及|浸润)|\(\++\)|受累|受侵)"
                                 R"(|累及)"
                                 R"(|‹(?:involve(?:d|s|ment)|positive)"
                                 R"(|(?:tumou?r|carcinoma|cells?) (?:is |are )?(?:present |identified |extends? )?(?:at|to|on)|extends? to|touch\w*)"
                                 R"(|present at|at (?:the )?(?:\w+ ){0,2}margin)›)");
  Statements said;
  const auto judge = [&](const Unit& unit, const Span& where, const Span& name) {
    const bool doubt = doubted(reading, where), negative = kNegative.in(reading.text(), where), positive = kPositive.in(reading.text(), where);
    if (doubt || negative || positive) said.push_back({doubt ? "uncertain" : negative ? "negative" : "positive", name, 0.9});
    return doubt || negative || positive || unit.span.end == where.end;
  };
  std::size_t judged = 0;
  reading.each(kNames, [&](const Unit& unit, const Clause& clause, const Match& name) {
    static const Pattern kSubject(R"(淋巴|卫星|神经|包膜|微血管|脉管|‹(?:lymph|satellite|nerve|capsule|microvascular|mvi|cirrhosis|node|tumou?r size)\b)");
    if (name.whole.begin < judged) return;
    judged = clause.span.end;
    const Polarity field = polarity(reading, unit, name.whole, {false, false});
    if (field == Polarity::unstated) return;
    if (judge(unit, clause.span, name.whole)) return;
    // "Margin 5 mm, clear": the next clause judges it when it has no subject of its own.
    const auto next = std::find_if(unit.clauses.begin(), unit.clauses.end(), [&](const Clause& c) { return c.span.begin >= clause.span.end; });
    if (next != unit.clauses.end() && !reading.in(kSubject, next->span)) (void)judge(unit, next->span, name.whole);
  });
  if (said.empty())
    reading.each(kResidual, [&](const Unit&, const Clause&, const Match& stated) {
      const Span digit = stated.groups[1].size() > 0 ? stated.groups[1] : stated.groups[2];
      said.push_back({reading.text()[digit.begin] == u'0' ? "negative" : "positive", stated.whole, 0.8});
    });
  return said;
}

}  // namespace hepar::reports
