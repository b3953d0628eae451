// SPDX-License-Identifier: Apache-2.0
// Immunohistochemistry: markers by any of their names, each with the value that stands in brackets behind it, is said
// behind a list of them, or before it ("positive for A and B").
#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "data/reports/rules.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace hepar::reports {

namespace {

struct Marker {
  std::vector<std::string> names;  // CK8/18 is two
  Pattern spellings;
};

const std::vector<Marker>& all_markers() {
  static const std::vector<Marker> kMarkers = [] {
    std::vector<Marker> made;
    const auto add = [&](std::vector<std::string> names, const char* spellings) {
      made.push_back({std::move(names), Pattern(std::string("‹(?:") + spellings + ")(?![a-z0-9]|-\\d)")});
    };
    add({"HepPar-1"}, R"(hep[- ]?par[- ]?1?|hepatocyte(?: paraffin)?(?: antigen)?(?:[- ]?1)?|hepa(?:[- ]?1)?|hsa)");
    add({"Arginase-1"}, R"(arg(?:inase)?[- ]?1?|精氨酸酶(?:[- ]?1)?)");
    add({"GPC3"}, R"(gpc[- ]?3|glypican[- ]?3|磷脂酰肌醇蛋白聚糖[- ]?3)");
    add({"AFP"}, R"(afp|alpha[- ]?fetoprotein|α-fetoprotein|甲胎蛋白)");
    add({"CD34"}, "cd[- ]?34");
    add({"CK8", "CK18"}, R"((?:ck|cytokeratin)[- ]?\(?8\s*/\s*18\)?|cam[- ]?5\.2)");
    add({"CK7"}, R"((?:ck|cytokeratin)[- ]?\(?7\)?)");
    add({"CK8"}, R"((?:ck|cytokeratin)[- ]?\(?8\)?(?!\s*/\s*18))");
    add({"CK18"}, R"((?:ck|cytokeratin)[- ]?\(?18\)?)");
    add({"CK19"}, R"((?:ck|cytokeratin)[- ]?\(?19\)?)");
    add({"p53"}, "p[- ]?53");
    add({"GS"}, R"(gs|glutamine synth?etase|谷氨酰胺合成酶)");
    add({"HSP70"}, R"(hsp[- ]?70|heat shock protein[- ]?70)");
    add({"CD10"}, "cd[- ]?10");
    add({"EpCAM"}, R"(ep[- ]?cam)");
    add({"beta-catenin"}, R"((?:beta|β|b)[- ]?catenin|β[- ]?连环蛋白)");
    add({"PD-L1"}, R"(pd[- ]?l[- ]?1)");
    add({"CD8"}, "cd[- ]?8");
    add({}, R"((?:ck|cytokeratin)(?:[- ]?\d+)?|cd[- ]?\d+|villin|muc[- ]?\d|hbs?ag|hbcag|cdx[- ]?2|ttf[- ]?1|vimentin|ema|cea)"
            R"(|p[- ]?cea|chromogranin|cga|syn(?:aptophysin)?|s-?100|p63|p40|ki-?\s?67|mib-?1|braf|her-?2|moc-?31|sall4|ini-?1)");
    return made;
  }();
  return kMarkers;
}

struct NamedMarker {
  const Marker* marker;
  Span where;
};

// How a reaction is told; the first row that fits. Extent before strength, for "focal weak" is focal.
std::string reaction_of(const Reading& reading, const Span& words) {
  struct Row {
    const char* value;
    Pattern words;
  };
  static const std::vector<Row> kRows = [] {
    std::vector<Row> rows;
    rows.push_back(
        {"uncertain", Pattern(R"(±|\+/-|-/\+|可疑|不确定|无法|难以|‹(?:equivocal|indeterminate|cannot|uncertain|inconclusive|not assess)|(?<!\d)\?)")});
    rows.push_back({"focal", Pattern(R"(灶|散在|部分|个别|少数|少量|局部|局限|偶见|零星)"
                                     R"(|‹(?:focal(?:ly)?|patchy|scattered|partial(?:ly)?|rare|occasional|few|multifocal(?:ly)?)›)")});
    rows.push_back({"weak", Pattern(R"(弱|‹(?:weak(?:ly)?|faint(?:ly)?)›)")});
    rows.push_back({"negative", Pattern(R"(阴性?|未表达|不表达|无表达|未见(?:表达|阳性)|缺失|^\W*[-]+\W*$|\(\s*-+)"
                                        R"(|‹(?:negative|absent|no (?:expression|staining|reactivity)|not (?:expressed|stain\w*)|non-?reactive|lost|loss)"
                                        R"(|lack\w*)›)")});
    rows.push_back({"positive", Pattern(R"(\+|阳性?|表达)"
                                        R"(|‹(?:positive|positivity|immunoreactive|reactive|expressed|express(?:es|ion)?|strong(?:ly)?|diffuse(?:ly)?|retained)"
                                        R"(|stain(?:s|ed|ing)?)›)")});
    return rows;
  }();
  for (const Row& row : kRows)
    if (row.words.in(reading.text(), words)) return row.value;
  return {};
}

std::vector<NamedMarker> named_markers(const Reading& reading, const Unit& unit) {
  std::vector<NamedMarker> found;
  for (const Marker& marker : all_markers())
    for (const Match& name : marker.spellings.all(reading.text(), unit.span))
      if (std::none_of(found.begin(), found.end(), [&](const NamedMarker& n) { return n.where.begin < name.whole.end && name.whole.begin < n.where.end; }))
        found.push_back({&marker, name.whole});
  std::sort(found.begin(), found.end(), [](const NamedMarker& a, const NamedMarker& b) { return a.where.begin < b.where.begin; });
  return found;
}

// The value right behind a marker, before the next one.
std::string value_behind(const Reading& reading, const Span& behind) {
  static const Pattern kBracket(R"(^\s*(?:\([a-z0-9 -]{1,8}\)\s*)?[:=]?\s*\(([^()]*(?:\+|-|±|阳|阴|positive|negative|weak|focal|patchy|表达)[^()]*)\))");
  static const Pattern kSign(R"(^\s*:?\s*((?:\d{1,3}\s*%\s*)?(?:\+{1,4}|-{1,2}|±)(?=\s*(?:[,.。;、)\n]|$|[a-z]))|[1-4]\+)\s*)");
  static const Pattern kWords(R"(^\s*(?:is|are|was|were|shows?|:|=|均|呈|为|显示|示|immuno(?:histochemi\w+|stain\w*)?|stain(?:s|ing)?|expression)"
                              R"(|在肿瘤细胞中)*\s*(?:\d{1,3}\s*%\s*)?((?:(?:weakly?|focal(?:ly)?|patchy|strong(?:ly)?|diffuse(?:ly)?|and|scattered)"
                              R"(|partial(?:ly)?|rare|is|are|for|not|no|cytoplasmic|membranous|nuclear|equivocal|indeterminate|faint(?:ly)?)"
                              R"(|灶(?:状|性)?|散在|弱|强|部分|局灶(?:性)?|弥漫(?:性)?|个别|少量|少数|细胞|可疑|[,]|\d{1,3}%)\s*){0,5}(?:阳性|阴性)"
                              R"(|未表达|不表达|无表达|表达|缺失)"
                              R"(|‹(?:positive(?! for)|negative(?! for)|expressed|expression|absent|lost|retained|reactive|positivity|patchy|focal|weak)"
                              R"(|equivocal|staining|not expressed)›)))");
  for (const Pattern* pattern : {&kBracket, &kSign, &kWords})
    if (const auto match = pattern->starts(reading.text(), behind)) {
      const std::string value = reaction_of(reading, match->groups[1]);
      if (!value.empty()) return value;
    }
  return {};
}

// The value told before a list: "positive for", "阴性：", "不表达".
std::string value_before(const Reading& reading, const Span& before) {
  static const Pattern kLead(R"(((?:‹(?:weakly|focally|strongly|diffusely|patchy|and|not|no|focal|weak|strong|diffuse|lack(?:s|ing)?|loss)"
                             R"(|without)\s+){0,4}‹(?:positive|negative|positivity|negativity|immunoreactive|immunopositive|immunonegative|reactive)"
                             R"(|express(?:es|ed|ing|ion)?|stain(?:s|ed|ing)?(?: (?:positive|negative)(?:ly)?)?)(?: (?:for|with|of)|\s*:|\s*\())"
                             R"(|‹express(?:es|ing)|(?:弱|灶状?性?|局灶性?|强)?(?:阳性|阴性)\s*[:(]|(?:不|未|弱|无)?表达\s*:?)"
                             R"(|‹(?:no|loss of|lack) (?:\w+ )?(?:expression|staining)(?: of| for)?))");
  const std::vector<Match> leads = kLead.all(reading.text(), before);
  return leads.empty() ? std::string() : reaction_of(reading, leads.back().whole);
}

std::optional<Statement> ki67(const Reading& reading, const Unit& unit, const Span& name, std::size_t next) {
  static const Pattern kPercent(R"((\d+(?:\.\d+)?)\s*%?\s*(?:(?:[-~]|至|到|‹to›)\s*(\d+(?:\.\d+)?)\s*)?%)");
  static const Pattern kBefore(R"((\d+(?:\.\d+)?)\s*%?\s*(?:(?:[-~]|至|到|‹to›)\s*(\d+(?:\.\d+)?)\s*)?%[^,。;.]{0,40}$)");
  auto percent = kPercent.find(reading.text(), {name.end, std::min(next, name.end + 60)});
  Span where = name;
  if (percent) {
    where.end = percent->whole.end;
  } else {
    percent = kBefore.find(reading.text(), {std::max(unit.span.begin, name.begin - std::min<std::size_t>(name.begin, 60)), name.begin});
    if (!percent) return std::nullopt;
    where.begin = percent->whole.begin;
  }
  const Span high = percent->groups[2].size() > 0 ? percent->groups[2] : percent->groups[1];
  const double value = reading.number(high).value_or(-1);
  return value < 0 || value > 100 ? std::nullopt : std::optional(Statement{number_text(value), where, 0.9});
}

// From the end of the unit to its start, so that a marker without a value of its own takes that of the list behind it.
std::vector<std::string> values_in(const Reading& reading, const Unit& unit, const std::vector<NamedMarker>& named) {
  static const Pattern kList(R"(^(?:\s*(?:\(克隆[^()]*\)|[、,/&+]|和|及|与|均|‹(?:and|or|as well as|both)›))+\s*$)");
  std::vector<std::string> values(named.size());
  for (std::size_t i = named.size(); i-- > 0;) {
    const Span behind{named[i].where.end, i + 1 < named.size() ? named[i + 1].where.begin : unit.span.end};
    values[i] = value_behind(reading, behind);
    if (!values[i].empty()) continue;
    const std::string before = value_before(reading, {unit.span.begin, named[i].where.begin});
    const bool shares = i + 1 < named.size() && kList.in(reading.text(), behind);
    const bool next_by_lead =
        shares && value_behind(reading, {named[i + 1].where.end, i + 2 < named.size() ? named[i + 2].where.begin : unit.span.end}).empty() && !before.empty();
    values[i] = shares && !next_by_lead && before.empty() ? values[i + 1] : before;
  }
  return values;
}

}  // namespace

std::vector<std::pair<std::string, Statement>> markers(const Reading& reading) {
  static const Pattern kKi67(R"(‹(?:ki-?\s?67|mib-?1)(?![0-9]))");
  static const Pattern kSerum(R"(血清|‹serum›|ng/ml|μg/l|iu/ml)");
  std::vector<std::pair<std::string, Statement>> said;
  for (const Unit& unit : reading.units()) {
    const std::vector<NamedMarker> named = named_markers(reading, unit);
    if (named.empty()) continue;
    const std::vector<std::string> values = values_in(reading, unit, named);
    for (std::size_t i = 0; i < named.size(); ++i) {
      const auto clause = std::find_if(unit.clauses.begin(), unit.clauses.end(), [&](const Clause& c) { return c.span.end > named[i].where.begin; });
      if (clause->history) continue;
      for (const std::string& name : named[i].marker->names) {
        const bool serum = name == "AFP" && reading.in(kSerum, clause->span);
        if (!values[i].empty() && !serum) said.push_back({"ihc." + name, {values[i], named[i].where, 0.9}});
      }
      if (!kKi67.starts(reading.text(), named[i].where)) continue;
      if (const auto share = ki67(reading, unit, named[i].where, i + 1 < named.size() ? named[i + 1].where.begin : unit.span.end))
        said.push_back({"ihc.Ki-67_pct", *share});
    }
  }
  return said;
}

}  // namespace hepar::reports
