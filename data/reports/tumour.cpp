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
                                     R"(|血管内皮瘤|胆管腺瘤|错构瘤|囊腺(?:瘤|癌)|类癌|间质瘤|炎性假瘤|黑色素瘤|畸胎瘤)"
                                     R"(|‹metastatic (?:\w+ ){0,3}(?:adeno)?carcinoma|‹metastas[ie]s from|‹hepatoblastoma|‹\w*sarcoma›|‹lymphoma)"
                                     R"(|‹neuroendocrine (?:carcinoma|tumou?r)|‹hepat(?:ocellular|ic) adenoma|‹focal nodular hyperplasia|‹angiomyolipoma)"
                                     R"(|‹ha?emangioma|‹(?:epithelioid )?ha?emangioendothelioma|‹bile duct adenoma|‹hamartoma)"
                                     R"(|‹(?:muc\w+ )?cystadeno(?:ma|carcinoma))"
                                     R"(|‹carcinoid|‹melanoma|‹teratoma|‹stromal tumou?r|‹adenocarcinoma|‹squamous cell carcinoma)")});
    return made;
  }();
  return kTypes;
}

struct NamedType {
  std::string value;
  Polarity polar;
  Span where;
  std::size_t unit;
};

std::vector<NamedType> named_types(const Reading& reading) {
  static const Pattern kStains(R"(免疫组化|‹immuno\w+)");
  static const Pattern kElsewhere(R"(淋巴结|切缘|‹(?:lymph )?nodes?›|‹margins?›)");
  std::vector<NamedType> found;
  for (const Type& type : types())
    reading.each(type.names, [&](const Unit& unit, const Clause& clause, const Match& name) {
      const bool inside =
          std::any_of(found.begin(), found.end(), [&](const NamedType& n) { return n.where.begin < name.whole.end && name.whole.begin < n.where.end; });
      if (inside || (std::string(type.value) == "other" && (reading.in(kElsewhere, unit.span) || reading.in(kStains, clause.span)))) return;
      found.push_back({type.value, polarity(reading, unit, name.whole, {false, true}), name.whole, unit.span.begin});
    });
  std::sort(found.begin(), found.end(), [](const NamedType& a, const NamedType& b) { return a.where.begin < b.where.begin; });
  return found;
}

}  // namespace

// A firm type; where another tumour lies beside a primary liver carcinoma, the carcinoma is the diagnosis.
Statements diagnosis(const Reading& reading) {
  static const Pattern kBoth(R"(成分|混合|并存|区域|‹(?:both|components?|mixed|combined|areas?)›)");
  const std::vector<NamedType> found = named_types(reading);
  const auto firm = [&](std::string_view value) {
    return std::find_if(found.begin(), found.end(), [&](const NamedType& n) { return n.value == value && n.polar == Polarity::present; });
  };
  Statements said;
  const auto combined = firm("cHCC-CCA"), hcc = firm("HCC"), icc = firm("ICC");
  const bool primary = combined != found.end() || hcc != found.end() || icc != found.end();
  const auto unit_of = [&](std::size_t begin) {
    return std::find_if(reading.units().begin(), reading.units().end(), [&](const Unit& unit) { return unit.span.begin == begin; })->span;
  };
  const bool one_tumour = hcc != found.end() && icc != found.end() && hcc->unit == icc->unit && reading.in(kBoth, unit_of(hcc->unit));
  for (const NamedType& name : found) {
    if (name.polar == Polarity::uncertain) said.push_back({"uncertain", name.where, 0.8});
    const bool doubted_beside =
        std::any_of(found.begin(), found.end(), [&](const NamedType& n) { return n.polar == Polarity::uncertain && n.unit == name.unit; });
    if (name.polar != Polarity::present || (name.value == "other" && (primary || doubted_beside))) continue;
    const bool part = combined != found.end() || (one_tumour && (name.value == "HCC" || name.value == "ICC"));
    said.push_back({part ? "cHCC-CCA" : name.value, name.where, part && name.value != "cHCC-CCA" ? 0.7 : 0.9});
  }
  return said;
}

// The tumour's, not the liver's or a node's. Invasion of it makes it incomplete; that it is not invaded says nothing more.
Statements capsule(const Reading& reading) {
  static const Pattern kNames(R"((?<!肝)(?<!肝脏)(?<!淋巴结)(?<!格林森)(?<!肝纤维)包膜(?![外内旁]?(?:小)?(?:静脉|血管|脉管)))"
                              R"(|‹(?:(?:un|non-?)?encapsulated|encapsulation|(?:pseudo-?)?capsul(?:e|ar))›(?! (?:vessels?|veins?|venules?)›))");
  static const Pattern kOrgan(R"(肝包膜|肝脏包膜|[脾肾]脏?包膜|胆囊包膜|‹(?:liver|hepatic|glisson'?s?|nodal|nodes?|splenic|renal) capsul)"
                              R"(|‹(?:outside|near|adjacent to) (?:the |its )?(?:tumou?r )?capsule)");
  static const Pattern kInvaded(R"((?:侵犯|侵及|侵透|侵破|突破|穿透|穿破|累及|浸润|侵出)(?:肿瘤|纤维|假|至)*(?:包膜))"
                                R"(|包膜[^,。;:]{0,6}?(?:侵犯|受侵|浸润|受累|累及|突破|穿破|破裂))"
                                R"(|‹capsular (?:invasion|infiltration|penetration|involvement|breach|disruption|rupture))"
                                R"(|‹(?:inva|infiltrat|penetrat|breach|perforat|extend)\w+ (?:\w+ ){0,2}?(?:its |the |tumou?r )"
                                R"(|fibrous )*(?:pseudo)?capsule)"
                                R"(|‹capsule (?:(?:is|was|appears) )?(?:focally |partly |partially )?(?:invaded|infiltrated|penetrated|breached|involved))");
  static const Pattern kPartial(R"(不完整|欠完整|不连续|不全|缺损|中断|断续|间断|残缺|(?:局部|局灶|一侧|部分区域)(?:缺失|缺如|消失|无包膜|未见包膜)|大部)"
                                R"(|部分(?:性)?(?:有|可见|见|完整|纤维|形成|缺失|包膜)|(?:包膜)部分|大部分)"
                                R"(|‹(?:partial(?:ly)?|incomplete(?:ly)?|discontinuous|interrupted|deficient)"
                                R"(|(?:focally|partly) (?:lost|missing|deficient)|in (?:part|places)|gaps?|defects?|not (?:\w+ )?(?:complete|intact))"
                                R"(|poorly|focally absent)›)");
  static const Pattern kWhole(R"((?<!不|欠)完整(?!性)|完好|全周|环绕)"
                              R"(|‹(?:complete(?:ly)?|intact|well|fully|entirely|thick|totally|circumferential(?:ly)?|uninterrupted|continuous)"
                              R"(|(?:whole|entire) (?:tumou?r|lesion|nodule|mass))›)");
  static const Pattern kNone(R"(‹(?:un|non-?)encapsulated›|‹not (?:\w+ )?encapsulated)");
  static const Pattern kEncapsulated(R"(‹encapsulated)");
  static const Pattern kBreach(R"(^,?(?:但|惟|其)?[^,。;未无]{0,8}(?:被|为)?(?:癌|肿瘤|瘤)?(?:组织|细胞)?(?:穿破|突破|侵破|侵透|穿透|破坏))"
                               R"(|^[^,。;未无]{0,6}(?:侵至|浸润至|侵出)包膜外)"
                               R"(|^,? ?(?:but )?(?:focally |partly )?(?:breached|penetrated|perforated|disrupted)›)");
  static const Pattern kOrganNoun(R"(淋巴结|脾|胆囊|肾|‹(?:lymph nodes?|spleen|kidney|gall ?bladder)›)");
  static const Pattern kTumourNoun(R"(肿瘤|肿物|肿块|癌(?!旁)|(?<!淋巴)结节|‹(?:tumou?rs?|mass|lesion|nodule|hcc|carcinoma)›)");
  static const Pattern kHow(R"(^\s*(?:但|且|而|尚|较|基本|but |and |which is |is )*(?:不完整|不全|欠完整|不连续|部分缺[失如]|完整|完好))"
                            R"(|^\s*(?:but |and |which is |is )*(?:incomplete|partial|discontinuous|interrupted|complete|intact|continuous)(?:ly)?›)");
  static const Pattern kSurrounds(R"(^[^,。;未无]{0,8}(?:全周|完全)(?:包绕|环绕|包裹|包围))");
  Statements said;
  bool breached = false;
  reading.each(kNames, [&](const Unit& unit, const Clause& clause, const Match& name) {
    if (reading.in(kOrgan, {clause.span.begin, name.whole.end})) return;
    const std::vector<Match> organs = kOrganNoun.all(reading.text(), {unit.span.begin, name.whole.begin});
    if (!organs.empty() && !reading.in(kTumourNoun, {organs.back().whole.end, name.whole.begin})) return;
    if (doubted(reading, clause.span)) return said.push_back({"uncertain", name.whole, 0.8});
    if (const auto invaded = kInvaded.find(reading.text(), clause.span)) {
      if (polarity(reading, unit, invaded->whole) != Polarity::present) return;
      breached = true;
      return said.push_back({"incomplete", invaded->whole, 0.9});
    }
    if (const auto breach = kBreach.starts(reading.text(), {clause.span.end, unit.span.end})) {
      breached = true;
      return said.push_back({"incomplete", {name.whole.begin, breach->whole.end}, 0.8});
    }
    if (reading.in(kNone, clause.span)) return said.push_back({"absent", name.whole});
    const Polarity polar = polarity(reading, unit, name.whole);
    if (reading.in(kPartial, clause.span)) return said.push_back({"incomplete", name.whole});
    if (polar == Polarity::absent) return said.push_back({"absent", name.whole, 0.9});
    if (kSurrounds.starts(reading.text(), {clause.span.end, unit.span.end}) || reading.in(kWhole, clause.span) || reading.in(kEncapsulated, name.whole))
      return said.push_back({"complete", name.whole});
    if (polar == Polarity::unstated) return;
    // "Capsule: present, incomplete": the next clause tells how, when it starts with it.
    const auto next = kHow.starts(reading.text(), {clause.span.end, unit.span.end});
    if (!next || polar != Polarity::present) return said.push_back({text_of(polar), name.whole, 0.9});
    said.push_back({reading.in(kPartial, next->whole) ? "incomplete" : "complete", {name.whole.begin, next->whole.end}, 0.9});
  });
  if (breached) std::erase_if(said, [](const Statement& s) { return s.value == "complete"; });
  return said;
}

Statements margin(const Reading& reading) {
  static const Pattern kNames(R"(切缘|切除面|(?:肝|手术|标本)断(?:端|面)|切端)"
                              R"(|‹(?<!(?:costal|pushing|infiltrative|infiltrating|irregular|expanding|advancing) )margins?(?! of (?:error)"
                              R"(|the tumou?r))›)"
                              R"(|断端|‹(?:cut|resection|transection|surgical|parenchymal|hepatic) (?:edge|line|plane)s?›)"
                              R"(|‹line of (?:resection|transection)›|‹(?:resection|transection) surface›)");
  static const Pattern kResidual(R"(‹r([012])(?:\s*切除|\s*resection| status)›)"
                                 R"(|(?:切缘状态|残余肿瘤|‹(?:resection|margin|residual tumou?r)(?: status)?)[: ]{1,3}r([012])›)"
                                 R"(|(?:^|(?<=[.。;]\s?))r([012])(?=\s*(?:\(|[,.;。]|$))|切缘[^,。;]{0,4}‹r([012])›)");
  static const Pattern kNegative(R"(未(?:见|查见|发现|检出|有)(?:明确)?(?:癌|肿瘤|瘤)?[^,。;]{0,6}|阴性|(?<!不)(?<!不干)净|无(?:癌|肿瘤|瘤)[^,。;]{0,4})"
                                 R"(|\(-+\))"
                                 R"(|未(?:受)?(?:累及|累|侵犯)|:\s*(?:无(?!法)|-|未))"
                                 R"(|‹(?:free|clear|clean|uninvolved|negative|tumou?r-free|(?:not|no longer) (?:\w+ )?involve[ds]?)"
                                 R"(|does not (?:\w+ )?(?:involve|extend))"
                                 R"(|no (?:residual |evidence of |invasive )*(?:tumou?r|carcinoma|malignan\w+|involvement|neoplasm|cancer))"
                                 R"(|not (?:present|identified|seen) at|without (?:tumou?r|carcinoma|involvement)|not at)›)");
  static const Pattern kPositive(R"((?:可|查|镜下)?见(?:有|到)?(?:少量|残留|散在)?(?:癌|肿瘤)|阳性|有癌|癌(?:组织)?(?:残留|累及|浸润)|\(\++\)|受累|受侵)"
                                 R"(|不干?净)"
                                 R"(|累及)"
                                 R"(|‹(?:involve(?:d|s|ment)|positive)"
                                 R"(|(?:tumou?r|carcinoma|cells?) (?:is |are )?(?:present |identified |extends? )?(?:at|to|on))"
                                 R"(|(?<=: )(?:tumou?r|carcinoma)|abut\w*|reach(?:es|ing)|transected|(?:at|on) (?:the )?ink|extends? to|touch\w*)"
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
  // Margins of different structures do not contradict each other: one that holds tumour decides.
  static const Pattern kSite(R"((肝实质|肝|胆管|血管|门静脉|肝静脉|胆囊管)"
                             R"(|‹(?:parenchymal|hepatic|liver|bile duct|vascular|portal vein|hepatic vein|cystic duct|deep|superficial)) ?$)");
  const auto site = [&](const Statement& s) {
    const auto named = kSite.find(reading.text(), {s.where.begin - std::min<std::size_t>(s.where.begin, 14), s.where.begin});
    return named ? std::u16string(reading.text(named->groups[1])) : std::u16string();
  };
  const auto involved = std::find_if(said.begin(), said.end(), [](const Statement& s) { return s.value == "positive"; });
  if (involved != said.end() && !site(*involved).empty()) {
    const std::u16string where = site(*involved);
    std::erase_if(said, [&](const Statement& s) { return s.value == "negative" && !site(s).empty() && site(s) != where; });
  }
  if (said.empty())
    reading.each(kResidual, [&](const Unit&, const Clause&, const Match& stated) {
      const auto digit = *std::find_if(stated.groups.begin() + 1, stated.groups.end(), [](const Span& s) { return s.size() > 0; });
      said.push_back({reading.text()[digit.begin] == u'0' ? "negative" : "positive", stated.whole, 0.8});
    });
  return said;
}

}  // namespace hepar::reports
