// SPDX-License-Identifier: Apache-2.0
#include "data/reports/polarity.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace hepar::reports {

namespace {

enum class CueKind { denies, affirms, doubts, asks };

struct Cue {
  Span where;
  CueKind kind;
};
struct CueRow {
  CueKind kind;
  const char* expression;
};

std::vector<std::pair<CueKind, Pattern>> compiled(std::span<const CueRow> rows) {
  std::vector<std::pair<CueKind, Pattern>> made;
  for (const CueRow& row : rows) made.emplace_back(row.kind, Pattern(row.expression));
  return made;
}

constexpr const char* kDoubtWords = R"((?:不|未)(?:能)?(?:完全|明确)?(?:除外|排除)|考虑(?:为|是|有)?|可疑(?:为|有)?|疑(?:似|为|有|诊)|怀疑(?:为|有)?)"
                                    R"(|倾向(?:于|为)?|可能(?:为|是|有|性)?|待(?:排除?|除外|定|查|明确|证实)|难以(?:区分|区别|鉴别)|不能肯定|不肯定|或许|有待)"
                                    R"(|似[见乎]|(?<![质无置])疑(?![似为有诊问难])|鉴别诊断|不确定)"
                                    R"(|(?:无|不|未)[^,。;]{0,6}可供?(?:评估|评价|判断))"
                                    R"(|(?:难以|无法|不能)(?:准确)?(?:评估|判断|评价|确定|明确|肯定|判定)(?:有无|是否)?|(?<!类)似(?:有|为)|除外(?=.{0,8}\?))"
                                    R"(|‹(?:suspicious(?: for)?|suspected|suspicion of|quer(?:y|ied)|differential(?: diagnosis)?(?: includes?)?)"
                                    R"(|not available(?: for)?|unavailable)"
                                    R"(|(?:in doubt|unclear|uncertain|undetermined|not (?:clear|certain|sure))(?: (?:as to |about )?(?:whether|if))?)"
                                    R"(|(?:cannot|can not|can't|could not) (?:\w+ )?(?:be )?(?:\w+ly )?(?:exclude|excluded|assess|assessed|evaluate|evaluated)"
                                    R"(|determine|determined|rule out|ruled out|confirm|confirmed))"
                                    R"(|not (?:be )?(?:\w+ly )?(?:excluded|ruled out|assessable|evaluable|assessed|evaluated)|difficult to assess)"
                                    R"(|unable to (?:assess|exclude|determine)|indeterminate|equivocal|possible|possibly|possibility of|probable|probably)"
                                    R"(|questionable|doubtful|suspect|presum(?:ed|ably)|appears? to(?: be)?|seems?(?: to)?(?: be)?|thought to(?: be)?|likely)"
                                    R"(|unlikely|favou?r(?:s|ed|ing)?|rule out|r/o|versus|vs|may (?:be|represent)|might|concerning for)"
                                    R"(|suggest(?:s|ive|ing)?(?: of)?)›)";

// Cues that stand before a finding; where two match, the one that starts first, then the longer one.
const std::vector<std::pair<CueKind, Pattern>>& cues_before() {
  static const std::vector<std::pair<CueKind, Pattern>> kCues = [] {
    constexpr std::array<CueRow, 6> kRows{{
        {CueKind::doubts, kDoubtWords},
        {CueKind::denies, R"((?:未|没有?)(?:能)?(?:查见|镜见|见|发现|找到|检出|查及|探及|及|侵犯|侵及|累及|突破|形成|伴|达|有|查到)"
                          R"(|观察到)(?:到)?(?:明确|明显|确切|肯定)?(?:的|有)?|没有|(?<![有])无(?!法|痛|意义)(?:明确|明显|确切)?(?:的)?|不伴(?:有)?)"
                          R"(|不支持|不符合|不见|查无|未探及|未触及|未伴|不含|不具|缺乏|否认|(?<!不|未|能)(?:除外|排除)(?!.{0,8}\?))"},
        {CueKind::denies, R"(‹(?:no|not|none of|(?:does|do|did) not support|not supportive of|no evidence of|without|negative for|free of|free from)"
                          R"(|absence of|denie[sd]|lacks?(?: of)?|lacking|neither)"
                          R"(|nor|never|rather than|instead of|no longer|devoid of|not associated with|no definite|fails? to (?:show|identify))›)"},
        {CueKind::affirms, R"((?:可|查|另|并|均|偶|易)见(?:有|到)?|(?<!意|建|参|未)见(?:有|到)?|存在|伴(?:有|随)?|合并|呈|示)"
                           R"(|(?<!未|没|无|所|具)有(?!无|限)|但|符合|支持|(?<!考虑|倾向|疑似)诊断为|证实为?)"},
        {CueKind::affirms, R"(‹(?:with|shows?|showing|shown|demonstrat\w+|reveal\w*|there (?:is|are|was|were)|but|however|although|yet|presence of)"
                           R"(|positive for|contains?|has|have|having|arising|consistent with|compatible with)"
                           R"(|supports?|supporting|confirm(?:s|ed|ing)|diagnosed as)›)"},
        {CueKind::asks, R"(有无|是否|请(?:注意|除外|评估|明确|注明|描述|查)|需(?:评估|明确|观察)|‹(?:please|kindly)›)"
                        R"(|‹to (?:assess|evaluate|look|check|examine)›|‹(?:whether|evaluate for|if)›)"},
    }};
    return compiled(kRows);
  }();
  return kCues;
}

const std::vector<std::pair<CueKind, Pattern>>& cues_behind() {
  static const std::vector<std::pair<CueKind, Pattern>> kCues = [] {
    constexpr std::array<CueRow, 5> kRows{{
        {CueKind::doubts, kDoubtWords},
        {CueKind::doubts, R"(\(±\)|\(\+/-\)|\?)"},
        {CueKind::denies, R"(阴性|\(-+\)|[:=]\s*(?:无(?!法)|否|未见|未查见|阴性|-))"
                          R"(|(?:均|皆|都)?(?:未(?:查见|见|发现|检出|形成|受侵|受累|累及|侵犯)|无)(?:明确|明显|异常|到)*(?=\s*(?:[,.。;)\n]|$)))"
                          R"(|(?:更正|修正|改)为(?:无(?!法)|阴性|未见)|缺如|缺失|不明显|不存在)"
                          R"(|‹(?:(?:not|never) (?:\w+ )?(?:identified|seen|present|found|detected|observed|noted|appreciated|evident|demonstrated)"
                          R"(|recogni[sz]ed|involved|established|visible|visuali[sz]ed|demonstrable|in evidence|a feature))"
                          R"(|(?:could|can)(?: ?not) be (?:found|identified|seen))"
                          R"(|(?:is|are|was|were) (?:excluded|ruled out)|absent|negative|none|nil|missing|lacking)"
                          R"(|(?:has|have) been (?:excluded|ruled out))›|:\s*no›)"},
        {CueKind::affirms, R"(阳性|\(\++\)|[:=]\s*(?:有|是|见|可见|阳性|\+)|可见|存在)"
                           R"(|‹(?:present|identified|seen|noted|found|positive|evident|observed)›|:\s*yes›)"},
        {CueKind::asks, R"((?:病)?史(?=\d|[,。;:]|$)|‹(?:pending|to follow|in a separate report)›|待报告|另(?:行)?报告?)"
                        R"(|‹to be (?:looked for|sought|determined|assessed|confirmed)›)"},
    }};
    return compiled(kRows);
  }();
  return kCues;
}

std::vector<Cue> cues_in(const Reading& reading, const Span& where, const std::vector<std::pair<CueKind, Pattern>>& rows) {
  std::vector<Cue> all, kept;
  if (where.begin >= where.end) return all;
  for (const auto& [kind, pattern] : rows)
    for (const Match& match : pattern.all(reading.text(), where)) all.push_back({match.whole, kind});
  std::sort(all.begin(), all.end(),
            [](const Cue& a, const Cue& b) { return a.where.begin != b.where.begin ? a.where.begin < b.where.begin : a.where.end > b.where.end; });
  for (const Cue& cue : all)
    if (kept.empty() || cue.where.begin >= kept.back().where.end) kept.push_back(cue);
  return kept;
}

Polarity of(CueKind kind) {
  constexpr std::array<Polarity, 4> kOf{Polarity::absent, Polarity::present, Polarity::uncertain, Polarity::unstated};
  return kOf[static_cast<std::size_t>(kind)];
}

// What stands in the field that the finding names: "卫星结节：无", "Satellite nodules (gross): absent", "CVI(-)".
std::optional<Polarity> field_value(const Reading& reading, const Span& behind) {
  struct Row {
    Polarity value;
    Pattern pattern;
  };
  static const std::vector<Row> kRows = [] {
    const std::string lead = R"(^\s*(?:\([^()]{0,30}\)\s*)?(?:形成|情况|分级|\(s\))?\s*(?:[:=]|-(?=\s))\s*)", sign = R"(^\s*)";
    std::vector<Row> rows;
    rows.push_back({Polarity::unstated, Pattern(lead + R"((?:m?\s*_+(?:级)?|-{2,}|/+|\(\s*\)|)\s*[,.。;]?\s*$)")});
    rows.push_back(
        {Polarity::unstated, Pattern(lead + R"((?:未知|不详|未提供|未描述|未评价|未记录|见(?:上|下|描述))"
                                            R"(|‹(?:n/?a|not (?:stated|provided|reported|applicable|performed|given|specified|recorded)|unknown|see)›))")});
    rows.push_back({Polarity::unstated, Pattern(sign + R"((?:情况)?(?:请|详)?(?:参)?见(?:补充|另|上|下|附)|‹see (?:addendum|note|comment|above|below)›)")});
    rows.push_back({Polarity::uncertain, Pattern(lead + R"((?:可疑|不(?:能)?(?:除外|排除)|待排|疑似|考虑|无法|倾向)"
                                                        R"(|‹(?:cannot|indeterminate|suspicious|suspected|possible|probable|equivocal|not assess)|\?|±))")});
    rows.push_back({Polarity::absent, Pattern(lead + R"((?:无|否|未(?:见|查见|发现|检出|侵犯|累及)|阴性|没有|\(?-\)?(?!\d))"
                                                     R"(|‹(?:no|none|absent|not (?:identified|seen|present|detected|found)|negative|0)›))")});
    rows.push_back({Polarity::present, Pattern(lead + R"((?:有|是|见|可见|查见|阳性|存在|\(?\++\)?|‹(?:yes|present|identified|positive|seen)›))")});
    rows.push_back({Polarity::absent, Pattern(sign + R"(\(\s*(?:-+|阴性|无|negative|absent)\s*\))")});
    rows.push_back({Polarity::present, Pattern(sign + R"(\(\s*(?:\++|阳性|有|positive|present)\s*[),:])")});
    rows.push_back({Polarity::uncertain, Pattern(sign + R"(\(\s*(?:±|\?|可疑|\+/-)\s*\))")});
    return rows;
  }();
  for (const Row& row : kRows)
    if (row.pattern.starts(reading.text(), behind)) return row.value;
  return std::nullopt;
}

bool coordinated(const Reading& reading, const Span& span) {
  static const Pattern kCoordination(R"([及和与或、]|‹(?:and|or|nor|and/or)›)");
  return reading.in(kCoordination, span);
}

// A denial or doubt of an earlier clause that the enumeration carries on to this one.
std::optional<Polarity> from_earlier(const Reading& reading, const Unit& unit, std::size_t clause, const Span& finding) {
  static const Pattern kGoesOn(R"(‹(?:for|of)$)");
  static const Pattern kCount(R"(\d\s*(?:枚|个|cm|mm))");
  for (std::size_t c = clause; c-- > 0;) {
    const std::vector<Cue> cues = cues_in(reading, unit.clauses[c].span, cues_before());
    if (cues.empty()) continue;
    const Cue& last = cues.back();
    if (last.kind == CueKind::affirms) return std::nullopt;
    const bool open = reading.in(kGoesOn, last.where) || coordinated(reading, {unit.clauses[c + 1].span.begin, unit.span.end});
    if (!open || reading.in(kCount, {finding.end, unit.clauses[clause].span.end})) return std::nullopt;
    return of(last.kind);
  }
  return std::nullopt;
}

// "A, B, and C are absent": a cue behind the last one, when nothing in between judges.
std::optional<Polarity> from_later(const Reading& reading, const Unit& unit, std::size_t clause) {
  static const Pattern kAnd(R"(^\s*‹(?:and|or)›)");
  for (std::size_t c = clause + 1; c < unit.clauses.size(); ++c) {
    const Span& span = unit.clauses[c].span;
    if (!cues_in(reading, span, cues_before()).empty() && !kAnd.starts(reading.text(), span)) return std::nullopt;
    const std::vector<Cue> cues = cues_in(reading, span, cues_behind());
    if (cues.empty()) continue;
    return kAnd.starts(reading.text(), span) ? std::optional(of(cues.front().kind)) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Polarity polarity(const Reading& reading, const Unit& unit, const Span& finding, const Scope& scope) {
  static const Pattern kOther(R"(切缘|切除面|淋巴结|‹(?:margins?|lymph nodes?)›)");
  const auto found = std::find_if(unit.clauses.begin(), unit.clauses.end(), [&](const Clause& c) { return c.span.end > finding.begin; });
  const auto clause = static_cast<std::size_t>(found - unit.clauses.begin());
  const Span own = unit.clauses[clause].span;
  if (const auto value = field_value(reading, {finding.end, unit.span.end})) return *value;

  const std::vector<Cue> before = cues_in(reading, {own.begin, finding.begin}, cues_before());
  const std::vector<Cue> inside = cues_in(reading, finding, cues_before());
  for (const Cue& cue : inside)
    if (cue.kind == CueKind::denies || cue.kind == CueKind::doubts) return of(cue.kind);
  const std::optional<CueKind> nearest = before.empty() ? std::nullopt : std::optional(before.back().kind);
  if (nearest == CueKind::denies || nearest == CueKind::doubts) return of(*nearest);

  Span rest{finding.end, std::max(own.end, finding.end)};
  if (const auto other = kOther.find(reading.text(), rest)) rest.end = other->whole.begin;
  for (const Cue& cue : cues_in(reading, rest, cues_behind()))
    if (cue.kind == CueKind::doubts || cue.kind == CueKind::asks || (scope.behind && !(nearest == CueKind::affirms && cue.kind == CueKind::denies)))
      return of(cue.kind);
  if (nearest) return of(*nearest);
  if (scope.lists) {
    if (const auto earlier = from_earlier(reading, unit, clause, finding)) return *earlier;
    if (const auto later = from_later(reading, unit, clause)) return *later;
  }
  return Polarity::present;
}

std::string text_of(Polarity polarity) {
  constexpr std::array<const char*, 4> kTexts{"present", "absent", "uncertain", ""};
  return kTexts[static_cast<std::size_t>(polarity)];
}

bool doubted(const Reading& reading, const Span& span) {
  static const Pattern kDoubts(kDoubtWords);
  return reading.in(kDoubts, span);
}

}  // namespace hepar::reports
